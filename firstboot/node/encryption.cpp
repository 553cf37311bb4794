#include "encryption.hpp"

#include <base/error.hpp>
#include <base/file.hpp>
#include <base/process.hpp>
#include <base/random.hpp>
#include <base/text.hpp>
#include <node/running.hpp>
#include <signing/base64.hpp>
#include <signing/sealing.hpp>

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace ashlar::node {

namespace fs = std::filesystem;

namespace {

// The stub puts them there; systemd's programs would look elsewhere by themselves.
constexpr const char* policy_key_in_initrd = "/.extra/tpm2-pcr-public-key.pem";
constexpr const char* signature_in_initrd = "/.extra/tpm2-pcr-signature.json";
constexpr const char* policy_key = "/run/ashlar/tpm2-pcr-public-key.pem";

constexpr const char* pcr12 = "/sys/class/tpm/tpm0/pcr-sha256/12";

// Groups of eight, for those who must type it: "0f1e2d3c-…".
std::string random_text() {
    std::array<std::byte, 32> random{};
    fill_with_random(random);
    const std::string hex = to_hex(random);
    std::string text;
    for (std::size_t i = 0; i < hex.size(); i += 8) text += (i == 0 ? "" : "-") + hex.substr(i, 8);
    return text;
}

// A cipher is chosen when the device is opened, and the processor's own is some ten times faster.
void load_ciphers_of_processor() {
    constexpr const char* processor = "/sys/devices/system/cpu/modalias";
    if (fs::exists(processor)) (void)run({.argv = {"modprobe", "--quiet", std::string(trim(read_file(processor)))}});
}

bool is_untouched(std::string_view pcr) { return !pcr.empty() && pcr.find_first_not_of('0') == pcr.npos; }

} // namespace

RecoveryKey::RecoveryKey(const fs::path& file) : file_(file), text_(random_text()) { write_file(file_, text_, 0600); }

RecoveryKey::~RecoveryKey() {
    std::error_code ignored;
    fs::remove(file_, ignored);
}

Json RecoveryKey::sealed_to(const PublicKey& site) const {
    return {{"algorithm", sealing_algorithm}, {"key", "sha256:" + site.fingerprint().hex()}, {"site_key", site.pem()}, {"recovery", base64(seal(site, bytes_of(text_)))}};
}

void keep_policy_key() {
    if (!fs::exists(policy_key_in_initrd)) return;
    fs::create_directories(fs::path(policy_key).parent_path());
    write_file(policy_key, read_file(policy_key_in_initrd));
}

std::optional<std::string> unlock_by_tpm(const fs::path& device, VarAccess access) {
    load_ciphers_of_processor();
    const Outcome outcome = run({.argv = {"systemd-cryptsetup", "attach", "var", device.native(), "-",
                                          fmt::format("tpm2-device=auto,tpm2-signature={},headless=1,tries=1{}", signature_in_initrd,
                                                      access == VarAccess::read_only ? ",read-only" : "")}});
    if (outcome.ok()) return std::nullopt;
    std::string reason(trim(outcome.errors));
    std::ranges::replace(reason, '\n', ';');
    return reason.empty() ? "it gives no reason" : reason;
}

void enrol_tpm(const fs::path& device, const fs::path& key_file) {
    if (!fs::exists(policy_key)) throw Error("cannot encrypt /var: the image has no key for its PCR policy", "build it with a key directory that has pcr.key");
    // A wrong key must not cost the binding that there is.
    run_checked({.argv = {"cryptsetup", "open", "--test-passphrase", "--key-file=" + key_file.native(), device.native()}});
    const std::string unlock = "--unlock-key-file=" + key_file.native();
    // By itself: what another TPM sealed under the same policy counts as enrolled already, and would stay.
    run_checked({.argv = {"systemd-cryptenroll", unlock, "--wipe-slot=tpm2", device.native()}});
    const auto enrol = [&](const std::string& pcrs) {
        run_checked({.argv = {"systemd-cryptenroll", unlock, "--tpm2-device=auto", "--tpm2-pcrs=" + pcrs, fmt::format("--tpm2-public-key={}", policy_key),
                              "--tpm2-public-key-pcrs=11", device.native()}});
    };
    enrol("7+12");
    if (is_untouched(trim(read_file(pcr12)))) enrol(fmt::format("7+12:sha256={}", rescue_pcr12().hex()));
}

} // namespace ashlar::node
