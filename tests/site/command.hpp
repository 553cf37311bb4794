#pragma once

// The program `ashlar` in a directory with a site, and what it leaves behind.

#include <base/file.hpp>
#include <base/id.hpp>
#include <base/json.hpp>
#include <base/process.hpp>

#include <chrono>
#include <filesystem>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace ashlar::virtual_site {

// A line each.
[[nodiscard]] std::vector<Json> events_in(const std::string& output);

class Running {
public:
    Running(const Command& command, std::filesystem::path log);
    [[nodiscard]] std::string output() const { return read_file(log_); }
    // Within that time, or before it ended.
    [[nodiscard]] bool says(std::string_view text, std::chrono::seconds longest);
    // The exit code after a signal; -1 when it still runs after that time.
    [[nodiscard]] int end(int signal, std::chrono::seconds longest);

private:
    std::filesystem::path log_;
    std::unique_ptr<RunningChild> child_;
};

class UpCommand {
public:
    UpCommand(); // with a new site 'demo'

    [[nodiscard]] const std::filesystem::path& directory() const { return work_.path(); }
    [[nodiscard]] Outcome run(std::vector<std::string> words) const;
    [[nodiscard]] Outcome run_program(std::vector<std::string> argv) const;
    [[nodiscard]] Running start(std::vector<std::string> words) const;
    // Of this site: temporary files, processes, control groups, its claim; and loop devices of the image that were not there at first. Empty after a moment at the latest.
    [[nodiscard]] std::vector<std::string> left_behind() const;

private:
    [[nodiscard]] Command command(std::vector<std::string> words) const;
    [[nodiscard]] Command in_directory(std::vector<std::string> argv) const;
    [[nodiscard]] std::set<std::string> found() const;

    TemporaryDirectory work_;
    std::string id_;       // of the site
    std::string machines_; // what the machines of the site are called: the beginning
    std::set<std::string> before_;
};

} // namespace ashlar::virtual_site
