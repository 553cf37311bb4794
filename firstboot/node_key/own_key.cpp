#include <node_key/own_key.hpp>

#include <base/error.hpp>
#include <signing/base64.hpp>
#include <signing/node_id.hpp>
#include <state/state.hpp>

#include <fmt/format.h>

namespace ashlar::node_key {

namespace {

constexpr const char* member = "node";
constexpr std::string_view holder_state = "state", holder_tpm = "tpm";
constexpr std::string_view sealed_name = "ashlar-node-key";

Error refusal(std::string_view cause) {
    return Error(fmt::format("cannot use the node's own key: {}", cause), "start the release that wrote it, or install the node again: it then enrols as another one");
}

Error sealed_elsewhere(std::string_view cause) {
    return Error(fmt::format("cannot use the node's own key: {}", cause),
                 "its board was changed, or its TPM cleared: put the disk back on its own board, or install the node again; it then takes its old place as another one (docs/guides/recovery.md)");
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

std::string opened(const Json& record, const tpm::Sealer* sealer) {
    const std::string sealed = text(record, "sealed");
    if (sealer == nullptr) throw sealed_elsewhere("it is sealed to a TPM, and this machine has none");
    try {
        return sealer->open(sealed_name, sealed);
    } catch (const Error& error) {
        throw sealed_elsewhere(fmt::format("this machine's TPM does not give it out ({})", error.message()));
    }
}

Secret private_half(const Json& record, const tpm::Sealer* sealer) {
    const auto holder = text(record, "holder");
    if (holder == holder_state) return Secret(text_of(bytes(record, "private")));
    if (holder == holder_tpm) return Secret(opened(record, sealer));
    throw refusal(fmt::format("it is held by '{}', which this release does not know", holder));
}

// A TPM that does not seal is said when the key is sealed at the next start: who the node is does not wait for that.
Json new_record(const SigningKey& key, const tpm::Sealer* sealer) {
    Json record = record_of(key);
    if (sealer == nullptr) return record;
    try {
        return sealed_record(record, *sealer);
    } catch (const Error&) {
        return record;
    }
}

// The TPM takes its time: others may write meanwhile.
SigningKey made_in(const std::filesystem::path& partition, const tpm::Sealer* sealer) {
    SigningKey key = SigningKey::generate(site_scheme);
    const Json made = new_record(key, sealer);
    state::change(partition, [&](Json& content) { content[member] = made; });
    return key;
}

} // namespace

Json record_of(const SigningKey& key) {
    return {{"algorithm", name_of(site_scheme)},
            {"holder", holder_state},
            {"public", base64(key.verifying_key().der())},
            {"private", base64(bytes_of(key.secret().text()))}};
}

Json sealed_record(const Json& record, const tpm::Sealer& sealer) {
    const SigningKey key = key_in(record);
    return {{"algorithm", record.at("algorithm")}, {"holder", holder_tpm}, {"public", record.at("public")}, {"sealed", tpm::seal_surely(sealer, sealed_name, key.secret().text())}};
}

SigningKey key_in(const Json& record, const tpm::Sealer* sealer) {
    if (!record.is_object()) throw refusal("it is no object in the state");
    if (const auto algorithm = text(record, "algorithm"); algorithm != name_of(site_scheme)) throw refusal(fmt::format("its algorithm is '{}', which this release does not know", algorithm));
    SigningKey key = SigningKey::from_secret(private_half(record, sealer), "node");
    if (key.verifying_key() != VerifyingKey::from_der(bytes(record, "public"), site_scheme, "node")) throw refusal("its two halves do not belong together");
    return key;
}

SigningKey own_key(const std::filesystem::path& partition, const tpm::Sealer* sealer) {
    const auto record = state::read(partition);
    if (!record) throw Error(fmt::format("cannot use the node's own key: the state in '{}' was never written", partition.native()), "install the node");
    const auto found = record->content.find(member);
    return found == record->content.end() ? made_in(partition, sealer) : key_in(*found, sealer);
}

bool lies_in_plain(const Json& state) {
    const auto found = state.find(member);
    return found != state.end() && found->is_object() && found->contains("private");
}

void seal(Json& state, const tpm::Sealer& sealer) {
    if (lies_in_plain(state)) state[member] = sealed_record(state.at(member), sealer);
}

} // namespace ashlar::node_key
