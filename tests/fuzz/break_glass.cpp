// Break-glass tokens, pasted by whoever sits at a console: refused, or written again as they were read.

#include <base/error.hpp>
#include <signing/break_glass.hpp>

#include <cstdint>
#include <cstdlib>

using namespace ashlar;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view file(reinterpret_cast<const char*>(data), size);
    try {
        const SignedBreakGlass read = parse_break_glass(file);
        if (text_of(read.token) != read.text || !file.starts_with(read.text)) std::abort();
    } catch (const Error&) { // refused
    }
    return 0;
}
