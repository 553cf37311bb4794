#pragma once

// What happens to a machine whose disk is in this state when its power comes back: it starts a release, or,
// with the medium in it, the installer begins anew. Everything else is a violation; so is a boot loader that
// starts a UKI which then comes to nothing, also where the installer would begin anew: the firmware may try the
// disk before the medium.
//
// "Starts" means: the firmware finds a boot loader that is complete, what the model of systemd-boot chooses
// is a complete UKI, the partitions that its root hash names are there and complete, the state can be read, and
// /var is whole where that is known. "Installer" is the node's own look at a disk, disks::look_inside().

#include "fat.hpp"
#include "gpt.hpp"
#include "loader.hpp"

#include <signing/digest.hpp>

#include <map>
#include <string>

namespace powercut {

// What is complete.
struct Release {
    std::string name;
    Digest root_hash;
    std::shared_ptr<const Content> root, tree;
    Content uki;
    std::uint64_t uki_size = 0;
    Content loader;
    std::uint64_t loader_size = 0;
};
// From an image, "<base>.raw", whose root is verified by its hash tree.
[[nodiscard]] Release release_of(const std::filesystem::path& base, const std::string& name);

struct Verdict {
    enum class Kind { starts, installs, violation } kind = Kind::violation;
    std::string text; // "starts R0.0", "the installer begins anew: blank"
    auto operator<=>(const Verdict&) const = default;
};

// Where things lie on the disk when all writes are done.
struct Layout {
    Range esp, state, var;
    std::vector<std::pair<Range, Range>> slots; // root and hash tree
};
[[nodiscard]] Layout layout_of(const Table& table);

class Judge {
public:
    // whole: as it is at the end of the log, or as it was before. Not judged: a node keeps data in it meanwhile,
    // which the kernel's journal sees to.
    enum class Var { whole, not_judged };
    // Collapses the slots and /var of `disk`, which is in the state of before the log. `at_the_end` has all
    // writes.
    Judge(Disk& disk, const Disk& at_the_end, std::vector<Release> releases, Var var);

    [[nodiscard]] Verdict judge();
    [[nodiscard]] const Layout& layout() const { return layout_; }
    // Whether it says something about the outcome, and not only together with the rest of its range.
    [[nodiscard]] bool matters(std::uint64_t sector) const;

    // Files of the boot partition that share clusters with the entry that is started; of the state that was
    // judged last.
    [[nodiscard]] const std::vector<std::string>& twins() const { return twins_; }

private:
    struct Start {
        std::string release; // that starts; empty: none
        std::string refusal; // why
        bool stops = false;  // a UKI was started
    };
    [[nodiscard]] Start start();
    [[nodiscard]] Start start_entry(const Fat& esp, const Table& table);
    [[nodiscard]] std::string refuse_root(const Table& table, const Release& release) const;
    [[nodiscard]] std::string refuse_state();
    [[nodiscard]] bool var_is_whole() const;
    [[nodiscard]] std::string installer();

    Disk& disk_;
    std::vector<Release> releases_;
    Layout layout_;
    Var var_;
    bool had_var_ = false; // before the log
    TemporaryDirectory directory_;
    std::map<Disk::Fingerprint, std::string> states_;     // refusals of state partitions
    std::map<std::pair<Disk::Fingerprint, Disk::Fingerprint>, std::string> looks_; // the installer's
    std::vector<std::string> twins_;
};

} // namespace powercut
