#pragma once

// Work in progress beside the results. It is removed when it goes; what a killed process left is
// removed by the next one that works in the same directory.

#include <base/file.hpp>
#include <store/claim.hpp>

#include <filesystem>
#include <optional>

namespace ashlar::pipeline {

class OutputDraft {
public:
    // Makes `<directory>/.ashlar-XXXXXX`.
    explicit OutputDraft(const std::filesystem::path& directory);

    [[nodiscard]] const std::filesystem::path& path() const noexcept { return directory_.path(); }

private:
    std::optional<store::Claim> door_; // of the whole directory, only while this is made
    TemporaryDirectory directory_;
    store::Claim claim_; // tells the living from the dead
};

} // namespace ashlar::pipeline
