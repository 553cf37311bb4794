#pragma once

// mount(2) with errors as ours are.

#include <filesystem>
#include <string>

namespace ashlar::node {

void mount(const std::string& what, const std::filesystem::path& where, const std::string& type, unsigned long flags,
           const std::string& options = {});

// Unmounts when it goes.
class Mount {
public:
    Mount(const std::string& what, std::filesystem::path where, const std::string& type, unsigned long flags, const std::string& options = {});
    Mount(const Mount&) = delete;
    Mount& operator=(const Mount&) = delete;
    ~Mount();
    // Unmounts now, and tells when that failed.
    void close();

    [[nodiscard]] const std::filesystem::path& path() const noexcept { return where_; }

private:
    std::filesystem::path where_;
};

} // namespace ashlar::node
