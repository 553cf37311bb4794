#include <signing/release.hpp>

#include <signing/json_object.hpp>

#include <base/error.hpp>
#include <base/os_release.hpp>
#include <base/text.hpp>
#include <signing/authenticode.hpp>
#include <signing/uki.hpp>

#include <algorithm>
#include <variant>

#include <fmt/format.h>

namespace ashlar {

namespace {

constexpr int format = 1;

JsonDocument document_of(std::string_view name) { return {"release index", name, "is it what `ashlar publish` wrote, and complete?"}; }

PublishedFile file_of(JsonObject& object) { return {object.plain_name("file"), object.number("size")}; }

Json json_of(const PublishedStream& stream) {
    Json json{{"file", stream.file.file}, {"size", stream.file.size}};
    if (stream.from) json["from"] = stream.from->hex();
    return json;
}

PublishedStream stream_of(const Json& json, const JsonDocument& document, std::string place) {
    JsonObject object(json, document, std::move(place));
    PublishedStream stream{.from = object.has("from") ? std::optional(object.digest("from")) : std::nullopt, .file = file_of(object)};
    object.finish();
    return stream;
}

std::vector<PublishedStream> streams_of(const Json& json, const JsonDocument& document, std::string_view what) {
    if (!json.is_array()) throw document.refusal(fmt::format("what should be a {} each is no list", what));
    std::vector<PublishedStream> streams;
    for (std::size_t i = 0; i < json.size(); ++i) streams.push_back(stream_of(json[i], document, fmt::format("{} {}", what, i + 1)));
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

Json json_of(const ReleaseIndex& index) {
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
    return json;
}

std::string release_index_text(const ReleaseIndex& index) { return pretty(json_of(index)); }

ReleaseIndex release_index_of(const Json& json, std::string_view name) {
    const JsonDocument document = document_of(name);
    JsonObject top(json, document, "the index");
    if (const auto have = top.number("format"); have != format) throw document.refusal(fmt::format("its format is {}, this program reads {}", have, format));
    JsonObject root(top.at("root"), document, "root"), uki(top.at("uki"), document, "uki");
    ReleaseIndex index{.role = top.text("role"),
                       .release = top.text("release"),
                       .architecture = top.text("architecture"),
                       .root_hash = root.digest("hash"),
                       .root_size = root.number("size"),
                       .uki = file_of(uki),
                       .uki_digest = uki.digest("sha256")};
    index.streams = streams_of(top.at("streams"), document, "stream");
    if (top.has("test")) index.test = top.boolean("test");
    index.uki_deltas = streams_of(uki.at("deltas"), document, "UKI delta");
    for (const JsonObject* object : {&top, &root, &uki}) object->finish();
    if (std::ranges::count_if(index.streams, [](const PublishedStream& stream) { return !stream.from; }) != 1)
        throw document.refusal("it must have one stream without 'from'");
    if (std::ranges::any_of(index.uki_deltas, [](const PublishedStream& stream) { return !stream.from; }))
        throw document.refusal("a UKI delta has no 'from'");
    return index;
}

ReleaseIndex parse_release_index(std::string_view text, std::string_view name) { return release_index_of(parse_json(text, name), name); }

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
