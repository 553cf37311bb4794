// Requests and answers come from other machines. What is accepted is written again as the same, and can be described.

#include <base/error.hpp>
#include <requests/request.hpp>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string_view>

namespace {

using namespace ashlar;
using namespace ashlar::requests;

void take_request(std::string_view text) {
    try {
        const SigningRequest request = parse_request(text, "input");
        if (text_of(request) != text) std::abort();
        for (const std::string& line : describe(request))
            if (!std::ranges::all_of(line, [](char c) { return c >= ' ' && c <= '~'; })) std::abort();
    } catch (const Error&) {
    }
}

void take_answer(std::string_view text) {
    try {
        if (text_of(parse_answer(text, "input")) != text) std::abort();
    } catch (const Error&) {
    }
}

// The messages alone, since no fuzzer makes canonical JSON inside base64.
void take_message(std::string_view text) {
    for (const Kind kind : {Kind::metadata, Kind::authenticode, Kind::pcr_policy, Kind::uefi_variable, Kind::confirmation}) {
        const ByteView bytes = bytes_of(text);
        SigningRequest request{kind, "input", kind == Kind::metadata || kind == Kind::confirmation ? "ed25519" : "rsa-pkcs1v15-sha256", sha256("key"), "role", {bytes.begin(), bytes.end()}};
        try {
            take_request(text_of(request));
        } catch (const Error&) {
        }
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    take_request(text);
    take_answer(text);
    take_message(text);
    return 0;
}
