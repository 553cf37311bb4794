#include "var.hpp"

#include <root/normalise.hpp>

#include "attributes.hpp"
#include "installed.hpp"
#include "rules.hpp"
#include "text_file.hpp"
#include "walk.hpp"

#include <base/error.hpp>
#include <base/file.hpp>
#include <base/process.hpp>
#include <base/text.hpp>

#include <fnmatch.h>
#include <map>
#include <set>

#include <fmt/format.h>

namespace ashlar::root {

namespace fs = std::filesystem;

namespace {

// A word of a tmpfiles.d line: quoted where it must be, "%" not taken for a specifier.
std::string word(std::string_view text) {
    std::string quoted;
    bool plain = true;
    for (const char c : text) {
        if (c == ' ' || c == '\t' || c == '"' || c == '\'' || c == '\\') plain = false;
        if (c == '"' || c == '\\') quoted += '\\';
        if (c == '%') quoted += '%';
        quoted += c;
    }
    return plain ? quoted : '"' + quoted + '"';
}

// The second word of a line, as word() or a person wrote it.
std::string path_of_line(std::string_view line) {
    std::size_t at = line.find_first_of(" \t");
    at = at == std::string_view::npos ? line.size() : line.find_first_not_of(" \t", at);
    if (at == std::string_view::npos || at == line.size()) return {};
    const bool quoted = line[at] == '"';
    std::string path;
    for (std::size_t i = at + (quoted ? 1 : 0); i < line.size(); ++i) {
        if (quoted ? line[i] == '"' : line[i] == ' ' || line[i] == '\t') break;
        if (quoted && line[i] == '\\' && i + 1 < line.size()) ++i;
        if (line[i] == '%' && i + 1 < line.size() && line[i + 1] == '%') ++i;
        path += line[i];
    }
    while (path.size() > 1 && path.back() == '/') path.pop_back();
    return path;
}

using Lines = std::map<std::string, std::string>; // path → line

// The types that make something, of which the first character counts.
constexpr std::string_view making_types = "fFdDvqQpLcbC";

Lines lines_of(const fs::path& file) {
    Lines lines;
    const std::string text = read_file(file);
    for (const auto line : split(text, '\n'))
        if (const auto trimmed = trim(line); !trimmed.empty() && making_types.find(trimmed[0]) != std::string_view::npos)
            lines.emplace(path_of_line(trimmed), trimmed);
    return lines;
}

std::set<std::string> made_by_packages(const fs::path& root) {
    std::set<std::string> paths;
    for (const char* folder : {"usr/lib/tmpfiles.d", "etc/tmpfiles.d"}) {
        if (!fs::is_directory(root / folder)) continue;
        for (const auto& entry : fs::directory_iterator(root / folder)) {
            if (entry.path() == root / var_lines_file || entry.path().extension() != ".conf" || !fs::is_regular_file(entry)) continue;
            for (const auto& [path, line] : lines_of(entry.path())) paths.insert(path);
        }
    }
    return paths;
}

bool is_image_content(const std::string& path) {
    for (const auto pattern : image_content)
        if (::fnmatch(std::string(pattern).c_str(), path.c_str(), 0) == 0) return true;
    return false;
}

class Sealer {
public:
    Sealer(const fs::path& root, std::int64_t epoch) : root_(root), epoch_(epoch), known_(made_by_packages(root)) {
        // Lines of an earlier time stay, but for those that an overlay's own tmpfiles.d(5) took over.
        if (fs::exists(root_ / var_lines_file)) lines_ = lines_of(root_ / var_lines_file);
        std::erase_if(lines_, [&](const auto& line) { return known_.contains(line.first); });
    }

    void seal() {
        add("/var/.updated", "f /var/.updated 0644 0 0 -");
        if (fs::exists(root_ / sealed_database_folder))
            add("/" + std::string(database_folder), fmt::format("L /{} - - - - /{}", database_folder, sealed_database_folder));
        walk(root_, "var", [&](const std::string& path, const struct stat& status) {
            describe(path, status);
            return Descend::yes;
        });
        for (const auto& entry : fs::directory_iterator(root_ / "var")) remove_tree(entry.path());
        write();
    }

private:
    void add(const std::string& path, std::string line) {
        if (!known_.contains(path)) lines_[path] = std::move(line);
    }

    void describe(const std::string& path, const struct stat& status) {
        const std::string inside = "/" + path;
        const auto attributes = [&] { return fmt::format("{:04o} {} {}", status.st_mode & 07777U, status.st_uid, status.st_gid); };
        if (S_ISDIR(status.st_mode)) return add(inside, fmt::format("d {} {} -", word(inside), attributes()));
        if (S_ISLNK(status.st_mode))
            return add(inside, fmt::format("L {} - - - - {}", word(inside), word(fs::read_symlink(root_ / path).native())));
        if (!S_ISREG(status.st_mode)) throw Error(fmt::format("cannot seal '{}': it is neither file, directory nor link", inside));
        if (known_.contains(inside)) return;
        if (status.st_size == 0) return add(inside, fmt::format("f {} {} -", word(inside), attributes()));
        const fs::path factory = keep(path, status);
        if (is_image_content(path)) return add(inside, fmt::format("L+ {} - - - - {}", word(inside), word(factory.native())));
        add(inside, fmt::format("C {} {} - {}", word(inside), attributes(), word(factory.native())));
    }

    // A file that only its owner may read stays so; a reader of the image is root.
    fs::path keep(const std::string& path, const struct stat& status) const {
        const fs::path inside = fs::path("/usr/share/factory") / path;
        const fs::path file = root_ / inside.relative_path();
        fs::create_directories(file.parent_path());
        write_file(file, read_file(root_ / path), status.st_mode & 0777U);
        set_time(file, std::min<std::int64_t>(status.st_mtime, epoch_));
        return inside;
    }

    void write() const {
        std::string text = "# What packages had in /var, for a node's own /var: tmpfiles.d(5). Owners are of the ledger of accounts.\n";
        for (const auto& [path, line] : lines_) text += line + "\n";
        fs::create_directories((root_ / var_lines_file).parent_path());
        write_file(root_ / var_lines_file, text);
    }

    const fs::path& root_;
    std::int64_t epoch_;
    std::set<std::string> known_;
    Lines lines_;
};

} // namespace

void seal_var(const fs::path& root, std::int64_t epoch) {
    if (!fs::is_directory(root / "var")) return;
    Sealer(root, epoch).seal();
}

} // namespace ashlar::root
