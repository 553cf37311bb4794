// Release indices come from mirrors and media. What is accepted is written again as the same.

#include <base/error.hpp>
#include <signing/release.hpp>

#include <cstdint>
#include <cstdlib>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace ashlar;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    try {
        const ReleaseIndex index = parse_release_index(text, "input");
        const std::string written = release_index_text(index);
        if (release_index_text(parse_release_index(written, "written")) != written) std::abort();
    } catch (const Error&) {
    }
    return 0;
}
