// PE images come from packages and from disks that somebody else may have written. Whatever the bytes
// are: an answer or an Error, and what was accepted must hold together.

#include <base/error.hpp>
#include <signing/authenticode.hpp>
#include <signing/pcr.hpp>
#include <signing/pe.hpp>
#include <signing/uki.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>

using namespace ashlar;

namespace {

template <typename Body>
void attempt(const Body& body) {
    try {
        body();
    } catch (const Error&) {
    }
}

void require(bool held) {
    if (!held) std::abort();
}

void layout(ByteView image) {
    const PeLayout parsed = parse_pe(image, "image");
    for (const PeSection& section : parsed.sections) (void)section_content(image, section);
    (void)certificate_table(image, parsed, "image");
}

void sections(ByteView image) {
    const std::string_view content = "content";
    const Bytes grown = append_sections({image.begin(), image.end()}, {{".new", bytes_of(content)}}, "image");
    require(text_of(section_content(grown, parse_pe(grown, "grown").sections.back())) == content);
}

// Adding a certificate changes nothing that the digest covers.
void certificates(ByteView image) {
    const Digest before = authenticode_digest(image, parse_pe(image, "image"));
    const Bytes grown = append_certificate({image.begin(), image.end()}, bytes_of("0"), "image");
    require(authenticode_digest(grown, parse_pe(grown, "grown")) == before);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const ByteView image = std::as_bytes(std::span(data, size));
    attempt([&] { layout(image); });
    attempt([&] { sections(image); });
    attempt([&] { certificates(image); });
    attempt([&] { (void)verify_authenticode(image, {}, "image"); });
    attempt([&] { (void)read_uki(image, "image"); });
    attempt([&] { (void)pcr_signature_fault(image, "image"); });
    return 0;
}
