#pragma once

// The Secure Boot variables PK, KEK, db and dbx: signature lists (UEFI 2.10, 32.4.1) and the signed
// form in which firmware, systemd-boot and efi-updatevar take them (8.2.2, time-based authentication).
// The page: docs/formats/secure-boot-keys.md.

#include <signing/bytes.hpp>
#include <signing/digest.hpp>
#include <signing/guid.hpp>
#include <signing/key.hpp>

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace ashlar {

// One certificate or one image hash, and who put it there. A hash is the Authenticode digest of an
// image (pe.hpp), not that of its file.
struct TrustedCertificate {
    Guid owner;
    Certificate certificate;
    bool operator==(const TrustedCertificate&) const = default;
};
struct ListedHash {
    Guid owner;
    Digest hash;
    bool operator==(const ListedHash&) const = default;
};
struct SignatureDatabase {
    std::vector<TrustedCertificate> certificates;
    std::vector<ListedHash> hashes;
    bool operator==(const SignatureDatabase&) const = default;
};

// The contents of an .esl file and of the variable. May be empty.
[[nodiscard]] Bytes signature_lists(const SignatureDatabase& database);
// Throws Error `cannot read the signature lists of '<name>': …`; also for kinds that are not listed here.
[[nodiscard]] SignatureDatabase parse_signature_lists(ByteView lists, std::string_view name);

// The SHA-256 image hashes among lists of any kinds: a firmware's dbx has some that nobody here writes. Throws as above for sizes that
// contradict each other.
[[nodiscard]] std::vector<Digest> listed_hashes(ByteView lists, std::string_view name);

enum class SecureBootVariable { platform_key, key_exchange, allowed, forbidden };
[[nodiscard]] std::string_view name_of(SecureBootVariable variable); // "PK", "KEK", "db", "dbx"
// Whose namespace it is in: EFI_GLOBAL_VARIABLE, or EFI_IMAGE_SECURITY_DATABASE_GUID for db and dbx.
[[nodiscard]] Guid vendor_of(SecureBootVariable variable);
// Of each of the four: non-volatile, boot-service and run-time access, time-based authentication.
inline constexpr std::uint32_t secure_boot_attributes = 0x27;
// Which key signs a change of it: PK signs PK and KEK, KEK signs db and dbx.
[[nodiscard]] SecureBootVariable authority_over(SecureBootVariable variable);

enum class VariableWrite {
    replace, // firmware wants a time later than that of the last replacement
    append,  // adds entries; the time plays no part
};

struct VariableUpdate {
    SecureBootVariable variable;
    VariableWrite write = VariableWrite::replace;
    Time time;
    Bytes lists; // signature_lists()
};
// What the key that has authority signs, and its SHA-256, which is what a Signer takes.
[[nodiscard]] Bytes message_of(const VariableUpdate& update);
[[nodiscard]] Digest request_variable(const VariableUpdate& update);
// The other way. Throws Error `cannot read '<name>': …` for anything that message_of() would not write.
[[nodiscard]] VariableUpdate parse_variable_message(ByteView message, std::string_view name);
// The contents of an .auth file. Throws unless `signature` is the certificate's key's over the request.
[[nodiscard]] Bytes attach_variable(const VariableUpdate& update, const Certificate& signer, ByteView signature);
[[nodiscard]] Bytes sign_variable(const VariableUpdate& update, const Identity& authority);
// The signature lists in the contents of an .auth file; who signed it is the firmware's question. Throws Error `cannot read '<name>': …`.
[[nodiscard]] ByteView lists_of_update(ByteView auth, std::string_view name);

// ---- Vendors -----------------------------------------------------------------------------------

// Certificates of others that a server needs: firmware runs the option ROMs of network cards, storage
// controllers and GPUs only when db trusts their signer.
enum class VendorTrust {
    none,        // a machine with an option ROM that matters will not have that device at boot
    option_roms, // the CAs under which option ROMs are signed
    everything,  // also those of other operating systems' boot loaders, and the vendor's KEK
};
struct VendorCertificates {
    std::vector<TrustedCertificate> key_exchange; // for KEK
    std::vector<TrustedCertificate> allowed;      // for db
};
// From the files of `directory` (recipes/keys/uefi). A missing file is an error. They are not checked
// against the clock: firmware does not either, and the older ones have expired.
[[nodiscard]] VendorCertificates load_vendor_certificates(const std::filesystem::path& directory, VendorTrust trust);

} // namespace ashlar
