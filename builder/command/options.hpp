#pragma once

// What every command understands, whatever it does.

#include <base/progress.hpp>

#include <filesystem>
#include <string>
#include <vector>

namespace ashlar::command {

struct GlobalOptions {
    std::filesystem::path recipes = "recipes";
    std::filesystem::path store; // empty: store::default_root()
    std::filesystem::path keys = "keys";
    std::filesystem::path output = "out";
    std::vector<std::string> mirrors;
    std::string train;
    bool json = false;
    ProgressStyle progress = ProgressStyle::automatic;
};

} // namespace ashlar::command
