#include <image/initrd.hpp>

#include <image/file_system.hpp>
#include <image/selection.hpp>

#include <archive/compression.hpp>
#include <archive/cpio.hpp>
#include <base/error.hpp>
#include <base/file.hpp>
#include <base/process.hpp>

#include <algorithm>
#include <array>
#include <fcntl.h>
#include <fmt/format.h>
#include <map>

namespace ashlar::image {

namespace {

namespace fs = std::filesystem;
using root::Entry;
using root::EntryType;

// Measured on an initrd of 31.2 MB: level 3 gives 11.4 MB, 9 10.5 MB (0.8 CPU-s), 12 10.4 MB (1.9),
// 15 10.3 MB (7.7), 19 9.2 MB (16). Unpacking takes the same time for all; firmware loads and hashes
// the difference in a fraction of a second, a build waits for it.
constexpr int compression_level = 12;

constexpr std::string_view systemd = "usr/lib/systemd/systemd";

// The groups that udev's rules name, with the ids of recipes/accounts.toml, so that device nodes made
// here keep them. Nobody can log in: root has no password.
constexpr std::string_view passwd = "root:x:0:0:root:/root:/usr/sbin/nologin\n"
                                    "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n";
constexpr std::string_view group = "root:x:0:\n"
                                   "adm:x:4:\n"
                                   "tty:x:5:\n"
                                   "disk:x:6:\n"
                                   "lp:x:7:\n"
                                   "kmem:x:15:\n"
                                   "dialout:x:20:\n"
                                   "cdrom:x:24:\n"
                                   "tape:x:26:\n"
                                   "audio:x:29:\n"
                                   "utmp:x:43:\n"
                                   "video:x:44:\n"
                                   "users:x:100:\n"
                                   "systemd-journal:x:102:\n"
                                   "input:x:105:\n"
                                   "kvm:x:106:\n"
                                   "render:x:107:\n"
                                   "sgx:x:108:\n"
                                   "clock:x:109:\n"
                                   "nogroup:x:65534:\n";

// Sorted by path, as a Tree is, and each path once: what is there already stays.
class TreeBuilder {
public:
    TreeBuilder(root::Tree tree, std::int64_t epoch) : epoch_(epoch) {
        for (auto& entry : tree) entries_.emplace(entry.path, std::move(entry));
    }
    void directory(const std::string& path, unsigned mode = 0755) {
        if (entries_.contains(path)) return;
        if (const auto slash = path.rfind('/'); slash != path.npos)
            directory(path.substr(0, slash));
        else if (!path.empty())
            directory("");
        add({.path = path, .type = EntryType::directory, .mode = mode});
    }
    void link(const std::string& path, std::string target) {
        add({.path = path, .type = EntryType::symlink, .mode = 0777, .target = std::move(target)});
    }
    void file(const std::string& path, const fs::path& source, unsigned mode = 0644) {
        add({.path = path, .type = EntryType::file, .mode = mode, .size = fs::file_size(source), .source = source});
    }
    void copy(const Entry& entry) { add(entry); }
    [[nodiscard]] bool has(const std::string& path) const { return entries_.contains(path); }
    [[nodiscard]] root::Tree finish() && {
        root::Tree tree;
        for (auto& [path, entry] : entries_) {
            entry.mtime = epoch_;
            entry.xattrs.clear(); // newc has none, and nothing in an initrd runs as anyone but root
            tree.push_back(std::move(entry));
        }
        return tree;
    }

private:
    void add(Entry entry) {
        if (entries_.contains(entry.path)) return;
        if (const auto slash = entry.path.rfind('/'); slash != entry.path.npos) directory(entry.path.substr(0, slash));
        entries_.emplace(entry.path, std::move(entry));
    }
    std::int64_t epoch_;
    std::map<std::string, Entry> entries_;
};

// Modules lie decompressed in the archive: the whole compresses better, and each is not decompressed
// a second time, by a slower method, when it is loaded. Their signatures are inside and stay.
std::string decompressed_name(const std::string& path) { return path.substr(0, path.rfind(".ko") + 3); }

class ModuleTree {
public:
    ModuleTree(const root::Tree& kernel_root, std::string version, fs::path work)
        : version_(std::move(version)), work_(std::move(work)) {
        for (const auto& entry : kernel_root) files_.emplace(entry.path, &entry);
        fs::create_directories(work_ / directory());
        fs::create_directory_symlink("usr/lib", work_ / "lib"); // where depmod looks depends on how it was built
    }
    [[nodiscard]] std::string directory() const { return "usr/lib/modules/" + version_; }

    void add(const Module& module) const {
        const auto file = work_ / decompressed_name(module.path);
        fs::create_directories(file.parent_path());
        archive::decompress_file(files_.at(module.path)->source, file);
    }
    void index(const root::ToolsRoot& tools) const {
        for (const std::string_view name : {"modules.builtin", "modules.builtin.modinfo", "modules.order"})
            if (const auto found = files_.find(fmt::format("{}/{}", directory(), name)); found != files_.end())
                fs::copy_file(found->second->source, work_ / found->first);
        run_checked(tools.command({"depmod", "-b", work_.native(), version_}, {work_}));
    }
    // modules.*.bin is what libkmod reads; of the text forms only those that have no binary one.
    void put_into(TreeBuilder& tree) const {
        for (const auto& entry : fs::recursive_directory_iterator(work_ / directory())) {
            const auto name = entry.path().filename().native();
            const bool is_text_index = name.starts_with("modules.") && !name.ends_with(".bin") &&
                                       name != "modules.softdep" && name != "modules.weakdep" &&
                                       name != "modules.devname" && name != "modules.builtin.modinfo";
            if (entry.is_regular_file() && !is_text_index)
                tree.file(entry.path().lexically_relative(work_).native(), entry.path());
        }
    }
    // Firmware is often a link to another file; both go in.
    void copy_firmware(const std::string& path, TreeBuilder& tree) const {
        const auto found = files_.find(path);
        if (found == files_.end() || tree.has(path)) return;
        tree.copy(*found->second);
        if (found->second->type == EntryType::symlink)
            copy_firmware((fs::path(path).parent_path() / found->second->target).lexically_normal().native(), tree);
    }

private:
    std::string version_;
    fs::path work_;
    std::map<std::string_view, const Entry*> files_;
};

void add_skeleton(TreeBuilder& tree, const fs::path& work) {
    tree.directory("");
    for (const auto* directory :
         {"dev", "etc", "proc", "run", "sys", "sysroot", "usr/bin", "usr/lib", "usr/sbin", "var"})
        tree.directory(directory);
    tree.directory("tmp", 01777);
    tree.directory("root", 0700);
    for (const auto* name : {"bin", "lib", "sbin"}) tree.link(name, fmt::format("usr/{}", name));
    if (tree.has("usr/lib64")) tree.link("lib64", "usr/lib64");
    tree.link("init", std::string(systemd));
    for (const auto* name : {"etc/os-release", "etc/initrd-release"}) // systemd knows an initrd by the second
        if (tree.has("usr/lib/os-release")) tree.link(name, "../usr/lib/os-release");
    const std::array<std::pair<std::string_view, std::string_view>, 2> accounts{{{"passwd", passwd}, {"group", group}}};
    for (const auto& [name, text] : accounts) {
        write_file(work / name, text);
        tree.file(fmt::format("etc/{}", name), work / name);
    }
}

bool contains(const root::Tree& tree, std::string_view path) {
    return std::ranges::binary_search(tree, path, {},
                                      [](const Entry& entry) -> std::string_view { return entry.path; });
}

void refuse_without_init(const root::Tree& tree) {
    if (!contains(tree, "init") && !contains(tree, systemd))
        throw Error(fmt::format("cannot make an initrd: neither 'init' nor '{}' is in it", systemd),
                    "is its package in the role, and not dropped?");
}

root::Tree thin_out(const InitrdInput& input, InitrdSummary& summary) {
    const PathPatterns patterns(input.drop);
    auto tree = without(input.content, patterns);
    refuse_without_init(tree);
    summary.unused_libraries = unused_libraries(tree, patterns);
    return without(tree, PathPatterns(summary.unused_libraries));
}

// Names of each file's inode, by the path of its first entry.
std::map<std::string_view, unsigned> count_links(const root::Tree& tree) {
    std::map<std::string_view, unsigned> links;
    for (const auto& entry : tree)
        if (!entry.hard_link.empty()) ++links.try_emplace(entry.hard_link, 1U).first->second;
    return links;
}

void write_archive(const root::Tree& tree, const fs::path& output) {
    const auto links = count_links(tree);
    auto file = open_file(output, O_WRONLY | O_CREAT | O_EXCL);
    archive::CpioWriter cpio(file.get(), output.native());
    const auto add = [&](const Entry& entry) {
        auto written = tar_entry(entry);
        if (const auto found = links.find(entry.hard_link.empty() ? entry.path : entry.hard_link); found != links.end())
            written.links = found->second;
        if (written.type == archive::TarType::file)
            cpio.add_file(written, entry.source);
        else
            cpio.add(written);
    };
    for (const auto& entry : tree)
        if (entry.hard_link.empty()) add(entry);
    for (const auto& entry : tree)
        if (!entry.hard_link.empty()) add(entry);
    cpio.finish();
    file.close();
}

// One file of all that match, in the order of their names.
std::optional<fs::path> join_microcode(const root::Tree& tree, std::string_view directory, const fs::path& output) {
    std::string all;
    for (const auto& entry : tree) {
        const std::string_view path = entry.path;
        if (entry.type != EntryType::file || !path.starts_with(directory)) continue;
        const auto name = path.substr(directory.size());
        if (name.ends_with(".bin") || name.find_first_not_of("0123456789abcdef-") == name.npos ||
            name.ends_with(".initramfs"))
            all += read_file(entry.source);
    }
    if (all.empty()) return std::nullopt;
    write_file(output, all);
    return output;
}

} // namespace

root::Tree initrd_tree(const InitrdInput& input, const root::ToolsRoot& tools, const fs::path& work,
                       InitrdSummary& summary) {
    TreeBuilder tree(thin_out(input, summary), input.epoch);
    add_skeleton(tree, work);

    summary.kernel_version = find_kernel(input.kernel_root).version;
    const Modules modules(input.kernel_root, summary.kernel_version);
    const auto chosen = modules.closure(input.modules);
    const auto firmware = modules.firmware_files(chosen);
    summary.missing = modules.missing_firmware(chosen, {});
    summary.firmware.assign(firmware.begin(), firmware.end());

    const ModuleTree module_tree(input.kernel_root, summary.kernel_version, work / "modules");
    for (const auto& [name, module] : chosen) {
        module_tree.add(module);
        summary.modules.push_back(name);
    }
    module_tree.index(tools);
    module_tree.put_into(tree);
    for (const auto& path : firmware) module_tree.copy_firmware(path, tree);
    return std::move(tree).finish();
}

InitrdSummary make_initrd(const InitrdInput& input, const root::ToolsRoot& tools, const fs::path& output) {
    return while_doing("making the initrd", [&] {
        const auto target = fs::absolute(output);
        const TemporaryDirectory work(target.parent_path(), "initrd-");
        InitrdSummary summary;
        const auto tree = initrd_tree(input, tools, work.path(), summary);
        const auto plain = work.path() / "initrd.cpio";
        write_archive(tree, plain);
        archive::compress_zstd(plain, target, compression_level);
        summary.unpacked = fs::file_size(plain);
        summary.size = fs::file_size(target);
        return summary;
    });
}

bool make_microcode(const root::Tree& tree, std::int64_t epoch, const fs::path& output) {
    const TemporaryDirectory work(fs::absolute(output).parent_path(), "microcode-");
    std::map<std::string, fs::path> vendors;
    if (const auto file = join_microcode(tree, "usr/lib/firmware/intel-ucode/", work.path() / "intel"))
        vendors.emplace("GenuineIntel", *file);
    if (const auto file = join_microcode(tree, "usr/lib/firmware/amd-ucode/", work.path() / "amd"))
        vendors.emplace("AuthenticAMD", *file);
    if (vendors.empty()) return false;
    archive::write_microcode(vendors, epoch, output);
    return true;
}

} // namespace ashlar::image
