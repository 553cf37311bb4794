#pragma once

// A node's disk in small, and the steps of an installation and of an upgrade as writes to it, in any order. The
// real ones are recorded in QEMU; here wrong orders are shown to be caught.
//
// R0.1 is in the first slot. The upgrade replaces R0.0 in the second one by R0.2.

#include "survey.hpp"

#include <map>

namespace powercut {

class Miniature {
public:
    Miniature();

    [[nodiscard]] std::vector<Release> releases() const;
    [[nodiscard]] std::uint64_t sectors() const;
    // A disk with R0.0 and R0.1.
    [[nodiscard]] std::filesystem::path installed() const { return directory_.path() / "installed"; }

    // What a step writes ends with a flush. docs/formats/node-disk.md.
    enum class Step {
        // installation
        claim, file_systems, root, tree, table, state, uki, loader, release_claim,
        // upgrade
        unlink_target, partial_table, new_root, new_tree, new_table, new_uki, new_uki_name,
    };
    [[nodiscard]] Log log_of(const std::vector<Step>& steps) const;
    [[nodiscard]] static std::vector<Step> installation();
    [[nodiscard]] static std::vector<Step> upgrade();

private:
    struct MiniRelease {
        std::string name;
        Bytes root, tree, uki;
        Digest root_hash;
    };
    [[nodiscard]] MiniRelease make_release(const std::string& name) const;
    void make_table(const std::string& name, const MiniRelease* second, bool partial);
    void make_boot_partitions();
    void make_installed();
    void perform(Log& log, Step step) const;
    // Sectors in which two files of the directory differ, from byte `offset` of the disk on.
    void write_difference(Log& log, const std::string& before, const std::string& after, std::uint64_t offset) const;
    void write_table(Log& log, const std::string& name) const;

    TemporaryDirectory directory_;
    std::map<Step, Log> performed_; // what each step writes
    std::vector<MiniRelease> releases_;
    Bytes loader_;
};

} // namespace powercut
