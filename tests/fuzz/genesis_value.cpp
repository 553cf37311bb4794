// A genesis value, as whoever holds the site key may propose it: a value or a refusal.

#include <base/error.hpp>
#include <genesis/value.hpp>
#include <signing/node_id.hpp>

#include <cstdint>
#include <cstdlib>

using namespace ashlar;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const SigningKey key = SigningKey::generate(site_scheme);
    // Nobody who does not have this process's key can have sealed the authority's to it and named it.
    if (std::holds_alternative<genesis::Value>(genesis::check({reinterpret_cast<const char*>(data), size}, {.site = {}, .key = key}))) std::abort();
    return 0;
}
