#pragma once

// Machines on which a node is installed: their disks, and what their boards keep.

#include "disk.hpp"

#include "../powercut/recorder.hpp"

#include <base/json.hpp>
#include <base/process.hpp>
#include <signing/break_glass.hpp>

#include <gmock/gmock.h>

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lab {

inline constexpr std::uint64_t gib = std::uint64_t{1} << 30U;

// The first key of [install] in the tests that are about something else.
inline constexpr std::string_view unencrypted = "encryption = \"off\"\n";
// [install] for the disk with serial number "target".
inline const std::string onto_target = std::string(unencrypted) + "[install.disk]\nserial = \"target\"\n";

// The content of the state partition that lies there.
[[nodiscard]] Json state_in(const std::filesystem::path& disk, const image::Partition& place);

// The empty disk of a machine, in a file.
class Target {
public:
    explicit Target(std::uint64_t size = 8 * gib) : size_(size) {}
    Target(const Target& other); // a disk of its own with the same content
    Target& operator=(const Target&) = delete;
    ~Target() = default;
    [[nodiscard]] std::uint64_t size() const { return size_; }
    [[nodiscard]] std::filesystem::path path() const { return disk_.path(); }
    [[nodiscard]] const std::filesystem::path& directory() const { return directory_.path(); }
    // For QEMU: a disk with `name` as its serial number. `drive` and `device` are added to its options.
    [[nodiscard]] std::vector<std::string> arguments(const std::string& name = "target", const std::string& drive = {}, const std::string& device = {}) const;
    // The same as "target", with a log of what is written to it.
    [[nodiscard]] std::vector<std::string> recorded() const { return disk_.arguments("target"); }
    [[nodiscard]] powercut::Log log() const { return disk_.log(); }
    void write(std::uint64_t offset, std::string_view text) const;
    [[nodiscard]] std::string digest() const;
    // Boots it, alone and in a board that does not know it, unless `change` says otherwise.
    [[nodiscard]] machine::Report boot(const std::function<void(machine::Options&)>& change) const;
    [[nodiscard]] image::Partition partition(std::string_view label) const;
    [[nodiscard]] Json state() const { return state_in(path(), partition("state")); }
    // A file of an unencrypted /var.
    [[nodiscard]] std::string in_var(const std::string& file) const;

private:
    std::uint64_t size_;
    TemporaryDirectory directory_{testing::TempDir()};
    powercut::RecordedDisk disk_{directory_.path(), size_};
};

// The base, or another role, as a medium, with a site.toml: `install` is the beginning of its [install].
[[nodiscard]] Disk medium(std::string_view install, std::string_view more = {}, std::string_view role = "base");

// What a machine keeps when it is switched off, beside its disks: firmware variables and TPM.
class Board {
public:
    Board(); // with the lab's Secure Boot keys
    // Whose firmware variables are those of a file.
    explicit Board(const std::filesystem::path& variables);
    Board(const Board& other);
    Board& operator=(const Board&) = delete;
    ~Board() = default;
    void in(machine::Options& options) const;
    // Its dbx gets the digest of an image; its firmware forgets its boot entries with that.
    void revoke(const Digest& image) const;
    [[nodiscard]] const std::filesystem::path& directory() const { return directory_.path(); }

private:
    TemporaryDirectory directory_{testing::TempDir()};
};

// Starts from the stick, whatever the board knows.
[[nodiscard]] machine::Report start(const Disk& stick, const std::vector<std::string>& disks, machine::Until until, const Board& board,
                                    const std::optional<std::string>& cut_power_at = {});

// Somebody who logs in as root, by SSH from this machine to a node with a network of its own.
class Visitor {
public:
    Visitor(); // with a key of their own
    Visitor(const Visitor& other); // the same keys, another network
    Visitor& operator=(const Visitor&) = delete;
    ~Visitor() = default;
    [[nodiscard]] std::string public_key() const;
    // From now on with a certificate that `authority`'s key signed for root.
    void carry_certificate_of(const Visitor& authority);
    // The same for one node and a while, by `authority` as its site's break-glass key; and the token for its console.
    void carry_break_glass_of(const Visitor& authority, const BreakGlass& token);
    [[nodiscard]] std::string break_glass(const BreakGlass& token) const { return sign_break_glass(token, key()); }
    // From now on by the way of another, whose network the machine has.
    void go_with(const Visitor& other) { port_ = other.port_; }
    // For QEMU: the node's network, of which one port of ours is its port 22.
    [[nodiscard]] std::vector<std::string> arguments() const;
    // Runs a command there. An answer that says no is one: exit code 255.
    [[nodiscard]] ashlar::Outcome run(const std::string& command) const;
    [[nodiscard]] const std::filesystem::path& directory() const { return directory_.path(); }

private:
    [[nodiscard]] std::filesystem::path key() const { return directory_.path() / "key"; }
    TemporaryDirectory directory_{testing::TempDir()};
    unsigned port_;
};
// A node in its machine, and somebody who goes there.
struct Node {
    Visitor visitor;
    Board board;
    Target target;

    // Boots until the machine is off, with the visitor's network; `change` may add to it. Meanwhile `visit` is called again
    // and again until it returns true, or the boot has ended. It should end with `systemctl poweroff`.
    [[nodiscard]] machine::Report visited(const std::function<bool()>& visit, const std::function<void(machine::Options&)>& change = {}) const;
};
// A copy of one that was installed once for all tests of these images, whatever process they are in, is not encrypted, and lets its visitor in.
[[nodiscard]] Node installed_node();

void expect_installed(const machine::Report& report);
// It came up as the node that `state` says.
void expect_node(const machine::Report& report, const Json& state, std::string_view role = "base");

} // namespace lab
