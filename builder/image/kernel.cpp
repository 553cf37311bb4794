#include <image/kernel.hpp>

#include "elf.hpp"

#include <archive/compression.hpp>
#include <base/error.hpp>
#include <base/file.hpp>
#include <base/parallel.hpp>
#include <base/text.hpp>

#include <algorithm>
#include <fmt/format.h>
#include <fnmatch.h>

namespace ashlar::image {

namespace {

constexpr std::string_view module_directory = "usr/lib/modules/";
constexpr std::string_view firmware_directory = "usr/lib/firmware/";

// ".../virtio-net.ko.xz" → "virtio_net"; nothing for a file that is no module.
std::optional<std::string> module_name(std::string_view path) {
    const auto file = path.substr(path.rfind('/') + 1);
    const auto end = file.find(".ko");
    if (end == file.npos) return std::nullopt;
    const auto suffix = file.substr(end + 3);
    if (!suffix.empty() && suffix != ".xz" && suffix != ".zst" && suffix != ".gz") return std::nullopt;
    return kernel_name(file.substr(0, end));
}

std::optional<std::string> kernel_version_of(std::string_view path) {
    constexpr std::string_view boot = "boot/vmlinuz-";
    constexpr std::string_view file = "/vmlinuz";
    if (path.starts_with(boot)) return std::string(path.substr(boot.size()));
    if (!path.starts_with(module_directory) || !path.ends_with(file)) return std::nullopt;
    const auto version = path.substr(module_directory.size(), path.size() - module_directory.size() - file.size());
    return version.find('/') == version.npos ? std::optional(std::string(version)) : std::nullopt;
}

std::set<std::string> module_names(std::string_view lines) {
    std::set<std::string> names;
    for (const auto line : split(lines, '\n'))
        if (auto name = module_name(line)) names.insert(std::move(*name));
    return names;
}

void add_words(std::string_view value, char separator, std::vector<std::string>& out) {
    for (const auto word : split(value, separator))
        if (!word.empty()) out.push_back(kernel_name(word));
}

// "pre: a b post: c"
void add_soft_depends(std::string_view value, std::vector<std::string>& out) {
    for (const auto word : split(value, ' '))
        if (!word.empty() && !word.ends_with(':')) out.push_back(kernel_name(word));
}

bool has_wildcard(std::string_view text) { return text.find_first_of("*?[") != text.npos; }

// modules.alias: lines "alias NAME MODULE".
std::multimap<std::string, std::string> module_aliases(std::string_view lines) {
    std::multimap<std::string, std::string> aliases;
    for (const auto line : split(lines, '\n')) {
        const auto words = split(line, ' ');
        if (words.size() == 3 && words[0] == "alias" && !has_wildcard(words[1])) aliases.emplace(kernel_name(words[1]), kernel_name(words[2]));
    }
    return aliases;
}

std::string_view without_compression(std::string_view path) {
    for (const std::string_view suffix : {".xz", ".zst"})
        if (path.ends_with(suffix)) return path.substr(0, path.size() - suffix.size());
    return path;
}

Error no_such_module(const std::string& name, const std::vector<std::string>& names, std::string_view version) {
    const auto nearest = did_you_mean(name, names);
    return Error(
        fmt::format("cannot find kernel module '{}': kernel {} has no such module, neither loadable nor built in", name,
                    version),
        nearest ? fmt::format("did you mean '{}'?", *nearest) : "");
}

} // namespace

std::string kernel_name(std::string_view module) {
    std::string out(module);
    std::ranges::replace(out, '-', '_');
    return out;
}

bool is_module_aliases(std::string_view path) { return path.starts_with(module_directory) && path.ends_with("/modules.alias"); }

Kernel find_kernel(const root::Tree& tree) {
    std::map<std::string, std::filesystem::path> found;
    for (const auto& entry : tree)
        if (const auto version = kernel_version_of(entry.path); version && entry.type == root::EntryType::file)
            found.insert_or_assign(*version, entry.source); // usr/lib/modules comes after boot and is preferred
    if (found.empty())
        throw Error("cannot find the kernel: the root has neither boot/vmlinuz-* nor usr/lib/modules/*/vmlinuz",
                    "name a kernel package in the role: kernel.package = \"linux-image-cloud-amd64\"");
    if (found.size() > 1)
        throw Error(fmt::format("cannot choose the kernel: the root has both {} and {}", found.begin()->first,
                                found.rbegin()->first),
                    "a role has one kernel; see `ashlar why` for what pulls in the other");
    return {.version = found.begin()->first, .image = found.begin()->second};
}

Module parse_module_information(std::string_view modinfo) {
    Module module;
    for (const auto line : split(modinfo, '\0')) {
        const auto equals = line.find('=');
        if (equals == line.npos) continue;
        const auto key = line.substr(0, equals);
        const auto value = line.substr(equals + 1);
        if (key == "depends") add_words(value, ',', module.depends);
        if (key == "softdep") add_soft_depends(value, module.soft_depends);
        if (key == "weakdep") add_words(value, ' ', module.soft_depends);
        if (key == "firmware") module.firmware.emplace_back(value);
    }
    return module;
}

Modules::Modules(const root::Tree& tree, std::string_view kernel_version) : version_(kernel_version) {
    const auto directory = fmt::format("{}{}/", module_directory, kernel_version);
    for (const auto& entry : tree) {
        if (entry.type == root::EntryType::directory) continue;
        if (entry.path.starts_with(firmware_directory)) firmware_.insert(entry.path.substr(firmware_directory.size()));
        if (!entry.path.starts_with(directory) || entry.type != root::EntryType::file) continue;
        if (const auto name = module_name(entry.path)) files_.insert_or_assign(*name, &entry);
        if (entry.path == directory + "modules.builtin") built_in_ = module_names(read_file(entry.source));
        if (is_module_aliases(entry.path)) aliases_ = module_aliases(read_file(entry.source));
    }
}

Modules::Where Modules::where(std::string_view name) const {
    const auto wanted = kernel_name(name);
    if (files_.contains(wanted)) return Where::loadable;
    return built_in_.contains(wanted) ? Where::built_in : Where::absent;
}

std::vector<std::string> Modules::names() const {
    std::vector<std::string> out;
    for (const auto& [name, entry] : files_) out.push_back(name);
    return out;
}

Module Modules::read(const std::string& name, const root::Entry& entry) const {
    const TemporaryDirectory work(std::filesystem::temp_directory_path(), "ashlar-module-");
    const auto file = work.path() / "module.ko";
    archive::decompress_file(entry.source, file);
    const auto bytes = read_file(file);
    const auto elf = Elf::parse(bytes_of(bytes));
    if (!elf) throw Error(fmt::format("cannot read kernel module '{}': it is no 64-bit ELF file", entry.path));
    auto module = parse_module_information(text_of(elf->section(".modinfo")));
    module.name = name;
    module.path = entry.path;
    return module;
}

std::map<std::string, Module> Modules::closure(std::span<const std::string> wanted) const {
    std::map<std::string, Module> out;
    std::vector<std::string> open;
    for (const auto& name : wanted) {
        if (where(name) == Where::absent) throw no_such_module(name, names(), version_);
        open.push_back(kernel_name(name));
    }
    while (!open.empty()) {
        const auto name = std::move(open.back());
        open.pop_back();
        const auto file = files_.find(name);
        if (file == files_.end() || out.contains(name)) continue; // built in, or a soft dependency that is not there
        const auto& module = out.emplace(name, read(name, *file->second)).first->second;
        for (const auto& next : module.depends) {
            if (where(next) == Where::absent) throw no_such_module(next, names(), version_);
            open.push_back(next);
        }
        for (const auto& next : module.soft_depends) {
            open.push_back(next);
            const auto [first, last] = aliases_.equal_range(next);
            for (auto alias = first; alias != last; ++alias) open.push_back(alias->second);
        }
    }
    return out;
}

std::map<std::string, Module> Modules::all() const {
    const std::vector<std::pair<std::string, const root::Entry*>> work(files_.begin(), files_.end());
    std::vector<Module> read_ones(work.size());
    in_parallel(work.size(), [&](std::size_t i) { read_ones[i] = read(work[i].first, *work[i].second); });
    std::map<std::string, Module> out;
    for (auto& module : read_ones) out.emplace(module.name, std::move(module));
    return out;
}

std::vector<std::string> Modules::matches(const std::string& firmware) const {
    std::vector<std::string> out;
    if (has_wildcard(firmware)) {
        for (const auto& file : firmware_)
            if (::fnmatch(firmware.c_str(), std::string(without_compression(file)).c_str(), FNM_PATHNAME) == 0)
                out.push_back(file);
        return out;
    }
    for (const auto* suffix : {"", ".xz", ".zst"})
        if (firmware_.contains(firmware + suffix)) out.push_back(firmware + suffix);
    return out;
}

std::set<std::string> Modules::firmware_files(const std::map<std::string, Module>& modules) const {
    std::set<std::string> out;
    for (const auto& [name, module] : modules)
        for (const auto& firmware : module.firmware)
            for (const auto& file : matches(firmware)) out.insert(std::string(firmware_directory) + file);
    return out;
}

MissingFirmware Modules::missing_firmware(const std::map<std::string, Module>& modules,
                                          std::span<const std::string> waived) const {
    std::set<std::string> accepted;
    for (const auto& name : waived) accepted.insert(kernel_name(name));
    MissingFirmware missing;
    for (const auto& [name, module] : modules) {
        if (accepted.contains(name)) continue;
        for (const auto& firmware : module.firmware)
            if (matches(firmware).empty()) missing[name].push_back(firmware);
    }
    return missing;
}

std::string describe(const MissingFirmware& missing) {
    std::string out;
    for (const auto& [name, files] : missing) out += fmt::format("module '{}' lacks {}\n", name, join(files, ", "));
    return out;
}

} // namespace ashlar::image
