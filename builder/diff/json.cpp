#include <diff/report.hpp>

#include <fmt/format.h>

namespace ashlar::diff {

namespace {

constexpr int format_number = 1;

Json or_null(const std::string& text) { return text.empty() ? Json() : Json(text); }
template <typename Value> Json or_null(const std::optional<Value>& value) { return value ? Json(*value) : Json(); }

Json json_of(const PackageChange& one) { return {{"name", one.name}, {"change", name_of(one.kind)}, {"old", or_null(one.old_version)}, {"new", or_null(one.new_version)}}; }
Json json_of(const FileChange& one) {
    return {{"path", one.path}, {"change", name_of(one.kind)}, {"package", or_null(one.package)}, {"what", one.what}, {"own", one.own}};
}
Json json_of(const PrivilegeChange& one) { return {{"path", one.path}, {"package", or_null(one.package)}, {"old", or_null(one.before)}, {"new", or_null(one.after)}}; }
Json json_of(const UnitChange& one) { return {{"name", one.name}, {"package", or_null(one.package)}, {"old", one.before}, {"new", one.after}, {"listens", one.listens}}; }
Json json_of(const AccountChange& one) { return {{"name", one.name}, {"kind", name_of(one.kind)}, {"old", or_null(one.before)}, {"new", or_null(one.after)}}; }
Json json_of(const OptionChange& one) { return {{"name", one.name}, {"old", or_null(one.before)}, {"new", or_null(one.after)}}; }
Json json_of(const SizeChange& one) { return {{"name", one.name}, {"old", one.before}, {"new", one.after}}; }
Json json_of(const Transfer& one) { return {{"file", one.file}, {"size", one.size}}; }
Json json_of(const Gap& one) { return {{"source", one.source}, {"reason", one.reason}}; }
Json json_of(const ClosedVulnerability& one) {
    return {{"id", one.id}, {"source", one.source}, {"version", one.version}, {"package", one.package}, {"line", one.line}, {"text", one.text}};
}

Json json_of(const SourceChange& one);
Json json_of(const ImageDifference& image);

template <typename One> Json list_of(const std::vector<One>& all) {
    Json list = Json::array();
    for (const auto& one : all) list.push_back(json_of(one));
    return list;
}

Json json_of(const SourceChange& one) {
    return {{"source", one.source}, {"change", name_of(one.kind)}, {"old", or_null(one.old_version)}, {"new", or_null(one.new_version)}, {"packages", list_of(one.packages)}};
}

Json json_of(const ImageDifference& image) {
    return {{"role", image.role},
            {"architecture", image.architecture},
            {"sources", list_of(image.sources)},
            {"files", list_of(image.files)},
            {"privileges", list_of(image.privileges)},
            {"units", list_of(image.units)},
            {"accounts", list_of(image.accounts)},
            {"kernel", {{"old", image.old_kernel}, {"new", image.new_kernel}, {"options", list_of(image.kernel_options)}}},
            {"command_line", {{"added", image.words_added}, {"removed", image.words_removed}}},
            {"sizes", list_of(image.sizes)},
            {"growth", list_of(image.growth)},
            {"transfers", list_of(image.transfers)},
            {"unknown", image.unknown}};
}

} // namespace

Json to_json(const Report& report) {
    Json json{{"format", format_number},
              {"old", report.difference.old_release},
              {"new", report.difference.new_release},
              {"images", list_of(report.difference.images)},
              {"added_images", report.difference.added_images},
              {"removed_images", report.difference.removed_images},
              {"closed",
               {{"sources", report.closed.sources}, {"vulnerabilities", list_of(report.closed.closed)}, {"unread", list_of(report.closed.unread)}, {"doubtful", list_of(report.closed.doubtful)}}}};
    if (report.tracked) json["tracker"] = vulnerabilities::to_json(*report.tracked);
    if (report.findings) json["findings"] = policy::to_json(*report.findings);
    return json;
}

} // namespace ashlar::diff
