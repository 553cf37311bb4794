#pragma once

// The work of an upgrade on a real node: its disk, its boot menu, its state partition.

#include <bundle/stale_media.hpp>
#include <node/secure_boot.hpp>
#include <reset/note.hpp>
#include <signing/digest.hpp>
#include <signing/key.hpp>
#include <upgrade/keeper.hpp>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace ashlar::steps {

// The boot partition while somebody looks at it or changes it.
class OpenBootPartition {
public:
    virtual ~OpenBootPartition() = default;
    [[nodiscard]] virtual const std::filesystem::path& path() const = 0;
    // Unmounts; an Error when what was written may not be on the disk.
    virtual void close() = 0;
};

// Where things are.
struct Node {
    std::string role, architecture;
    upgrade::Installed running;
    std::filesystem::path disk;  // that was started from
    std::filesystem::path state; // partition
    std::function<std::unique_ptr<OpenBootPartition>()> boot_partition;
    std::filesystem::path work = "/var/lib/ashlar/upgrade";
    std::filesystem::path media = "/run/ashlar/upgrade-medium"; // where a block device is mounted meanwhile
    std::filesystem::path last_words = "/var/lib/systemd/pstore";
    std::filesystem::path revoked = "/var/lib/ashlar/revoked"; // updates of dbx
    std::filesystem::path firmware = node::firmware_variables;
    std::function<void(std::string_view)> forbid = [](std::string_view update) { node::forbid_programs(update); };
    std::vector<std::string> pull{"/usr/lib/ashlar/ashlar-pull"};
    // The root of release metadata that the image brings. Nothing: the image knows of none, and releases are believed by the
    // signatures of their UKIs alone.
    std::optional<std::string> trusted_root;
    std::function<Time()> now; // the clock, but not before the image was made
    std::function<void()> restart;
    std::function<reset::Name(unsigned by)> order_reset; // <node/reset.hpp>
};

// The node that this process runs on. Nothing: it runs from a medium.
[[nodiscard]] std::optional<Node> this_node();

// Of the blocks that are being written.
struct Transfer {
    std::uint64_t written = 0, size = 0;      // bytes of the root
    std::uint64_t fetched = 0, download = 0; // bytes from the source
};

// What became of the images that a train wants to be refused by firmware.
struct FirmwareRevocation {
    std::string train;
    std::size_t images = 0;
    enum class State {
        obeyed,  // dbx lists them all
        waiting, // until it may be handed over: `text` says for what
        refused, // by the firmware: `text` says why
    } state = State::waiting;
    std::string text;
    bool operator==(const FirmwareRevocation&) const = default;
};
[[nodiscard]] std::string_view name_of(FirmwareRevocation::State state);
// As they were last time, by train.
[[nodiscard]] std::vector<FirmwareRevocation> firmware_revocations(const Node& node);
// Hands over what is kept, on the word of somebody who has the node's recovery key: also where /var is sealed to the dbx of now
// (register 7), and its next start will ask for that key.
std::vector<FirmwareRevocation> hand_over_revocations(const Node& node);

// What somebody should know of that is no phase's end: what firmware made of a revocation; that an expired bundle passed.
using Notice = std::variant<FirmwareRevocation, bundle::StaleMedia>;

class NodeSteps final : public upgrade::Steps {
public:
    NodeSteps(Node node, std::function<void(const Transfer&)> transferred, std::function<void(const Notice&)> told = {})
        : node_(std::move(node)), transferred_(std::move(transferred)), told_(std::move(told)) {}

    [[nodiscard]] std::optional<upgrade::Target> check(const upgrade::Source& source) override;
    void clear(const upgrade::Target& target) override;
    void mark(const upgrade::Target& target) override;
    [[nodiscard]] std::optional<std::string> write(const upgrade::Source& source, const upgrade::Target& target, std::uint64_t from,
                                                   const std::function<void(std::uint64_t)>& on_disk) override;
    void prove(const upgrade::Target& target) override;
    void name(const upgrade::Target& target) override;
    void arm(const upgrade::Target& target) override;
    void bless(const upgrade::Installed& image) override;
    void give_up(const upgrade::Installed& image) override;
    void restart() override { node_.restart(); }

    // What the start found: what runs, and how the target stands in the boot menu.
    [[nodiscard]] upgrade::Facts facts(const upgrade::Journal& journal) const;

private:
    Node node_;
    std::function<void(const Transfer&)> transferred_;
    std::function<void(const Notice&)> told_;
};

// The journal in the state partition, as its member "upgrade".
class StateMemory final : public upgrade::Memory {
public:
    explicit StateMemory(std::filesystem::path partition) : partition_(std::move(partition)) {}
    [[nodiscard]] upgrade::Journal recall() override;
    void keep(const upgrade::Journal& journal) override;

private:
    std::filesystem::path partition_;
};

} // namespace ashlar::steps
