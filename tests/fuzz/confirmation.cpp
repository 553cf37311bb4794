// Confirmations come from strangers. What is accepted is written again as the same, and can be described.

#include <base/error.hpp>
#include <confirmation/confirmation.hpp>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string_view>

namespace {

using namespace ashlar;

void take_message(std::string_view text) {
    try {
        const auto confirmation = confirmation::read_message(text, "input");
        if (confirmation::message_of(confirmation) != text) std::abort();
        for (const auto& line : confirmation::describe(confirmation))
            if (!std::ranges::all_of(line, [](char c) { return c >= ' ' && c <= '~'; })) std::abort();
    } catch (const Error&) {
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    take_message(text);
    try {
        (void)confirmation::parse(text, "input");
    } catch (const Error&) {
    }
    return 0;
}
