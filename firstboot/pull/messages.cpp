#include <pull/messages.hpp>

#include <base/error.hpp>
#include <base/text.hpp>
#include <signing/base64.hpp>
#include <signing/bytes.hpp>

#include <fmt/format.h>

namespace ashlar::pull {

namespace {

Json json_of(const Part& part) { return {{"offset", part.offset}, {"size", part.size}}; }
Part part_from(const Json& json) { return {json.at("offset").get<std::uint64_t>(), json.at("size").get<std::uint64_t>()}; }

Digest digest_from(const Json& json) {
    const auto digest = Digest::from_hex(json.get<std::string>());
    if (!digest) throw Error("cannot read a message between ashlard and ashlar-pull: a digest is malformed");
    return *digest;
}

Way way_from(const Json& json) {
    const auto way = way_named(json.get<std::string>());
    if (!way) throw Error("cannot read a message between ashlard and ashlar-pull: a way is malformed");
    return *way;
}

} // namespace

std::string_view name_of(Way way) {
    switch (way) {
    case Way::delta: return "delta";
    case Way::blocks: return "blocks";
    case Way::full: return "full";
    }
    return "";
}

std::optional<Way> way_named(std::string_view name) {
    for (const Way way : {Way::delta, Way::blocks, Way::full})
        if (name_of(way) == name) return way;
    return std::nullopt;
}

Json to_json(const Got& got) { return {{"content", got.content ? Json(base64(bytes_of(*got.content))) : Json()}}; }

Got got_from(const Json& json) {
    const Json& content = json.at("content");
    if (content.is_null()) return {};
    const auto& text = content.get_ref<const std::string&>();
    if (text.empty()) return {std::string()};
    const auto bytes = from_base64(text, text.size());
    if (!bytes) throw Error("cannot read a message between ashlard and ashlar-pull: a file is malformed");
    return {std::string(text_of(*bytes))};
}

Json to_json(const Source& source) { return {{"location", source.location}, {"proxy", source.proxy}, {"certificates", source.certificates}}; }

Source source_from(const Json& json) { return {json.at("location").get<std::string>(), json.at("proxy").get<std::string>(), json.at("certificates").get<std::string>()}; }

Json to_json(const Have& have) {
    return {{"role", have.role},           {"architecture", have.architecture}, {"root_hash", have.root_hash.hex()},
            {"disk", have.disk.native()}, {"root", json_of(have.root)},         {"tree", json_of(have.tree)},
            {"uki", have.uki.native()}};
}

Have have_from(const Json& json) {
    return {.role = json.at("role").get<std::string>(),
            .architecture = json.at("architecture").get<std::string>(),
            .root_hash = digest_from(json.at("root_hash")),
            .disk = json.at("disk").get<std::string>(),
            .root = part_from(json.at("root")),
            .tree = part_from(json.at("tree")),
            .uki = json.at("uki").get<std::string>()};
}

Json to_json(const Work& work) {
    return {{"have", to_json(work.have)}, {"way", name_of(work.way)}, {"stream", work.stream},
            {"to", json_of(work.to)},     {"first", work.first},      {"root_hash", work.root_hash.hex()}};
}

Work work_from(const Json& json) {
    return {.have = have_from(json.at("have")),
            .way = way_from(json.at("way")),
            .stream = json.at("stream").get<std::string>(),
            .to = part_from(json.at("to")),
            .first = json.at("first").get<std::uint64_t>(),
            .root_hash = digest_from(json.at("root_hash"))};
}

Json to_json(const Progress& progress) {
    return {{"operations", progress.operations}, {"written", progress.written}, {"size", progress.size}, {"fetched", progress.fetched}, {"download", progress.download}};
}

Progress progress_from(const Json& json) {
    return {json.at("operations").get<std::uint64_t>(), json.at("written").get<std::uint64_t>(), json.at("size").get<std::uint64_t>(),
            json.at("fetched").get<std::uint64_t>(), json.at("download").get<std::uint64_t>()};
}

Json to_json(const Refusal& refusal) { return {{"refused", refusal.text}}; }

std::optional<Refusal> refusal_in(const Json& json) {
    if (!json.contains("refused")) return std::nullopt;
    return Refusal{json.at("refused").get<std::string>()};
}

Json to_json(const Offer& offer) {
    Json routes = Json::array();
    for (const Route& route : offer.routes) routes.push_back({{"way", name_of(route.way)}, {"stream", route.stream}, {"download", route.download}});
    return {{"index", release_index_text(offer.index)}, {"routes", std::move(routes)}, {"salt", to_hex(offer.verity.salt)}, {"uuid", offer.verity.uuid.text()}};
}

Offer offer_from(const Json& json) {
    const auto salt = from_hex(json.at("salt").get<std::string>());
    const auto uuid = Guid::from_text(json.at("uuid").get<std::string>());
    if (!salt || !uuid) throw Error("cannot read a message between ashlard and ashlar-pull: the hash tree's parameters are malformed");
    std::vector<Route> routes;
    for (const Json& route : json.at("routes"))
        routes.push_back({way_from(route.at("way")), route.at("stream").get<std::string>(), route.at("download").get<std::uint64_t>()});
    if (routes.empty()) throw Error("cannot read a message between ashlard and ashlar-pull: there is no way to the release");
    return {.index = parse_release_index(json.at("index").get<std::string>(), "release index"),
            .routes = std::move(routes),
            .verity = {*uuid, *salt}};
}

} // namespace ashlar::pull
