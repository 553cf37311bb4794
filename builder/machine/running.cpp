#include "running.hpp"

#include "emulator.hpp"

#include <base/error.hpp>
#include <base/json.hpp>
#include <base/text.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

namespace ashlar::machine {

namespace fs = std::filesystem;

std::string take(int fd) {
    std::array<char, 65536> buffer;
    const auto got = ::recv(fd, buffer.data(), buffer.size(), MSG_DONTWAIT);
    return got > 0 ? std::string(buffer.data(), static_cast<std::size_t>(got)) : std::string();
}

// ---- QMP ---------------------------------------------------------------------------------------------

Control::Control(int fd) : fd_(fd) { write_all(fd_, std::string_view("{\"execute\":\"qmp_capabilities\"}\n"), "QEMU's control socket"); }

std::optional<std::string> Control::listen() {
    rest_ += take(fd_);
    for (auto end = rest_.find('\n'); end != rest_.npos; end = rest_.find('\n')) {
        const auto message = parse_json(rest_.substr(0, end), "QEMU's control socket");
        rest_.erase(0, end + 1);
        if (message.value("event", "") == "SHUTDOWN") return message.at("data").value("reason", "unknown");
    }
    return std::nullopt;
}

void Control::pull_out(std::string_view device) const {
    write_all(fd_, fmt::format("{{\"execute\":\"device_del\",\"arguments\":{{\"id\":\"{}\"}}}}\n", device), "QEMU's control socket");
}

void Control::press_power_button() const { write_all(fd_, std::string_view("{\"execute\":\"system_powerdown\"}\n"), "QEMU's control socket"); }

// ---- The machine -----------------------------------------------------------------------------------------

Running::Running(const Options& options)
    : directory_(fs::temp_directory_path(), "ashlar-machine-"), variables_(variables_of(options)), console_(make_socket_pair()),
      status_(make_socket_pair()), control_(make_socket_pair()), tpm_(make_socket_pair()),
      errors_(::memfd_create("errors", MFD_CLOEXEC)), nothing_(open_file("/dev/null", O_RDONLY)) {
    if (!errors_) throw system_error("create", "memory file");
    if (options.tpm == Tpm::software) start_tpm(options);
    start_emulator(options);
    // What they hold is theirs alone, so that an end of a stream is seen.
    for (Fd* end : {&console_.theirs, &status_.theirs, &control_.theirs, &tpm_.theirs, &tpm_.ours}) *end = Fd();
}

std::string Running::errors() const {
    std::array<char, 4096> buffer;
    const auto size = ::lseek(errors_.get(), 0, SEEK_END);
    const auto from = std::max<off_t>(0, size - static_cast<off_t>(buffer.size()));
    const auto got = ::pread(errors_.get(), buffer.data(), buffer.size(), from);
    return std::string(trim(std::string_view(buffer.data(), got > 0 ? static_cast<std::size_t>(got) : 0)));
}

void Running::wait() const {
    std::array<pollfd, 3> watched{pollfd{console(), POLLIN, 0}, {status(), POLLIN, 0}, {control(), POLLIN, 0}};
    ::poll(watched.data(), watched.size(), 250);
}

fs::path Running::variables_of(const Options& options) const {
    if (options.variables_use == Options::Variables::kept) return options.variables;
    auto copy = directory_.path() / "variables.fd";
    write_file(copy, read_file(options.variables));
    return copy;
}

void Running::start_tpm(const Options& options) {
    auto state = options.tpm_state.value_or(directory_.path() / "tpm");
    fs::create_directories(state);
    constexpr int control = 10;
    tpm_process_ = std::make_unique<Child>(
        tpm_arguments(state, control),
        std::vector<Stream>{{nothing_.get(), 0}, {errors_.get(), 1}, {errors_.get(), 2}, {tpm_.theirs.get(), control}},
        "install the package swtpm");
}

void Running::start_emulator(const Options& options) {
    const bool terminal = options.console == Console::terminal;
    emulator_ = std::make_unique<Child>(
        emulator_arguments(options, variables_),
        std::vector<Stream>{{terminal ? 0 : nothing_.get(), 0}, {terminal ? 1 : errors_.get(), 1}, {errors_.get(), 2},
                            {console_.theirs.get(), console_fd}, {status_.theirs.get(), status_fd},
                            {control_.theirs.get(), control_fd}, {tpm_.ours.get(), tpm_fd}},
        "install the package qemu-system-x86");
}

// ---- What does not run -----------------------------------------------------------------------------------

void refuse_bad(const Options& options) {
    if (!fs::is_regular_file(options.disk)) throw Error(fmt::format("cannot boot '{}': it is not a file", options.disk.native()), "build the image first");
    if (options.pull_out_at && options.disk_bus != DiskBus::usb) throw Error(fmt::format("cannot pull '{}' out: it is not on USB", options.disk.native()));
    if (options.write_log && options.writes != Writes::kept) throw Error(fmt::format("cannot log what is written to '{}': writes are not kept", options.disk.native()));
    if (options.acceleration == Acceleration::kvm && ::access("/dev/kvm", R_OK | W_OK) != 0)
        throw Error(fmt::format("cannot use KVM: {}", std::strerror(errno)), "boot without it; emulation is slower and otherwise the same");
}

Error emulator_failed(const Options& options, const Running& running) {
    const auto text = running.errors();
    Error error(fmt::format("cannot run the machine for '{}': {}", options.disk.native(), text.empty() ? "QEMU ended without a word" : text));
    if (options.acceleration == Acceleration::kvm) error.add_hint("boot without KVM; emulation is slower and otherwise the same");
    return error;
}

} // namespace ashlar::machine
