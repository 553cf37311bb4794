#pragma once

// QEMU with its TPM and the streams between it and us, for whoever attends to it.

#include "child.hpp"

#include <machine/machine.hpp>

#include <base/error.hpp>
#include <base/file.hpp>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace ashlar::machine {

// Reads what is there; empty at the end of the stream or when nothing came.
[[nodiscard]] std::string take(int fd);

// QEMU's machine protocol (QMP), of which one event and few commands matter here.
class Control {
public:
    explicit Control(int fd);

    // The reason of the machine's end, once it came.
    [[nodiscard]] std::optional<std::string> listen();
    // As a person would, without a word to the system.
    void pull_out(std::string_view device) const;
    // As a person would: the system may do with it what it wants.
    void press_power_button() const;

private:
    int fd_;
    std::string rest_;
};

// Everything a running machine consists of; taken down in reverse order.
class Running {
public:
    explicit Running(const Options& options);

    [[nodiscard]] int console() const { return console_.ours.get(); }
    [[nodiscard]] int status() const { return status_.ours.get(); }
    [[nodiscard]] int control() const { return control_.ours.get(); }
    [[nodiscard]] Child& emulator() const { return *emulator_; }

    // What QEMU and swtpm wrote to standard error, at most the end of it.
    [[nodiscard]] std::string errors() const;
    // Waits a moment for anything to happen.
    void wait() const;

private:
    [[nodiscard]] std::filesystem::path variables_of(const Options& options) const;
    void start_tpm(const Options& options);
    void start_emulator(const Options& options);

    TemporaryDirectory directory_;
    std::filesystem::path variables_;
    SocketPair console_, status_, control_, tpm_;
    Fd errors_, nothing_;
    std::unique_ptr<Child> tpm_process_, emulator_;
};

// Error for what no machine can be made of.
void refuse_bad(const Options& options);
// QEMU ended, and not because of the machine.
[[nodiscard]] Error emulator_failed(const Options& options, const Running& running);

} // namespace ashlar::machine
