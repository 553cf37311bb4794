#pragma once

// What TPM register 11 will hold when a UKI has been started, and the signed policies that let a TPM
// release a secret to it (systemd-measure 257, TPM 2.0 part 3, 23.7 TPM2_PolicyPCR). SHA-256 bank only.
//
// A policy is per phase of the boot: a secret bound to "enter-initrd" opens in the initrd and never
// again afterwards.

#include <signing/bytes.hpp>
#include <signing/digest.hpp>
#include <signing/key.hpp>

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ashlar {

// The value when systemd-stub has measured the UKI and before the first phase, where that profile was started
// (signing/uki.hpp; 0 where there are none). Throws for what cannot be predicted here: UKIs with automatic device
// trees or hardware ids.
[[nodiscard]] Digest predicted_pcr11(ByteView uki, std::string_view name, std::size_t profile = 0);
// After one more phase word, e.g. "enter-initrd".
[[nodiscard]] Digest extended_by_phase(const Digest& pcr, std::string_view word);

// The phase paths that systemd signs by default: each a prefix of
// enter-initrd:leave-initrd:sysinit:ready.
[[nodiscard]] std::span<const std::string_view> boot_phases();

struct PcrPolicy {
    std::string phase; // "enter-initrd:leave-initrd"
    std::size_t profile;
    Digest pcr11;      // the value then
    Digest policy;     // the digest of TPM2_PolicyPCR over it: the message of a signing request
    Digest digest;     // what the PCR key signs: SHA-256 of `policy`
};
// Of every phase of every profile.
[[nodiscard]] std::vector<PcrPolicy> pcr_policies(ByteView uki, std::string_view name);

// The contents of .pcrsig. `signatures`: one per policy, in their order; each is checked.
[[nodiscard]] std::string attach_pcr_signatures(const std::vector<PcrPolicy>& policies, const PublicKey& key,
                                                const std::vector<Bytes>& signatures);
[[nodiscard]] std::string sign_pcr_policies(const std::vector<PcrPolicy>& policies, const Signer& key);

// Why a UKI's .pcrsig would not open its own secrets; nothing when it holds a right signature by the
// key in .pcrpkey for each boot phase. "it has no .pcrsig" is such a reason.
[[nodiscard]] std::optional<std::string> pcr_signature_fault(ByteView uki, std::string_view name);

} // namespace ashlar
