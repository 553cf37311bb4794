#pragma once

// The kernel of a root and its loadable modules, read from the tree's record alone: no depmod data
// made by a maintainer script is needed, each module's own .modinfo section says what it depends on.

#include <root/tree.hpp>

#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ashlar::image {

struct Kernel {
    std::string version;         // "6.12.57+deb13-cloud-amd64": the directory below usr/lib/modules
    std::filesystem::path image; // vmlinuz, where its bytes are now
};

// usr/lib/modules/<version>/vmlinuz, or boot/vmlinuz-<version>. Error when the tree has none or several.
[[nodiscard]] Kernel find_kernel(const root::Tree& tree);

// A module's name as the kernel says it, '_' for '-': "virtio_net".
[[nodiscard]] std::string kernel_name(std::string_view module);

struct Module {
    std::string name;                      // as the kernel says it
    std::string path;                      // in the tree
    std::vector<std::string> depends;      // names; '-' is written '_'
    std::vector<std::string> soft_depends; // modules or aliases, wanted before or after, where they exist
    std::vector<std::string> firmware;     // below usr/lib/firmware; may hold shell wildcards
};

// What a .modinfo section says; `name` and `path` are filled by whoever knows them.
[[nodiscard]] Module parse_module_information(std::string_view modinfo);

// Module name → what is missing of the firmware it names.
using MissingFirmware = std::map<std::string, std::vector<std::string>>;

// usr/lib/modules/<version>/modules.alias
[[nodiscard]] bool is_module_aliases(std::string_view path);

class Modules {
public:
    // `tree` must outlive the object. Lists names only; a module is read when it is asked for.
    Modules(const root::Tree& tree, std::string_view kernel_version);

    enum class Where { absent, built_in, loadable };
    [[nodiscard]] Where where(std::string_view name) const;
    [[nodiscard]] std::vector<std::string> names() const; // loadable ones, sorted

    // The wanted modules and all they depend on, by name. Built-in ones need nothing. Error (with a
    // did-you-mean) for a name that is not there; a missing soft dependency is none. One that is an alias ("crc32c")
    // stands for all modules that depmod(8) found to have it.
    [[nodiscard]] std::map<std::string, Module> closure(std::span<const std::string> wanted) const;
    // All of them. Decompresses everything: seconds of CPU, on all cores.
    [[nodiscard]] std::map<std::string, Module> all() const;

    // Files of the tree that hold a module's firmware, by path (also with .xz or .zst, as the kernel
    // finds them).
    [[nodiscard]] std::set<std::string> firmware_files(const std::map<std::string, Module>& modules) const;
    // Which of the modules name firmware that the tree lacks; those in `waived` are left out.
    // What is to be done about it is the caller's decision: refuse_missing_firmware().
    [[nodiscard]] MissingFirmware missing_firmware(const std::map<std::string, Module>& modules,
                                                   std::span<const std::string> waived) const;

private:
    [[nodiscard]] Module read(const std::string& name, const root::Entry& entry) const;
    [[nodiscard]] std::vector<std::string> matches(const std::string& firmware) const;

    std::string version_;
    std::map<std::string, const root::Entry*> files_;
    std::set<std::string> built_in_;
    std::multimap<std::string, std::string> aliases_; // without those of hardware; name of the module
    std::set<std::string> firmware_; // paths below usr/lib/firmware of files and links
};

// "module 'bnx2x' lacks bnx2x/bnx2x-e2-7.13.21.0.fw, …", one line a module: for messages.
[[nodiscard]] std::string describe(const MissingFirmware& missing);

} // namespace ashlar::image
