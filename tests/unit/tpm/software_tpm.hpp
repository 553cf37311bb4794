#pragma once

// swtpm(8) as a TPM of the test's own.

#include <base/file.hpp>
#include <base/process.hpp>

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>

#include <fmt/format.h>

namespace ashlar::tpm {

inline bool there_is(const char* program) { return run({.argv = {"sh", "-c", fmt::format("command -v {}", program)}}).ok(); }

class SoftwareTpm {
public:
    explicit SoftwareTpm(const std::filesystem::path& directory) : socket_(directory / "tpm"), state_(directory / "state") {
        std::filesystem::create_directories(state_);
        start();
    }
    // As tools of tpm2-tss take it.
    [[nodiscard]] std::string device() const { return "swtpm:path=" + socket_.native(); }
    [[nodiscard]] const std::filesystem::path& socket() const { return socket_; }
    // As a firmware's set-up does it: another seed.
    void clear() {
        child_.reset();
        remove_tree(state_);
        std::filesystem::create_directories(state_);
        start();
    }

private:
    void start() {
        std::error_code none;
        std::filesystem::remove(socket_, none);
        child_ = std::make_unique<RunningChild>(Command{.argv = {"swtpm", "socket", "--tpm2", "--tpmstate", "dir=" + state_.native(), "--server", "type=unixio,path=" + socket_.native(),
                                                                 "--ctrl", fmt::format("type=unixio,path={}.ctrl", socket_.native()), "--flags", "startup-clear,not-need-init"},
                                                        .log = state_.native() + ".log"});
        for (int tries = 0; tries < 100 && !std::filesystem::exists(socket_); ++tries) std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    const std::filesystem::path socket_, state_;
    std::unique_ptr<RunningChild> child_;
};

} // namespace ashlar::tpm
