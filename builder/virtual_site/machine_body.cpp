#include <virtual_site/body.hpp>

#include <base/error.hpp>
#include <base/file.hpp>
#include <base/process.hpp>
#include <gpt/table.hpp>
#include <image/architecture.hpp>
#include <machine/attended.hpp>

#include <array>
#include <cerrno>
#include <chrono>
#include <unistd.h>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace ashlar::virtual_site {

namespace fs = std::filesystem;

namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr std::uint64_t disk_size = std::uint64_t{8} << 30U; // docs/formats/node-disk.md: a second slot, and room for /var
constexpr auto knock_again = 1s, knock_again_where_emulated = 10s; // each costs the node a key exchange
constexpr const char* daemon_socket = "/run/ashlar/ashlard.sock";

// Locally administered (IEEE 802, 8.2.2), of the range that QEMU's machines have.
std::array<unsigned, 6> mac_of(unsigned number) { return {0x52, 0x54, 0x00, 0xa5, number >> 8U & 0xffU, number & 0xffU}; }

std::string text_of(const std::array<unsigned, 6>& mac) { return fmt::format("{:02x}", fmt::join(mac, ":")); }

// RFC 4291, appendix A.
std::string link_local_of(const std::array<unsigned, 6>& mac) {
    return fmt::format("fe80::{:x}:{:x}:{:x}:{:x}", (mac[0] ^ 2U) << 8U | mac[1], mac[2] << 8U | 0xffU, 0xfe00U | mac[3], mac[4] << 8U | mac[5]);
}

// A value's comma is written twice for QEMU.
std::string escaped(std::string_view text) {
    std::string out;
    for (const char letter : text) out.append(letter == ',' ? 2 : 1, letter);
    return out;
}

class Machine : public Body {
public:
    Machine(const BodyOptions& options, MachineOptions machine) : options_(options), machine_(std::move(machine)), mac_(mac_of(machine_.number)) {
        fs::create_directories(options_.directory);
        if (!fs::exists(disk())) make_disk();
        if (!fs::exists(variables())) write_file(variables(), read_file(machine_.variables));
        if (!fs::exists(options_.directory / "medium")) fs::copy(options_.medium, options_.directory / "medium", fs::copy_options::recursive);
        plug_in();
    }
    ~Machine() override {
        way_.reset();
        power_.reset();
        (void)run({.argv = {"ip", "link", "delete", interface()}});
    }

    void power_on() override {
        power_ = std::make_unique<machine::Attended>(machine::Options{
            .disk = disk(),
            .firmware = machine_.firmware,
            .variables = variables(),
            .variables_use = machine::Options::Variables::kept,
            .tpm_state = options_.directory / "tpm",
            .acceleration = machine_.acceleration,
            .processors = machine_.processors,
            .memory_mib = machine_.memory_mib,
            .writes = machine::Writes::kept,
            .network = machine::Network::none,
            .serial_log = options_.directory / "console.log",
            .more_arguments = {"-netdev", fmt::format("tap,id=site,ifname={},script=no,downscript=no", interface()), "-device",
                               fmt::format("virtio-net-pci,netdev=site,mac={},romfile=", text_of(mac_)), "-smbios", "type=1,serial=" + escaped(options_.serial)}});
    }

    bool is_on() override { return power_ && power_->is_on(); }

    // By a forwarding of SSH, as soon as the node lets us in.
    fs::path control_socket() override {
        if (way_ && !way_->ended()) return fs::exists(socket()) ? socket() : fs::path();
        if (!is_on() || Clock::now() < knock_at_) return {};
        knock_at_ = Clock::now() + (machine_.acceleration == machine::Acceleration::kvm ? knock_again : knock_again_where_emulated);
        std::error_code not_there;
        fs::remove(socket(), not_there);
        auto argv = ssh();
        argv.insert(argv.begin() + 1, {"-N", "-o", "ExitOnForwardFailure=yes", "-o", "ServerAliveInterval=30", "-o", "ServerAliveCountMax=10", "-L", fmt::format("{}:{}", socket().native(), daemon_socket)});
        Command command{.argv = std::move(argv), .log = options_.directory / "ssh.log"};
        command.before_exec = [] { return ::setpgid(0, 0) != 0 ? errno : 0; };
        way_.reset();
        way_ = std::make_unique<RunningChild>(command);
        return {};
    }

    std::optional<bool> shows(Step) override { return std::nullopt; }

    Json boot_report() override {
        const auto status = power_ ? power_->status() : std::nullopt;
        if (!status || told_ == *status) return Json::object();
        told_ = *status;
        return *status;
    }

    Json way_in() const override { return {{"ssh", ssh()}}; }

private:
    [[nodiscard]] fs::path disk() const { return options_.directory / "disk.raw"; }
    [[nodiscard]] fs::path variables() const { return options_.directory / "variables.fd"; }
    [[nodiscard]] fs::path socket() const { return machine_.run / (options_.name + ".sock"); }
    [[nodiscard]] std::string interface() const { return "vt-" + options_.name; }

    // Somebody on the switch, which is an interface of this namespace. What it is called and by which key it is known means
    // nothing: it is the only machine that can have this address here.
    [[nodiscard]] std::vector<std::string> ssh() const {
        return {"ssh", "-i", machine_.key.native(), "-F", "none", "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
                "-o", "LogLevel=ERROR", "-o", "ConnectTimeout=30", fmt::format("root@{}%{}", link_local_of(mac_), Switch::name)};
    }

    void make_disk() const {
        const fs::path part = options_.directory / "disk.part";
        run_checked({.argv = {"cp", "--sparse=always", "--reflink=auto", machine_.image.native(), part.native()}});
        if (fs::file_size(part) < disk_size) fs::resize_file(part, disk_size);
        const auto table = gpt::read(part);
        const auto* esp = table.find(image::boot_partition_type());
        if (esp == nullptr) throw Error(fmt::format("cannot start nodes from '{}': it has no boot partition", machine_.image.native()), "name an image as `ashlar build` writes it");
        const std::string volume = fmt::format("{}@@{}", part.native(), esp->offset);
        run_checked({.argv = {"mmd", "-D", "s", "-i", volume, "::/ashlar"}});
        for (const auto& file : fs::directory_iterator(options_.medium))
            run_checked({.argv = {"mcopy", "-D", "o", "-i", volume, file.path().native(), "::/ashlar/" + file.path().filename().native()}});
        fs::rename(part, disk());
    }

    void plug_in() const {
        run_checked({.argv = {"ip", "tuntap", "add", "dev", interface(), "mode", "tap"}});
        run_checked({.argv = {"ip", "link", "set", interface(), "master", Switch::name, "up"}});
    }

    const BodyOptions options_;
    const MachineOptions machine_;
    const std::array<unsigned, 6> mac_;
    std::unique_ptr<machine::Attended> power_;
    std::unique_ptr<RunningChild> way_;
    Clock::time_point knock_at_{};
    Json told_;
};

} // namespace

std::unique_ptr<Body> make_machine(const BodyOptions& options, const MachineOptions& machine) { return std::make_unique<Machine>(options, machine); }

} // namespace ashlar::virtual_site
