#pragma once

// Packages as no sane tool makes them: an ar(5) and its tars put together piece by piece.

#include <archive/tar.hpp>
#include <base/file.hpp>

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <sys/mman.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace ashlar::handmade {

inline std::string read_back(int fd) {
    std::string bytes(static_cast<std::size_t>(::lseek(fd, 0, SEEK_END)), '\0');
    ::lseek(fd, 0, SEEK_SET);
    bytes.resize(read_some(fd, std::as_writable_bytes(std::span(bytes)), "memory file"));
    return bytes;
}

using Files = std::vector<std::pair<archive::TarEntry, std::string>>;

inline std::string tar(const Files& files) {
    const Fd fd(::memfd_create("tar", MFD_CLOEXEC));
    archive::TarWriter writer(fd.get(), "memory file");
    for (const auto& [entry, contents] : files) {
        if (entry.type == archive::TarType::file) {
            writer.add(entry, std::string_view(contents));
        } else {
            writer.add(entry);
        }
    }
    writer.finish();
    return read_back(fd.get());
}

using Members = std::vector<std::pair<std::string, std::string>>;

inline std::string ar(const Members& members) {
    std::string bytes = "!<arch>\n";
    for (const auto& [name, contents] : members) {
        bytes +=
            fmt::format("{:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n", name, 0, 0, 0, "100644", contents.size()) + contents;
        if (contents.size() % 2 != 0) bytes += '\n';
    }
    return bytes;
}

inline std::string control_tar(std::string_view text) {
    return tar({{{.path = "control", .mode = 0644}, std::string(text)}});
}

inline std::string deb(const Files& data, std::string_view control = "Package: toy\nVersion: 1\nArchitecture: all\n") {
    return ar({{"debian-binary", "2.0\n"}, {"control.tar", control_tar(control)}, {"data.tar", tar(data)}});
}

} // namespace ashlar::handmade
