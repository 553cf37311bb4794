#pragma once

// Where a program's entries go. Under systemd, whose journal standard output is connected to ($JOURNAL_STREAM):
// to the journal with their fields, and as a line to the console. Anywhere else: as a line to standard output.

#include <journald/entry.hpp>

#include <filesystem>
#include <string>

namespace ashlar::journald {

class Log {
public:
    // `identifier` is SYSLOG_IDENTIFIER, and begins each line.
    explicit Log(std::string identifier, std::filesystem::path socket = "/run/systemd/journal/socket", std::filesystem::path console = "/dev/console");

    // Never fails and never waits: what the journal does not take goes to standard output. From any thread.
    void say(const Entry& entry) const noexcept;

private:
    [[nodiscard]] bool sent(const Entry& entry) const;
    std::string identifier_;
    std::filesystem::path socket_, console_;
    bool to_journal_;
};

// Whether descriptor `fd` is what $JOURNAL_STREAM ("device:inode", systemd.exec(5)) names.
[[nodiscard]] bool is_journal_stream(int fd, const char* journal_stream);

} // namespace ashlar::journald
