#include "message.hpp"

#include <base/error.hpp>
#include <base/json.hpp>
#include <base/text.hpp>

#include <algorithm>
#include <array>
#include <optional>

#include <fmt/format.h>

// The one who signs sees what these bytes say, whatever else reads them later. So they must be in the one form that they may
// have: nothing twice, nothing that another reader would take for something else.

namespace ashlar::requests {

namespace {

constexpr std::array<std::string_view, 5> types{"root", "timestamp", "snapshot", "targets", "bundle"};

Error refusal(std::string_view cause) { return Error(fmt::format("its message {}", cause)); }

// Canonical JSON escapes nothing but '"' and '\\': a line feed, as in the PEM of an ECDSA key, stands there as it is, which JSON
// cannot read. With it escaped. Nothing: other control characters or escapes.
std::optional<std::string> readable(std::string_view text) {
    std::string escaped;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const char c = text[at];
        if (c == '\\') {
            if (++at == text.size() || (text[at] != '"' && text[at] != '\\')) return std::nullopt;
            escaped.append({c, text[at]});
        } else if (c == '\n') {
            escaped += "\\n";
        } else {
            if (static_cast<unsigned char>(c) < ' ') return std::nullopt;
            escaped += c;
        }
    }
    return escaped;
}

bool has_fraction(const Json& json) { return json.is_number_float() || (json.is_structured() && std::ranges::any_of(json, has_fraction)); }

// Without fractions, canonical JSON is what this library writes, but for the line feeds: sorted, without white space.
Json canonical(std::string_view text) {
    const auto form = readable(text);
    if (!form) throw refusal("is not canonical JSON");
    Json json;
    try {
        json = parse_json(*form, "message");
    } catch (const Error&) {
        throw refusal("is not JSON");
    }
    if (!json.is_object() || has_fraction(json) || json.dump() != *form) throw refusal("is not canonical JSON");
    return json;
}

// A member that may be missing.
const Json* member(const Json& object, const char* name) {
    if (!object.is_object()) return nullptr;
    const auto found = object.find(name);
    return found == object.end() ? nullptr : &*found;
}

std::string text(const Json& object, const char* name) {
    const Json* const value = member(object, name);
    if (value == nullptr || !value->is_string()) throw refusal(fmt::format("has no text '{}'", name));
    return printable(value->get_ref<const std::string&>());
}

std::uint64_t number(const Json& object, const char* name) {
    const Json* const value = member(object, name);
    if (value == nullptr || !value->is_number_unsigned()) throw refusal(fmt::format("has no number '{}'", name));
    return value->get<std::uint64_t>();
}

const Json& structure(const Json& object, const char* name, bool right(const Json&)) {
    const Json* const value = member(object, name);
    if (value == nullptr || !right(*value)) throw refusal(fmt::format("has no '{}' as it should be", name));
    return *value;
}
bool is_object(const Json& json) { return json.is_object(); }
bool is_list(const Json& json) { return json.is_array(); }
const Json& object_in(const Json& object, const char* name) { return structure(object, name, is_object); }
const Json& list_in(const Json& object, const char* name) { return structure(object, name, is_list); }

std::string counted(std::size_t count, std::string_view one, std::string_view many) { return fmt::format("{} {}", count, count == 1 ? one : many); }

// "2 of 3 keys: 0f3c…" with whole ids: who signs a root compares them.
std::string keys_of(const Json& role) {
    std::vector<std::string> ids;
    for (const Json& id : list_in(role, "keyids")) {
        if (!id.is_string()) throw refusal("has a key id that is no text");
        ids.push_back(printable(id.get_ref<const std::string&>()));
    }
    return fmt::format("{} of {}: {}", number(role, "threshold"), counted(ids.size(), "key", "keys"), ids.empty() ? "none" : join(ids, ", "));
}

using Lines = std::vector<std::string>;

void add_key_schemes(const Json& signed_part, Lines& lines) {
    for (const auto& [id, key] : object_in(signed_part, "keys").items()) lines.push_back(fmt::format("key {}: {}", printable(id), text(key, "scheme")));
}

void describe_root(const Json& root, Lines& lines) {
    for (const auto& [name, role] : object_in(root, "roles").items()) lines.push_back(fmt::format("role {}: {}", printable(name), keys_of(role)));
    if (const Json* const bundle = member(root, "x-ashlar-bundle")) lines.push_back(fmt::format("role bundle: {}", keys_of(*bundle)));
    add_key_schemes(root, lines);
}

void describe_files(const Json& signed_part, Lines& lines) {
    for (const auto& [name, meta] : object_in(signed_part, "meta").items()) lines.push_back(fmt::format("{} version {}", printable(name), number(meta, "version")));
}

void describe_bundle(const Json& bundle, Lines& lines) {
    lines.push_back(fmt::format("train {}, {}", text(bundle, "train"), counted(list_in(bundle, "targets").size(), "target", "targets")));
    describe_files(bundle, lines);
}

void describe_train(const Json& train, Lines& lines) {
    const bool floor = member(train, "security_floor") != nullptr;
    lines.push_back(fmt::format("train {}, {}", text(train, "train"), floor ? fmt::format("nothing older than {} is installed", text(train, "security_floor")) : "without a security floor"));
    for (const auto& [release, why] : object_in(train, "revoked").items()) {
        if (!why.is_string()) throw refusal("has a revocation whose reason is no text");
        lines.push_back(fmt::format("revoked: {} ({})", printable(release), printable(why.get_ref<const std::string&>())));
    }
}

std::string paths_of(const Json& role) {
    const bool by_path = member(role, "paths") != nullptr;
    Lines paths;
    for (const Json& path : list_in(role, by_path ? "paths" : "path_hash_prefixes")) {
        if (!path.is_string()) throw refusal("has a path that is no text");
        paths.push_back(printable(path.get_ref<const std::string&>()));
    }
    return join(paths, " ");
}

void describe_delegations(const Json& delegations, Lines& lines) {
    for (const Json& role : list_in(delegations, "roles")) lines.push_back(fmt::format("delegates {} to {}, {}", paths_of(role), text(role, "name"), keys_of(role)));
    add_key_schemes(delegations, lines);
}

void describe_targets(const Json& signed_part, Lines& lines) {
    if (const Json* const train = member(signed_part, "x-ashlar-train")) describe_train(*train, lines);
    const Json& targets = object_in(signed_part, "targets");
    lines.push_back(counted(targets.size(), "target", "targets"));
    for (const auto& [path, target] : targets.items())
        if (const Json* const custom = member(target, "custom"); custom != nullptr && member(*custom, "release") != nullptr)
            lines.push_back(fmt::format("release {}, channel {}: {}", text(*custom, "release"), text(*custom, "channel"), printable(path)));
    if (const Json* const delegations = member(signed_part, "delegations")) describe_delegations(*delegations, lines);
}

} // namespace

std::vector<std::string> read_metadata(std::string_view message) {
    const Json json = canonical(message);
    const std::string type = text(json, "_type");
    if (std::ranges::find(types, type) == types.end()) throw refusal(fmt::format("is of a type that is not known: '{}'", type));
    const bool dated = member(json, "x-ashlar-issued") != nullptr;
    Lines lines{fmt::format("{} metadata, version {}, expires {}{}", type, number(json, "version"), text(json, "expires"),
                            dated ? fmt::format(", issued {}", text(json, "x-ashlar-issued")) : "")};
    if (type == "root") describe_root(json, lines);
    else if (type == "targets") describe_targets(json, lines);
    else if (type == "bundle") describe_bundle(json, lines);
    else describe_files(json, lines);
    return lines;
}

} // namespace ashlar::requests
