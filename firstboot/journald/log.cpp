#include <journald/log.hpp>

#include <base/file.hpp>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <fmt/format.h>

namespace ashlar::journald {

namespace {

void put_on(const std::filesystem::path& console, const std::string& line) {
    const Fd fd(::open(console.c_str(), O_WRONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC));
    if (fd) [[maybe_unused]] const auto written = ::write(fd.get(), line.data(), line.size());
}

} // namespace

bool is_journal_stream(int fd, const char* journal_stream) {
    struct stat info{};
    if (journal_stream == nullptr || ::fstat(fd, &info) != 0) return false;
    return fmt::format("{}:{}", static_cast<unsigned long long>(info.st_dev), static_cast<unsigned long long>(info.st_ino)) == journal_stream;
}

Log::Log(std::string identifier, std::filesystem::path socket, std::filesystem::path console)
    : identifier_(std::move(identifier)), socket_(std::move(socket)), console_(std::move(console)),
      to_journal_(is_journal_stream(STDOUT_FILENO, std::getenv("JOURNAL_STREAM"))) {}

bool Log::sent(const Entry& entry) const {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (socket_.native().size() >= sizeof address.sun_path) return false;
    std::memcpy(address.sun_path, socket_.c_str(), socket_.native().size());
    const Fd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    const std::string datagram = datagram_of(entry, identifier_);
    return fd && ::sendto(fd.get(), datagram.data(), datagram.size(), MSG_NOSIGNAL, reinterpret_cast<const sockaddr*>(&address), sizeof address) >= 0;
}

void Log::say(const Entry& entry) const noexcept {
    const std::string line = fmt::format("{}: {}\n", identifier_, entry.text);
    if (to_journal_ && sent(entry)) {
        put_on(console_, line);
        return;
    }
    std::fwrite(line.data(), 1, line.size(), stdout);
    std::fflush(stdout);
}

} // namespace ashlar::journald
