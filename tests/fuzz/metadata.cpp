// Release metadata, from whoever brings it: refused, or read to the same again after it was written, with the same bytes to
// be signed.

#include <base/error.hpp>
#include <tuf/metadata.hpp>

#include <algorithm>
#include <cstdint>
#include <cstdlib>

using namespace ashlar;
using namespace ashlar::tuf;

namespace {

template <typename Read>
void read_twice(const Envelope& envelope, Read read) try {
    const Json written = json_of(read(envelope, "input"));
    if (json_of(read(Envelope{.signed_part = written}, "again")) != written) std::abort();
} catch (const MetadataError& error) {
    if (error.message().starts_with("cannot read 'again'")) std::abort();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Envelope envelope;
    try {
        envelope = parse_envelope({reinterpret_cast<const char*>(data), size}, "input");
    } catch (const MetadataError&) { // refused
        return 0;
    }
    const std::string text = text_of(envelope);
    if (parse_envelope(text, "again").signed_bytes() != envelope.signed_bytes()) std::abort();
    // Control characters stand for themselves there: then it is no JSON.
    const std::string bytes = envelope.signed_bytes();
    const bool is_json = std::ranges::none_of(bytes, [](char c) { return static_cast<unsigned char>(c) < ' '; });
    if (is_json && parse_strict_json(bytes, "canonical") != envelope.signed_part) std::abort();
    read_twice(envelope, root_of);
    read_twice(envelope, timestamp_of);
    read_twice(envelope, snapshot_of);
    read_twice(envelope, targets_of);
    read_twice(envelope, bundle_of);
    return 0;
}
