#include <base/random.hpp>

#include <base/error.hpp>

#include <sys/random.h>

namespace ashlar {

// Up to 256 bytes come at once and whole; nobody here wants more.
void fill_with_random(std::span<std::byte> bytes) {
    if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) throw system_error("make", "a random number");
}

} // namespace ashlar
