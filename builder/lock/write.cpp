#include <lock/lock.hpp>

#include "check.hpp"
#include "time.hpp"

#include <base/error.hpp>
#include <base/json.hpp>

#include <fmt/format.h>

namespace ashlar::lock {

namespace {

// Bytes that are not UTF-8 become U+FFFD: only maintainers' names can have them, the rest is checked.
std::string json_string(const std::string& text) {
    return Json(text).dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string digest_text(const Digest& digest) { return fmt::format("\"sha256:{}\"", digest.hex()); }

std::string time_text(std::int64_t seconds) { return fmt::format("\"{}\"", write_time(seconds).value()); }

// `{"a": 1, "b": 2}` in the order added: the order is chosen for the reader, not the alphabet.
class Line {
public:
    Line& raw(std::string_view key, std::string_view value) {
        text_ += fmt::format("{}\"{}\": {}", text_.empty() ? "" : ", ", key, value);
        return *this;
    }
    Line& text(std::string_view key, const std::string& value) { return raw(key, json_string(value)); }
    Line& text_unless(const std::string& usual, std::string_view key, const std::string& value) {
        return value == usual ? *this : text(key, value);
    }
    Line& digest(std::string_view key, const Digest& value) { return raw(key, digest_text(value)); }
    [[nodiscard]] std::string str() const { return "{" + text_ + "}"; }

private:
    std::string text_;
};

std::string list(const std::vector<std::string>& values) { return fmt::format("[{}]", fmt::join(values, ", ")); }

std::string quoted_list(std::vector<std::string> values) {
    for (auto& value : values) value = json_string(value);
    return list(values);
}

// One value a line, so that a difference between two locks reads as what changed.
std::string block(const std::vector<std::string>& lines, char open, char close) {
    if (lines.empty()) return {open, close};
    return fmt::format("{}\n    {}\n  {}", open, fmt::join(lines, ",\n    "), close);
}

template <typename Values, typename Write> std::vector<std::string> each(const Values& values, Write write) {
    std::vector<std::string> lines;
    for (const auto& value : values) lines.push_back(write(value));
    return lines;
}

std::string index_line(const Index& index) {
    return Line()
        .text("component", index.component)
        .text("path", index.path)
        .raw("size", std::to_string(index.size))
        .digest("sha256", index.sha256)
        .digest("content", index.content_sha256)
        .str();
}

std::string suite_line(const Suite& suite) {
    Line line;
    line.text("archive", suite.archive).text("suite", suite.suite).raw("date", time_text(suite.date));
    if (suite.valid_until) line.raw("valid_until", time_text(*suite.valid_until));
    return line.digest("in_release", suite.in_release)
        .raw("signers", quoted_list(suite.signers))
        .raw("indices", list(each(suite.indices, index_line)))
        .str();
}

std::string folder_line(const Folder& folder) {
    return Line().text("archive", folder.archive).digest("index", folder.index).str();
}

std::string package_line(const Package& package, const std::vector<std::string>& roles) {
    return Line()
        .text("name", package.name)
        .text("version", package.version)
        .text("architecture", package.architecture)
        .raw("roles", quoted_list(roles))
        .text("archive", package.archive)
        .text_unless("", "component", package.component)
        .text("path", package.path)
        .raw("size", std::to_string(package.size))
        .digest("sha256", package.sha256)
        .text_unless(package.name, "source", package.source)
        .text_unless(package.version, "source_version", package.source_version)
        .text_unless("", "maintainer", package.maintainer)
        .text_unless("", "homepage", package.homepage)
        .str();
}

std::vector<std::string> package_lines(const Lock& lock) {
    std::vector<std::vector<std::string>> roles(lock.packages.size());
    for (const auto& [role, indices] : lock.roles)
        for (const std::size_t index : indices) roles[index].push_back(role);
    std::vector<std::string> lines;
    for (std::size_t i = 0; i < lock.packages.size(); ++i) lines.push_back(package_line(lock.packages[i], roles[i]));
    return lines;
}

std::vector<std::string> output_lines(const Lock& lock) {
    return each(lock.outputs, [](const auto& output) {
        return fmt::format("{}: {}", json_string(output.first), digest_text(output.second));
    });
}

} // namespace

std::string to_text(const Lock& lock) {
    Lock normal = lock;
    normalise(normal);
    if (const auto wrong = first_fault(normal)) throw Error(fmt::format("cannot write a lock: {}", *wrong));
    const auto roles = each(normal.roles, [](const auto& role) { return role.first; });
    const std::vector<std::string> members{
        R"("format": "ashlar-lock")",
        R"("version": 1)",
        fmt::format(R"("train": {})", json_string(normal.train)),
        fmt::format(R"("architecture": {})", json_string(normal.architecture)),
        fmt::format(R"("epoch": {})", time_text(normal.epoch)),
        fmt::format(R"("roles": {})", quoted_list(roles)),
        fmt::format(R"("suites": {})", block(each(normal.suites, suite_line), '[', ']')),
        fmt::format(R"("folders": {})", block(each(normal.folders, folder_line), '[', ']')),
        fmt::format(R"("packages": {})", block(package_lines(normal), '[', ']')),
        fmt::format(R"("outputs": {})", block(output_lines(normal), '{', '}')),
    };
    return fmt::format("{{\n  {}\n}}\n", fmt::join(members, ",\n  "));
}

} // namespace ashlar::lock
