#pragma once

// Python's byte code, made once for the whole root instead of by each package's postinst.

#include <base/progress.hpp>

#include <cstdint>
#include <filesystem>
#include <span>

namespace ashlar::root {

struct ByteCode {
    std::size_t compiled = 0;
    std::size_t refused = 0; // files that are no Python of this version (templates, tests); Debian skips them too
};

// Compiles every *.py below `directories` (inside the root, without leading slash) and below the
// interpreter's own library, with the root's python3, where it has one. Existing __pycache__
// directories are made anew.
//
// The files are of the kind "unchecked-hash" (PEP 552): they hold the hash of their source, not its
// time, and Python never looks at the source again, which suits a read-only root. Each
// folder is compiled in a process of its own that starts from the same state, because the bytes that
// the marshal module writes depend on what its process compiled before: so they are a function of the
// folder's sources and the interpreter.
ByteCode compile_python(const std::filesystem::path& root, std::span<const std::filesystem::path> directories,
                        std::int64_t epoch, Renderer& progress);

} // namespace ashlar::root
