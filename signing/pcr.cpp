#include <signing/pcr.hpp>

#include "der.hpp"
#include "profiles.hpp"

#include <base/error.hpp>
#include <base/json.hpp>
#include <base/text.hpp>
#include <signing/base64.hpp>
#include <signing/pe.hpp>

#include <algorithm>
#include <array>
#include <fmt/format.h>

namespace ashlar {

namespace {

// The order in which the stub measures them, whatever their order in the file. .pcrsig is not among
// them: it depends on the result.
constexpr std::array<std::string_view, 11> measured{".linux", ".osrel", ".cmdline", ".initrd", ".ucode",  ".splash",
                                                    ".dtb",   ".uname", ".sbat",    ".pcrpkey", profile_section};
constexpr std::array<std::string_view, 2> unpredictable{".dtbauto", ".hwids"};

constexpr std::array<std::string_view, 4> phases{"enter-initrd", "enter-initrd:leave-initrd",
                                                 "enter-initrd:leave-initrd:sysinit",
                                                 "enter-initrd:leave-initrd:sysinit:ready"};

Digest extended(const Digest& pcr, const Digest& event) {
    Hasher hasher;
    hasher.update(pcr.bytes());
    hasher.update(event.bytes());
    return hasher.finish();
}

Digest digest_of_name(std::string_view section) {
    std::string name(section);
    name += '\0';
    return sha256(name);
}

// TPM2_PolicyPCR on an empty session: H(zeros ‖ TPM_CC_PolicyPCR ‖ TPML_PCR_SELECTION ‖ H(PCR 11)).
// The selection: one bank, TPM_ALG_SHA256, three bytes of bitmap, bit 11. TPM numbers are big-endian.
Digest policy_pcr(const Digest& pcr11) {
    constexpr std::array<unsigned char, 4> command{0x00, 0x00, 0x01, 0x7f};
    constexpr std::array<unsigned char, 10> selection{0, 0, 0, 1, 0x00, 0x0b, 3, 0x00, 0x08, 0x00};
    Hasher hasher;
    hasher.update(Digest::Bytes{});
    hasher.update(std::as_bytes(std::span(command)));
    hasher.update(std::as_bytes(std::span(selection)));
    hasher.update(sha256(pcr11.bytes()).bytes());
    return hasher.finish();
}

// systemd names a key by the digest of its PKCS #1 form, which is what SubjectPublicKeyInfo wraps in a
// BIT STRING after the algorithm (and a byte "no unused bits").
Digest pkcs1_fingerprint(const PublicKey& key) {
    const ByteView info = der::first(key.der())->contents;
    const auto bits = der::first(info.subspan(der::first(info)->whole.size()));
    return sha256(bits->contents.subspan(1));
}

Json entry(const PcrPolicy& policy, const PublicKey& key, const Bytes& signature) {
    return {{"pcrs", {11}}, {"pkfp", pkcs1_fingerprint(key).hex()}, {"pol", policy.policy.hex()}, {"sig", base64(signature)}};
}

std::string phase_text(const PcrPolicy& policy) {
    return policy.profile == 0 ? fmt::format("phase '{}'", policy.phase) : fmt::format("phase '{}' of profile {}", policy.phase, policy.profile);
}

} // namespace

Digest predicted_pcr11(ByteView uki, std::string_view name, std::size_t profile) {
    const PeLayout layout = parse_pe(uki, name);
    for (const std::string_view section : unpredictable)
        if (find_section(uki, layout, section))
            throw Error(fmt::format("cannot predict PCR 11 of '{}': its section '{}' is chosen at boot", name, section));
    const UkiSections sections = uki_sections(layout);
    if (profile != 0 && profile >= sections.profiles.size())
        throw Error(fmt::format("cannot predict PCR 11 of '{}': it has no profile {}", name, profile));
    Digest pcr{Digest::Bytes{}};
    for (const std::string_view section : measured) {
        const PeSection* found = sections.find(section, profile);
        if (found == nullptr || section_content(uki, *found).empty()) continue;
        pcr = extended(pcr, digest_of_name(section));
        pcr = extended(pcr, sha256(section_content(uki, *found)));
    }
    return pcr;
}

Digest extended_by_phase(const Digest& pcr, std::string_view word) { return extended(pcr, sha256(word)); }

std::span<const std::string_view> boot_phases() { return phases; }

std::vector<PcrPolicy> pcr_policies(ByteView uki, std::string_view name) {
    const std::size_t profiles = std::max<std::size_t>(uki_sections(parse_pe(uki, name)).profiles.size(), 1);
    std::vector<PcrPolicy> policies;
    for (std::size_t profile = 0; profile < profiles; ++profile) {
        const Digest start = predicted_pcr11(uki, name, profile);
        for (const std::string_view phase : phases) {
            Digest pcr = start;
            for (const std::string_view word : split(phase, ':')) pcr = extended_by_phase(pcr, word);
            const Digest policy = policy_pcr(pcr);
            policies.push_back({std::string(phase), profile, pcr, policy, sha256(policy.bytes())});
        }
    }
    return policies;
}

std::string attach_pcr_signatures(const std::vector<PcrPolicy>& policies, const PublicKey& key,
                                  const std::vector<Bytes>& signatures) {
    if (signatures.size() != policies.size())
        throw Error(fmt::format("cannot attach PCR signatures: there are {} for {} policies", signatures.size(), policies.size()));
    Json entries = Json::array();
    for (std::size_t i = 0; i < policies.size(); ++i) {
        if (!key.verifies(policies[i].digest, signatures[i]))
            throw Error(fmt::format("cannot attach the PCR signature for {}: it is not the PCR key's over this policy",
                                    phase_text(policies[i])),
                        "sign the request again with the key whose public half is in .pcrpkey");
        entries.push_back(entry(policies[i], key, signatures[i]));
    }
    return Json{{"sha256", entries}}.dump();
}

std::string sign_pcr_policies(const std::vector<PcrPolicy>& policies, const Signer& key) {
    std::vector<Bytes> signatures;
    for (const PcrPolicy& policy : policies) signatures.push_back(key.sign(policy.digest));
    return attach_pcr_signatures(policies, key.public_key(), signatures);
}

// ---- Checking ----------------------------------------------------------------------------------

namespace {

std::string string_in(const Json& object, const char* key) {
    const auto found = object.is_object() ? object.find(key) : object.end();
    return object.is_object() && found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

bool holds(const Json& entries, const PcrPolicy& policy, const PublicKey& key) {
    return std::any_of(entries.begin(), entries.end(), [&](const Json& one) {
        const auto signature = from_base64(string_in(one, "sig"));
        return string_in(one, "pol") == policy.policy.hex() && string_in(one, "pkfp") == pkcs1_fingerprint(key).hex() &&
               one.value("pcrs", Json()) == Json::array({11}) && signature && key.verifies(policy.digest, *signature);
    });
}

} // namespace

std::optional<std::string> pcr_signature_fault(ByteView uki, std::string_view name) {
    const PeLayout layout = parse_pe(uki, name);
    const auto key_text = find_section(uki, layout, ".pcrpkey"), signatures = find_section(uki, layout, ".pcrsig");
    if (!key_text) return "it has no .pcrpkey";
    if (!signatures) return "it has no .pcrsig";
    const PublicKey key = PublicKey::from_pem(text_of(*key_text), fmt::format("{}: .pcrpkey", name));
    const Json parsed = parse_json(text_of(*signatures), fmt::format("{}: .pcrsig", name));
    const Json entries = parsed.is_object() ? parsed.value("sha256", Json::array()) : Json::array();
    for (const PcrPolicy& policy : pcr_policies(uki, name))
        if (!holds(entries, policy, key)) return fmt::format("its .pcrsig has no right signature for {}", phase_text(policy));
    return std::nullopt;
}

} // namespace ashlar
