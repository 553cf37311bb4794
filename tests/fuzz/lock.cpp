#include <lock/lock.hpp>

#include <base/error.hpp>

#include <cstdint>
#include <cstdlib>

// Whatever is accepted is the one text of what was read.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    try {
        if (ashlar::lock::to_text(ashlar::lock::parse(text, "fuzz")) != text) std::abort();
    } catch (const ashlar::Error&) {
    }
    return 0;
}
