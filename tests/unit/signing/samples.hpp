#pragma once

// What the tests of this module share: small images and keys, all made here.

#include "../../support/error_of.hpp"

#include <base/error.hpp>
#include <signing/bytes.hpp>
#include <signing/image_signer.hpp>
#include <signing/key.hpp>
#include <signing/pe.hpp>

#include <algorithm>
#include <array>
#include <functional>
#include <memory>
#include <string>

namespace samples {

using namespace ashlar;

inline constexpr Time start{std::chrono::seconds(1'700'000'000)}; // 2023-11-14 22:13:20 UTC
inline constexpr Time end = start + std::chrono::years(10);

// An EFI application for x86-64 with room for more sections: .text (a `ret`), .sbat and .sdmagic.
inline Bytes efi_image(std::string_view sbat = "sbat,1,SBAT Version,sbat,1,https://example.org/\nstub,1,Example,stub,1,https://example.org/\n") {
    constexpr std::size_t headers = 0x600, optional = 0x98, table = optional + 240;
    Bytes image(headers);
    const auto put = [&]<typename Number>(std::size_t at, Number number) { put_little_endian(std::span(image), at, number); };
    put(0, std::uint16_t{0x5a4d});
    put(60, std::uint32_t{0x80});
    put(0x80, std::uint32_t{0x4550});
    put(0x84, std::uint16_t{0x8664});
    put(0x84 + 16, std::uint16_t{240});
    put(0x84 + 18, std::uint16_t{0x22e});
    put(optional, std::uint16_t{0x020b});
    put(optional + 4, std::uint32_t{0x200});
    put(optional + 16, std::uint32_t{0x1000});
    put(optional + 20, std::uint32_t{0x1000});
    put(optional + 32, std::uint32_t{0x1000});
    put(optional + 36, std::uint32_t{0x200});
    put(optional + 56, std::uint32_t{0x1000});
    put(optional + 60, static_cast<std::uint32_t>(headers));
    put(optional + 68, std::uint16_t{10});
    put(optional + 70, std::uint16_t{0x160});
    put(optional + 108, std::uint32_t{16});
    static_assert(table + 16 * 40 < headers);
    const Bytes code{std::byte{0xc3}};
    std::vector<NewSection> sections{{".text", code, 0x60000020},
                                     {".sdmagic", bytes_of("#### LoaderInfo: systemd-stub 257 ####")}};
    if (!sbat.empty()) sections.insert(sections.begin() + 1, {".sbat", bytes_of(sbat)});
    return append_sections(std::move(image), sections, "stub");
}

// The stub of an add-on has no .sbat.
inline Bytes addon_stub() { return efi_image({}); }

// Made once a run: RSA keys are slow to make.
inline std::shared_ptr<const PrivateKey> key(std::size_t which = 0) {
    static const std::array<std::shared_ptr<const PrivateKey>, 2> keys{
        std::make_shared<const PrivateKey>(PrivateKey::generate(RsaBits::rsa2048)),
        std::make_shared<const PrivateKey>(PrivateKey::generate(RsaBits::rsa2048))};
    return keys.at(which);
}

inline Identity identity(std::size_t which = 0, CertificateUse use = CertificateUse::code_signing) {
    return {key(which), make_self_signed(*key(which), {"Example", "Example signing " + std::to_string(which), use, start, end})};
}

inline KeysAtHand keys_at_hand(std::size_t db = 0, std::size_t pcr = 1) {
    return KeysAtHand({.db = identity(db).certificate, .pcr = key(pcr)->public_key(), .db_key = key(db), .pcr_key = key(pcr)});
}

// The complete text of the Error that `body` throws, or "no error".
using ashlar::error_of;

} // namespace samples
