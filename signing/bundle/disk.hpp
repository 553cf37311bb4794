#pragma once

// Changes on the disk, each told to whoever wants to know before it is made. docs/formats/bundle.md says in which order.

#include <base/file.hpp>
#include <signing/bytes.hpp>

#include <filesystem>
#include <functional>
#include <string_view>

namespace ashlar::bundle {

// Used by several threads at once, if the one who is told can bear it.
class Disk {
public:
    using Told = std::function<void(std::string_view operation, const std::filesystem::path& file)>;
    explicit Disk(Told before) : before_(std::move(before)) {}

    void tell(std::string_view operation, const std::filesystem::path& file) const {
        if (before_) before_(operation, file);
    }
    // With its parents; those that are new are synced.
    void make_directory(const std::filesystem::path& directory) const;
    [[nodiscard]] Fd create(const std::filesystem::path& file) const;
    void write(const Fd& to, ByteView bytes, const std::filesystem::path& file) const;
    void sync(const Fd& file, const std::filesystem::path& path) const;
    void sync_directory(const std::filesystem::path& directory) const;
    void rename(const std::filesystem::path& from, const std::filesystem::path& to) const;
    // A second name; where the file system has none, a copy.
    void link(const std::filesystem::path& from, const std::filesystem::path& to) const;
    // With what is in it. Missing is fine.
    void remove(const std::filesystem::path& path) const;

private:
    Told before_;
};

} // namespace ashlar::bundle
