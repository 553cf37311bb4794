#pragma once

// What is asked of a person. Always at /dev/tty: standard input may be a pipe.

#include <base/file.hpp>
#include <signing/secret.hpp>

#include <filesystem>
#include <optional>
#include <string_view>

namespace ashlar::command {

class Terminal {
public:
    // Nothing when the process has none.
    [[nodiscard]] static std::optional<Terminal> open();

    // With echo off.
    [[nodiscard]] Secret ask_secret(std::string_view question) const;
    // Whether the answer was y or yes.
    [[nodiscard]] bool ask(std::string_view question) const;

private:
    explicit Terminal(Fd fd) : fd_(std::move(fd)) {}
    Fd fd_;
};

// From the file that was named for it, or from the terminal. `what`: "PIN"; `of`: the key; `option` names the file.
[[nodiscard]] Secret secret_for(std::string_view what, std::string_view of, const std::optional<std::filesystem::path>& file, std::string_view option);

} // namespace ashlar::command
