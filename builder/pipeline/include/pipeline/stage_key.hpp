#pragma once

// The name of a stage's result: a digest over everything that determines it. Each input goes in with
// its label and its length, so that no two lists of inputs run together. The program itself is an
// input as well: another ashlar never takes over what this one made.

#include <signing/digest.hpp>

#include <cstdint>
#include <filesystem>
#include <string_view>

namespace ashlar::pipeline {

class StageKey {
public:
    explicit StageKey(std::string_view stage);
    // For the one stage whose making other programs do, from inputs that are all named: `procedure` says
    // how, and stands for the program in the key.
    StageKey(std::string_view stage, std::string_view procedure);

    StageKey& add(std::string_view label, std::string_view value);
    StageKey& add(std::string_view label, std::int64_t value);
    StageKey& add(std::string_view label, const Digest& value);
    // A file, or every entry below a directory: names, types, modes, link targets and contents.
    StageKey& add_tree(std::string_view label, const std::filesystem::path& path);

    [[nodiscard]] Digest finish();

private:
    Hasher hasher_;
};

} // namespace ashlar::pipeline
