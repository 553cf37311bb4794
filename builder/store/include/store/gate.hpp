#pragma once

// The store's door, for what lasts microseconds: who looks whether a thing is there and marks it as used
// passes with others; who removes one passes alone. So nothing goes between a look and its mark.

#include <base/file.hpp>

#include <filesystem>

namespace ashlar::store {

class Gate {
public:
    enum class Passage { shared, alone };
    // Waits. The gate is open again when this goes, however it goes.
    Gate(const std::filesystem::path& directory, Passage passage);

private:
    Fd fd_;
};

} // namespace ashlar::store
