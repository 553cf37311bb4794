#pragma once

// A stage of the store, with the time it took.

#include <pipeline/workshop.hpp>
#include <signing/digest.hpp>

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

namespace ashlar::pipeline {

struct StageResult {
    Digest key;
    std::filesystem::path output; // directory in the store; never changed again
};

// What a stage is: shown as `title` of `role` (empty: shared by all roles), kept as `name` under `key`.
struct Stage {
    std::string role, title;
    std::string_view name;
    Digest key;
};

// The result out of the store, made first when it is not there. One span: made, or found.
[[nodiscard]] StageResult run_stage(Workshop& workshop, const Stage& stage,
                                    const std::function<void(const std::filesystem::path& output, StageTimer& timer)>& make);

// The same for a stage whose parts have spans of their own when it is made.
[[nodiscard]] StageResult run_parts(Workshop& workshop, const Stage& stage,
                                    const std::function<void(const std::filesystem::path& output)>& make);

} // namespace ashlar::pipeline
