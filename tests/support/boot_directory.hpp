#pragma once

// A boot partition that is a directory, where nothing can be mounted.

#include <steps/node_steps.hpp>

#include <filesystem>
#include <utility>

namespace lab {

class BootDirectory final : public ashlar::steps::OpenBootPartition {
public:
    explicit BootDirectory(std::filesystem::path path) : path_(std::move(path)) {}
    [[nodiscard]] const std::filesystem::path& path() const override { return path_; }
    void close() override {}

private:
    std::filesystem::path path_;
};

} // namespace lab
