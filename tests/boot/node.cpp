#include "node.hpp"

#include <base/error.hpp>
#include <base/process.hpp>
#include <base/text.hpp>
#include <signing/digest.hpp>
#include <state/state.hpp>
#include <store/claim.hpp>

#include <fcntl.h>
#include <future>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fmt/format.h>

namespace lab {

using testing::HasSubstr;
using testing::Not;

Json state_in(const std::filesystem::path& disk, const image::Partition& place) {
    const TemporaryDirectory directory{testing::TempDir()};
    const auto copy = directory.path() / "state";
    run_checked({.argv = {"dd", "status=none", "bs=1M", "if=" + disk.native(), "of=" + copy.native(), fmt::format("skip={}", place.offset >> 20U),
                          fmt::format("count={}", place.size >> 20U)}});
    return state::read(copy).value().content;
}

namespace {

void copy_tree(const std::filesystem::path& from, const std::filesystem::path& to) { run_checked({.argv = {"cp", "--recursive", "--sparse=always", "--no-target-directory", from.native(), to.native()}}); }

} // namespace

// ---- Target --------------------------------------------------------------------------------------

Target::Target(const Target& other) : size_(other.size_) { copy_tree(other.path(), path()); }

std::vector<std::string> Target::arguments(const std::string& name, const std::string& drive, const std::string& device) const {
    return {"-drive", fmt::format("if=none,id={},format=raw,file={}{}", name, path().native(), drive), "-device",
            fmt::format("virtio-blk-pci,drive={0},serial={0}{1}", name, device)};
}

void Target::write(std::uint64_t offset, std::string_view text) const {
    const Fd file = open_file(path(), O_WRONLY);
    if (::pwrite(file.get(), text.data(), text.size(), static_cast<off_t>(offset)) != static_cast<ssize_t>(text.size())) throw system_error("write", path().native());
}

std::string Target::digest() const { return run_checked({.argv = {"sha256sum", path().native()}}); }

machine::Report Target::boot(const std::function<void(machine::Options&)>& change) const {
    machine::Options options{.disk = path(), .firmware = machine::find_firmware(), .variables = Lab::get().variables(), .writes = machine::Writes::kept,
                             .network = machine::Network::none};
    change(options);
    return machine::boot(options);
}

image::Partition Target::partition(std::string_view label) const {
    for (const auto& partition : image::read_partition_table(path()).partitions)
        if (partition.label == label) return partition;
    throw Error(fmt::format("cannot find the partition '{}'", label));
}

std::string Target::in_var(const std::string& file) const {
    return run_checked({.argv = {program("debugfs"), "-R", "cat " + file, fmt::format("{}?offset={}", path().native(), partition("var").offset)}});
}

// ---- Machines ------------------------------------------------------------------------------------

Disk medium(std::string_view install, std::string_view more, std::string_view role) {
    Disk disk(role);
    const std::string site = fmt::format("[site]\nname = \"berlin-1\"\n\n[install]\n{}{}", install, more);
    disk.write_boot_file("ashlar/site.toml", bytes_of(site));
    return disk;
}

Board::Board() : Board(Lab::get().variables()) {}

Board::Board(const std::filesystem::path& variables) { write_file(directory_.path() / "variables.fd", read_file(variables)); }

Board::Board(const Board& other) { copy_tree(other.directory_.path(), directory_.path()); }

void Board::in(machine::Options& options) const {
    options.variables = directory_.path() / "variables.fd";
    options.variables_use = machine::Options::Variables::kept;
    options.tpm_state = directory_.path() / "tpm";
}

void Board::revoke(const Digest& image) const { write_file(directory_.path() / "variables.fd", text_of(Lab::get().variables_revoking({image}))); }

machine::Report start(const Disk& stick, const std::vector<std::string>& disks, machine::Until until, const Board& board,
                      const std::optional<std::string>& cut_power_at) {
    return stick.boot([&](auto& options) {
        board.in(options);
        options.more_arguments = disks;
        options.until = until;
        options.cut_power_at = cut_power_at;
    });
}

// ---- Visitor -------------------------------------------------------------------------------------

namespace {

// One that was free a moment ago.
unsigned free_port() {
    const Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* any = reinterpret_cast<sockaddr*>(&address);
    if (::bind(socket.get(), any, size) != 0 || ::getsockname(socket.get(), any, &size) != 0) throw system_error("find", "a free port");
    return ntohs(address.sin_port);
}

} // namespace

Visitor::Visitor() : port_(free_port()) { run_checked({.argv = {"ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "visitor", "-f", key().native()}}); }

Visitor::Visitor(const Visitor& other) : port_(free_port()) { copy_tree(other.directory_.path(), directory_.path()); }

std::string Visitor::public_key() const { return std::string(trim(read_file(key().native() + ".pub"))); }

void Visitor::carry_certificate_of(const Visitor& authority) {
    run_checked({.argv = {"ssh-keygen", "-q", "-s", authority.key().native(), "-I", "visitor", "-n", "root", "-V", "always:forever", key().native() + ".pub"}});
}

void Visitor::carry_break_glass_of(const Visitor& authority, const BreakGlass& token) { (void)certify_break_glass(token, authority.key(), key().native() + ".pub"); }

std::vector<std::string> Visitor::arguments() const {
    return {"-netdev", fmt::format("user,id=visitor,restrict=on,hostfwd=tcp:127.0.0.1:{}-:22", port_), "-device", "virtio-net-pci,netdev=visitor,romfile="};
}

ashlar::Outcome Visitor::run(const std::string& command) const {
    return ashlar::run({.argv = {"ssh", "-i", key().native(), "-p", std::to_string(port_), "-F", "none", "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes", "-o",
                                 "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "ConnectTimeout=20", "root@127.0.0.1", command}});
}

machine::Report Node::visited(const std::function<bool()>& visit, const std::function<void(machine::Options&)>& change) const {
    auto report = std::async(std::launch::async, [&] {
        return target.boot([&](auto& options) {
            board.in(options);
            options.until = machine::Until::power_off;
            options.more_arguments = visitor.arguments();
            if (change) change(options);
        });
    });
    bool there = false;
    while (!there && report.wait_for(std::chrono::seconds(1)) != std::future_status::ready) there = visit();
    return report.get();
}

namespace {

void install(const Node& node) {
    const auto stick = medium(onto_target, fmt::format("\n[access]\nssh_keys = [\"{}\"]\n", node.visitor.public_key()));
    const auto report = start(stick, node.target.arguments(), machine::Until::power_off, node.board);
    if (machine::name_of(report.verdict.outcome) != "reset") throw Error("cannot install: " + report.transcript);
}

void keep(const Node& node, const std::filesystem::path& place) {
    const std::filesystem::path draft = place.native() + ".part";
    remove_tree(draft);
    std::filesystem::create_directories(draft);
    copy_tree(node.visitor.directory(), draft / "visitor");
    copy_tree(node.board.directory(), draft / "board");
    copy_tree(node.target.directory(), draft / "target");
    std::filesystem::rename(draft, place);
}

Node kept(const std::filesystem::path& place) {
    Node node;
    copy_tree(place / "visitor", node.visitor.directory());
    copy_tree(place / "board", node.board.directory());
    copy_tree(place / "target", node.target.directory());
    return node;
}

} // namespace

Node installed_node() {
    const auto image = Lab::get().base_of("base");
    const auto nodes = image.parent_path().parent_path() / "nodes";
    std::filesystem::create_directories(nodes);
    const auto place = nodes / sha256_of_file(image.native() + ".manifest.json").hex();
    const auto claim = store::Claim::wait(nodes / "lock");
    if (!std::filesystem::exists(place)) {
        const Node node;
        install(node);
        keep(node, place);
    }
    return kept(place);
}

void expect_installed(const machine::Report& report) {
    ASSERT_EQ(machine::name_of(report.verdict.outcome), "reset") << report.verdict.detail << '\n' << report.transcript;
    ASSERT_THAT(report.transcript, HasSubstr("installed; starting again from the disk"));
    EXPECT_THAT(report.transcript, Not(HasSubstr("the firmware takes no boot entry")));
}

// It came up as the node that `state` says.
void expect_node(const machine::Report& report, const Json& state, std::string_view role) {
    ASSERT_EQ(machine::name_of(report.verdict.outcome), "ready") << report.verdict.detail << '\n' << report.transcript;
    EXPECT_EQ(report.status->at("state"), "running");
    EXPECT_EQ(report.status->at("root").at("type"), "erofs");
    EXPECT_THAT(report.transcript, HasSubstr(fmt::format("{}: {}", state.at("hostname").get<std::string>(), role)));
    EXPECT_THAT(report.transcript, Not(HasSubstr("installing")));
}

} // namespace lab
