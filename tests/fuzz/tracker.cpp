#include <vulnerabilities/tracker.hpp>

#include <base/error.hpp>

#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    try {
        (void)ashlar::vulnerabilities::Tracker::parse({reinterpret_cast<const char*>(data), size}, "fuzz", {"openssl", "linux"});
    } catch (const ashlar::Error&) {
    }
    return 0;
}
