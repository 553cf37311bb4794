#include <signing/release.hpp>

#include <base/error.hpp>
#include <base/json.hpp>
#include <base/os_release.hpp>
#include <base/text.hpp>
#include <signing/authenticode.hpp>
#include <signing/uki.hpp>

#include <algorithm>
#include <set>
#include <variant>

#include <fmt/format.h>

namespace ashlar {

namespace {

constexpr int format = 1;
constexpr const char* remedy = "is it what `ashlar publish` wrote, and complete?";

Error malformed(std::string_view name, std::string_view cause) {
    return Error(fmt::format("cannot read the release index '{}': {}", name, cause), remedy);
}

// An object of which every key is asked for, and no other is there.
class Object {
public:
    Object(const Json& json, std::string_view name, std::string place) : json_(json), name_(name), place_(std::move(place)) {
        if (!json.is_object()) throw malformed(name_, place_ + " is not an object");
        for (const auto& [key, value] : json.items()) left_.insert(key);
    }
    [[nodiscard]] const Json& at(const std::string& key) {
        left_.erase(key);
        if (!json_.contains(key)) throw malformed(name_, fmt::format("{}: '{}' is missing", place_, key));
        return json_.at(key);
    }
    [[nodiscard]] bool has(const std::string& key) const { return json_.contains(key); }
    [[nodiscard]] std::string text(const std::string& key) {
        const Json& value = at(key);
        if (!value.is_string() || value.get_ref<const std::string&>().empty()) throw malformed(name_, fmt::format("{}: '{}' is no text", place_, key));
        return value.get<std::string>();
    }
    [[nodiscard]] std::uint64_t number(const std::string& key) {
        const Json& value = at(key);
        if (!value.is_number_unsigned()) throw malformed(name_, fmt::format("{}: '{}' is no number from 0 on", place_, key));
        return value.get<std::uint64_t>();
    }
    [[nodiscard]] bool boolean(const std::string& key) {
        const Json& value = at(key);
        if (!value.is_boolean()) throw malformed(name_, fmt::format("{}: '{}' is neither true nor false", place_, key));
        return value.get<bool>();
    }
    [[nodiscard]] Digest digest(const std::string& key) {
        const auto found = Digest::from_hex(text(key));
        if (!found) throw malformed(name_, fmt::format("{}: '{}' is no SHA-256 digest", place_, key));
        return *found;
    }
    [[nodiscard]] PublishedFile file() {
        PublishedFile published{text("file"), number("size")};
        if (published.file.find('/') != std::string::npos || published.file.starts_with('.')) throw malformed(name_, fmt::format("{}: 'file' is no plain name", place_));
        return published;
    }
    void finish() const {
        if (!left_.empty()) throw malformed(name_, fmt::format("{}: unknown key '{}'", place_, *left_.begin()));
    }

private:
    const Json& json_;
    std::string_view name_;
    std::string place_;
    std::set<std::string> left_;
};

Json json_of(const PublishedStream& stream) {
    Json json{{"file", stream.file.file}, {"size", stream.file.size}};
    if (stream.from) json["from"] = stream.from->hex();
    return json;
}

PublishedStream stream_of(const Json& json, std::string_view name, std::string place) {
    Object object(json, name, std::move(place));
    PublishedStream stream{.from = object.has("from") ? std::optional(object.digest("from")) : std::nullopt, .file = object.file()};
    object.finish();
    return stream;
}

std::vector<PublishedStream> streams_of(const Json& json, std::string_view name, std::string_view what) {
    if (!json.is_array()) throw malformed(name, fmt::format("what should be a {} each is no list", what));
    std::vector<PublishedStream> streams;
    for (std::size_t i = 0; i < json.size(); ++i) streams.push_back(stream_of(json[i], name, fmt::format("{} {}", what, i + 1)));
    return streams;
}

std::string root_hash_in(std::string_view command_line) {
    constexpr std::string_view option = "roothash=";
    std::string found;
    for (const auto word : split(command_line, ' '))
        if (word.starts_with(option)) found = word.substr(option.size());
    return found;
}

} // namespace

std::string release_index_name(std::string_view role, std::string_view architecture) { return fmt::format("ashlar_{}_{}.release.json", role, architecture); }

std::string release_index_text(const ReleaseIndex& index) {
    Json streams = Json::array(), uki_deltas = Json::array();
    for (const auto& stream : index.streams) streams.push_back(json_of(stream));
    for (const auto& stream : index.uki_deltas) uki_deltas.push_back(json_of(stream));
    Json json{{"format", format},
              {"role", index.role},
              {"release", index.release},
              {"architecture", index.architecture},
              {"root", {{"hash", index.root_hash.hex()}, {"size", index.root_size}}},
              {"uki", {{"file", index.uki.file}, {"size", index.uki.size}, {"sha256", index.uki_digest.hex()}, {"deltas", std::move(uki_deltas)}}},
              {"streams", std::move(streams)}};
    // Nodes of before know no such key, and need none for what is not for testing.
    if (index.test) json["test"] = true;
    return pretty(json);
}

ReleaseIndex parse_release_index(std::string_view text, std::string_view name) {
    const Json json = parse_json(text, name);
    Object top(json, name, "the index");
    if (const auto have = top.number("format"); have != format) throw malformed(name, fmt::format("its format is {}, this program reads {}", have, format));
    Object root(top.at("root"), name, "root"), uki(top.at("uki"), name, "uki");
    ReleaseIndex index{.role = top.text("role"),
                       .release = top.text("release"),
                       .architecture = top.text("architecture"),
                       .root_hash = root.digest("hash"),
                       .root_size = root.number("size"),
                       .uki = uki.file(),
                       .uki_digest = uki.digest("sha256")};
    index.streams = streams_of(top.at("streams"), name, "stream");
    if (top.has("test")) index.test = top.boolean("test");
    index.uki_deltas = streams_of(uki.at("deltas"), name, "UKI delta");
    for (const Object* object : {&top, &root, &uki}) object->finish();
    if (std::ranges::count_if(index.streams, [](const PublishedStream& stream) { return !stream.from; }) != 1) throw malformed(name, "it must have one stream without 'from'");
    if (std::ranges::any_of(index.uki_deltas, [](const PublishedStream& stream) { return !stream.from; })) throw malformed(name, "a UKI delta has no 'from'");
    return index;
}

void verify_release(const ReleaseIndex& index, ByteView uki, const std::vector<Certificate>& trusted) {
    const std::string& name = index.uki.file;
    const auto refuse = [&](const std::string& cause) { throw Error(fmt::format("cannot trust '{}': {}", name, cause), "get the release again from where it comes from"); };
    if (sha256(uki) != index.uki_digest) refuse("its bytes are not those that the index names");
    if (const auto answer = verify_authenticode(uki, trusted, name); const auto* untrusted = std::get_if<Untrusted>(&answer)) refuse(untrusted->cause);
    const UkiContents contents = read_uki(uki, name);
    const auto fields = parse_os_release(contents.os_release.value_or(""), name);
    const auto is = [&](const char* key, std::string_view wanted) {
        const auto found = fields.find(key);
        if (found == fields.end() || found->second != wanted)
            refuse(fmt::format("its {} is '{}', not '{}'", key, found == fields.end() ? "" : found->second, wanted));
    };
    is("IMAGE_ID", "ashlar");
    is("VARIANT_ID", index.role);
    is("IMAGE_VERSION", index.release);
    if (const auto hash = root_hash_in(contents.command_line.value_or("")); hash != index.root_hash.hex())
        refuse(fmt::format("its root hash is '{}', not '{}'", hash, index.root_hash.hex()));
}

} // namespace ashlar
