#include <pipeline/stage_key.hpp>

#include <algorithm>
#include <sys/stat.h>
#include <vector>

#include <base/error.hpp>

#include <fmt/format.h>

namespace ashlar::pipeline {

namespace fs = std::filesystem;

namespace {

const Digest& own_program() {
    static const Digest digest = sha256_of_file("/proc/self/exe");
    return digest;
}

} // namespace

StageKey::StageKey(std::string_view stage) {
    add("stage", stage);
    add("program", own_program());
}

StageKey::StageKey(std::string_view stage, std::string_view procedure) {
    add("stage", stage);
    add("procedure", procedure);
}

StageKey& StageKey::add(std::string_view label, std::string_view value) {
    hasher_.update(fmt::format("{}:{}={}:", label.size(), label, value.size()));
    hasher_.update(value);
    return *this;
}

StageKey& StageKey::add(std::string_view label, std::int64_t value) { return add(label, fmt::format("{}", value)); }

StageKey& StageKey::add(std::string_view label, const Digest& value) { return add(label, value.hex()); }

StageKey& StageKey::add_tree(std::string_view label, const fs::path& path) {
    struct stat info {};
    if (::lstat(path.c_str(), &info) != 0) throw system_error("read", path.native());
    add(label, fmt::format("{:o}", info.st_mode));
    if (S_ISLNK(info.st_mode)) return add("link", fs::read_symlink(path).native());
    if (S_ISREG(info.st_mode)) return add("contents", sha256_of_file(path));
    if (!S_ISDIR(info.st_mode)) throw Error(fmt::format("cannot read '{}': not a file, directory or link", path.native()));
    std::vector<fs::path> names;
    for (const auto& entry : fs::directory_iterator(path)) names.push_back(entry.path().filename());
    std::sort(names.begin(), names.end());
    for (const auto& name : names) add_tree(name.native(), path / name);
    return add("end", label);
}

Digest StageKey::finish() { return hasher_.finish(); }

} // namespace ashlar::pipeline
