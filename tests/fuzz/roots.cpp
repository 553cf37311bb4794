#include <store/roots.hpp>

#include <base/error.hpp>

#include <cstdint>
#include <cstdlib>

// Whatever is accepted says the same when it is written again.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    try {
        const auto roots = ashlar::store::parse_roots(text, "fuzz");
        if (ashlar::store::parse_roots(ashlar::store::to_text(roots), "fuzz") != roots) std::abort();
    } catch (const ashlar::Error&) {
    }
    return 0;
}
