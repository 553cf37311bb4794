#include <node_key/own_key.hpp>

#include <base/error.hpp>
#include <signing/base64.hpp>
#include <signing/node_id.hpp>
#include <state/state.hpp>

#include <fmt/format.h>

namespace ashlar::node_key {

namespace {

constexpr const char* member = "node";
constexpr std::string_view holder_state = "state"; // a later one: the TPM

Error refusal(std::string_view cause) {
    return Error(fmt::format("cannot use the node's own key: {}", cause), "start the release that wrote it, or install the node again: it then enrols as another one");
}

std::string text(const Json& record, const char* name) {
    const auto found = record.find(name);
    if (found == record.end() || !found->is_string()) throw refusal(fmt::format("'{}' in the state is missing or no text", name));
    return found->get<std::string>();
}

Bytes bytes(const Json& record, const char* name) {
    auto read = from_base64(text(record, name));
    if (!read) throw refusal(fmt::format("'{}' in the state is not base64", name));
    return std::move(*read);
}

SigningKey made_in(const std::filesystem::path& partition, Json content) {
    SigningKey key = SigningKey::generate(site_scheme);
    content[member] = record_of(key);
    state::write(partition, content);
    return key;
}

} // namespace

Json record_of(const SigningKey& key) {
    return {{"algorithm", name_of(site_scheme)},
            {"holder", holder_state},
            {"public", base64(key.verifying_key().der())},
            {"private", base64(bytes_of(key.secret().text()))}};
}

SigningKey key_in(const Json& record) {
    if (!record.is_object()) throw refusal("it is no object in the state");
    if (const auto algorithm = text(record, "algorithm"); algorithm != name_of(site_scheme)) throw refusal(fmt::format("its algorithm is '{}', which this release does not know", algorithm));
    if (const auto holder = text(record, "holder"); holder != holder_state) throw refusal(fmt::format("it is held by '{}', which this release does not know", holder));
    SigningKey key = SigningKey::from_secret(Secret(text_of(bytes(record, "private"))), "node");
    if (key.verifying_key() != VerifyingKey::from_der(bytes(record, "public"), site_scheme, "node")) throw refusal("its two halves do not belong together");
    return key;
}

SigningKey own_key(const std::filesystem::path& partition) {
    auto record = state::read(partition);
    if (!record) throw Error(fmt::format("cannot use the node's own key: the state in '{}' was never written", partition.native()), "install the node");
    const auto found = record->content.find(member);
    return found == record->content.end() ? made_in(partition, std::move(record->content)) : key_in(*found);
}

} // namespace ashlar::node_key
