#include <pipeline/tree_record.hpp>

#include <base/error.hpp>
#include <base/file.hpp>
#include <base/json.hpp>
#include <base/parallel.hpp>
#include <base/text.hpp>

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace ashlar::pipeline {

namespace {

constexpr std::array<std::string_view, 6> type_names{"directory", "file", "symlink", "character-device", "block-device", "fifo"};

std::string_view name_of(root::EntryType type) { return type_names.at(static_cast<std::size_t>(type)); }

root::EntryType type_of(std::string_view name) {
    for (std::size_t i = 0; i < type_names.size(); ++i)
        if (type_names[i] == name) return static_cast<root::EntryType>(i);
    throw Error(fmt::format("unknown type '{}'", name));
}

EntryRecord describe(const root::Entry& entry) {
    return {.path = entry.path, .type = entry.type, .mode = entry.mode, .uid = entry.uid, .gid = entry.gid, .mtime = entry.mtime,
            .size = entry.size, .target = entry.target, .xattrs = entry.xattrs, .package = entry.package};
}

Json to_json(const EntryRecord& entry) {
    Json json{{"path", entry.path}, {"type", name_of(entry.type)}, {"mode", fmt::format("{:04o}", entry.mode)},
              {"uid", entry.uid},   {"gid", entry.gid},            {"mtime", entry.mtime}};
    if (entry.type == root::EntryType::file) json["size"] = entry.size;
    if (!entry.target.empty()) json["target"] = entry.target;
    if (!entry.package.empty()) json["package"] = entry.package;
    if (entry.contents) json["contents"] = *entry.contents;
    if (entry.sha256) json["sha256"] = entry.sha256->hex();
    for (const auto& [name, value] : entry.xattrs) json["xattrs"][name] = to_hex(std::as_bytes(std::span(value)));
    return json;
}

std::string bytes_of(const std::string& hex) {
    const auto bytes = from_hex(hex);
    if (!bytes) throw Error(fmt::format("'{}' is not hexadecimal", hex));
    return {reinterpret_cast<const char*>(bytes->data()), bytes->size()};
}

EntryRecord from_json(const Json& json) {
    EntryRecord entry{.path = json.at("path"), .type = type_of(json.at("type").get<std::string>()),
                      .mode = static_cast<unsigned>(std::stoul(json.at("mode").get<std::string>(), nullptr, 8)),
                      .uid = json.at("uid"), .gid = json.at("gid"), .mtime = json.at("mtime"), .size = json.value("size", std::uint64_t{0}),
                      .target = json.value("target", ""), .package = json.value("package", "")};
    if (json.contains("sha256")) {
        entry.sha256 = Digest::from_hex(json["sha256"].get<std::string>());
        if (!entry.sha256) throw Error(fmt::format("'{}' is not a SHA-256", json["sha256"].get<std::string>()));
    }
    if (json.contains("contents")) entry.contents = json["contents"].get<std::string>();
    if (json.contains("xattrs"))
        for (const auto& [name, value] : json["xattrs"].items()) entry.xattrs[name] = bytes_of(value.get<std::string>());
    return entry;
}

} // namespace

bool is_kept(std::string_view path) {
    const auto in = [&](std::string_view directory) { return path.starts_with(directory) && path.find('/', directory.size()) == path.npos; };
    if (path == "etc/passwd" || path == "etc/group") return true;
    if (path.ends_with(".socket")) return in("usr/lib/systemd/system/") || in("etc/systemd/system/");
    return in("boot/config-") || (path.starts_with("usr/lib/modules/") && path.ends_with("/config") && std::ranges::count(path, '/') == 4);
}

TreeRecord record(const root::Tree& tree) {
    TreeRecord result;
    result.reserve(tree.size());
    for (const root::Entry& entry : tree) result.push_back(describe(entry));
    in_parallel(tree.size(), [&](std::size_t i) {
        if (tree[i].type != root::EntryType::file) return;
        result[i].sha256 = sha256_of_file(tree[i].source);
        if (is_kept(tree[i].path)) result[i].contents = read_file(tree[i].source);
    });
    return result;
}

std::string to_text(const TreeRecord& record) {
    std::string text = "{\"format\": 1, \"entries\": [\n";
    for (std::size_t i = 0; i < record.size(); ++i) text += to_json(record[i]).dump(-1, ' ', false, Json::error_handler_t::replace) + (i + 1 < record.size() ? ",\n" : "\n");
    return text + "]}\n";
}

TreeRecord parse_tree_record(std::string_view text, std::string_view name) {
    const Json json = parse_json(text, name);
    try {
        if (json.at("format") != 1) throw Error("its format is not 1");
        TreeRecord record;
        for (const Json& entry : json.at("entries")) record.push_back(from_json(entry));
        return record;
    } catch (const std::exception& error) {
        throw Error(fmt::format("cannot parse '{}': {}", name, error.what()));
    }
}

} // namespace ashlar::pipeline
