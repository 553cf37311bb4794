#pragma once

// Private to this module: what a node believes of release metadata, kept in its state partition. docs/formats/state.md.

#include <trust/choice.hpp>

#include <filesystem>
#include <optional>
#include <string>

namespace ashlar::steps {

// The members "metadata_floor", "time_floor" and "security_floor". They are floors: what comes after them never goes below, and a
// factory reset keeps them.
class Beliefs final : public trust::Memory {
public:
    // `root`: of the image, believed where nothing newer is remembered.
    Beliefs(std::filesystem::path partition, std::string root) : partition_(std::move(partition)), root_(std::move(root)) {}

    // Of a train's own files versions are remembered by what names them: they grow with each release.
    [[nodiscard]] std::optional<std::string> load(std::string_view role) const override;
    void save(std::string_view role, std::string_view text) override;
    void remove(std::string_view role) override;

    [[nodiscard]] Time time_floor() const;
    [[nodiscard]] trust::SecurityFloors security_floors() const;
    void raise(const trust::SecurityFloors& floors, const std::optional<Time>& newest_issue) override;

private:
    std::filesystem::path partition_;
    std::string root_;
};

} // namespace ashlar::steps
