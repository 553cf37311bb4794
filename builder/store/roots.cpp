#include <store/roots.hpp>

#include "entries.hpp"

#include <base/error.hpp>
#include <base/text.hpp>

#include <algorithm>
#include <cerrno>
#include <unistd.h>

#include <fmt/format.h>

namespace ashlar::store {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view first_line = "ashlar-roots 1";

bool is_root_name(std::string_view name) {
    const auto ordinary = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    };
    return !name.empty() && name.size() <= 200 && ordinary(name.front()) &&
           std::all_of(name.begin(), name.end(),
                       [&](char c) { return ordinary(c) || c == '.' || c == '_' || c == '+' || c == '-'; });
}

fs::path path_of(const Store& store, std::string_view name) {
    if (!is_root_name(name))
        throw Error(fmt::format("cannot use '{}': not a name of roots", name),
                    "letters, digits and . _ + -, beginning with a letter or digit");
    return store.root() / "roots" / name;
}

// One line of the file, and the sentence about what is wrong with it.
class Line {
public:
    Line(std::string_view text, std::size_t number, std::string_view name)
        : text_(text), number_(number), name_(name) {}

    [[noreturn]] void refuse(std::string_view cause) const {
        throw Error(fmt::format("cannot read '{}': line {}: {}", name_, number_, cause),
                    "write it again, or remove it when what it keeps may go");
    }
    [[nodiscard]] std::string_view key() const { return text_.substr(0, text_.find(' ')); }
    [[nodiscard]] std::string value() const {
        const std::size_t blank = text_.find(' ');
        if (blank == text_.npos || blank + 1 == text_.size()) refuse("says nothing");
        return std::string(text_.substr(blank + 1));
    }
    [[nodiscard]] Digest digest(std::string_view hex) const {
        const auto digest = Digest::from_hex(hex);
        if (!digest || digest->hex() != hex) refuse("not a SHA-256 in lower-case hexadecimal");
        return *digest;
    }
    [[nodiscard]] StageName stage() const {
        const std::string text = value();
        const std::size_t slash = text.find('/');
        if (slash == text.npos || !is_stage_name(std::string_view(text).substr(0, slash)))
            refuse("not <stage>/<SHA-256>");
        return {text.substr(0, slash), digest(std::string_view(text).substr(slash + 1))};
    }

private:
    std::string_view text_;
    std::size_t number_;
    std::string_view name_;
};

void take(const Line& line, Roots& roots) {
    const std::string_view key = line.key();
    if (key == "reason" && roots.reason.empty()) {
        roots.reason = line.value();
    } else if (key == "while" && !roots.while_exists) {
        roots.while_exists = line.value();
        if (!roots.while_exists->is_absolute()) line.refuse("not an absolute path");
    } else if (key == "blob") {
        roots.blobs.push_back(line.digest(line.value()));
    } else if (key == "stage") {
        roots.stages.push_back(line.stage());
    } else {
        line.refuse(key == "reason" || key == "while" ? fmt::format("a second '{}'", key)
                                                      : fmt::format("unknown word '{}'", key));
    }
}

bool ended(const Roots& roots) { return roots.while_exists && !status_of(*roots.while_exists); }

std::map<std::string, Roots> read_all(const Store& store) {
    std::map<std::string, Roots> found;
    for (const auto& path : entries(store.root() / "roots"))
        found.emplace(path.filename().native(), parse_roots(read_file(path), path.native()));
    return found;
}

std::string one_line(std::string_view text, std::string_view what) {
    if (text.empty() || text.find('\n') != text.npos)
        throw Error(fmt::format("cannot keep '{}': {} must be one line", text, what));
    return std::string(text);
}

} // namespace

std::string to_text(const Roots& roots) {
    std::string text = fmt::format("{}\nreason {}\n", first_line, one_line(roots.reason, "the reason"));
    if (roots.while_exists) text += fmt::format("while {}\n", one_line(roots.while_exists->native(), "the path"));
    for (const Digest& blob : roots.blobs) text += fmt::format("blob {}\n", blob.hex());
    for (const StageName& name : roots.stages) text += fmt::format("stage {}/{}\n", name.stage, name.key.hex());
    return text;
}

Roots parse_roots(std::string_view text, std::string_view name) {
    Roots roots;
    std::vector<std::string_view> lines = split(text, '\n');
    if (lines.front() != first_line) Line({}, 1, name).refuse(fmt::format("not '{}'", first_line));
    if (!lines.back().empty()) Line({}, lines.size(), name).refuse("does not end: the file is cut off");
    for (std::size_t i = 1; i + 1 < lines.size(); ++i) take(Line(lines[i], i + 1, name), roots);
    if (roots.reason.empty()) Line({}, lines.size(), name).refuse("no reason is given");
    return roots;
}

void keep(const Store& store, std::string_view name, const Roots& roots) {
    const fs::path path = path_of(store, name);
    explaining_full_disk(store.root(), [&] {
        const Workspace workspace = store.temporary();
        write_file(workspace.path() / "roots", to_text(roots), 0644, Durability::synced);
        move_file(workspace.path() / "roots", path);
    });
}

bool forget(const Store& store, std::string_view name) {
    const fs::path path = path_of(store, name);
    if (::unlink(path.c_str()) == 0) return true;
    if (errno != ENOENT) throw system_error("remove", path.native());
    return false;
}

std::map<std::string, Roots> read_roots(const Store& store) {
    auto found = read_all(store);
    std::erase_if(found, [](const auto& entry) { return ended(entry.second); });
    return found;
}

std::vector<std::string> ended_roots(const Store& store) {
    std::vector<std::string> names;
    for (const auto& [name, roots] : read_all(store))
        if (ended(roots)) names.push_back(name);
    return names;
}

} // namespace ashlar::store
