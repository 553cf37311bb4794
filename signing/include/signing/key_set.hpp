#pragma once

// The keys of an image builder on disk: a directory, mode 0700, with
//
//     PK.key PK.pem     platform key: owns the machine, signs PK and KEK
//     KEK.key KEK.pem   key exchange key: signs db and dbx
//     db.key db.pem     signs what boots: boot loader, UKIs, add-ons
//     pcr.key pcr.pem   signs PCR policies (pcr.pem is its public key)
//     owner             the GUID that marks our entries in the variables
//
// Private keys have mode 0600. In operation PK and KEK belong on another machine; nothing in a build
// needs them once the .auth files are made. db.key and pcr.key may be elsewhere as well, each by itself:
// then somebody answers signing requests.

#include <signing/guid.hpp>
#include <signing/key.hpp>
#include <signing/uefi_variables.hpp>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace ashlar {

struct KeySetRequest {
    std::string organisation; // in every certificate
    Time not_before;
    Time not_after;
    RsaBits bits = RsaBits::rsa2048; // of PK, KEK and db; the PCR key always has 2048, which every TPM takes
};

// Makes `directory`, complete or not at all. Refuses one that is there.
void create_key_set(const std::filesystem::path& directory, const KeySetRequest& request);

// What every build needs, and may lie without PK and KEK.
struct BuildKeys {
    Certificate db;
    PublicKey pcr;
    std::shared_ptr<const Signer> db_key, pcr_key; // null: elsewhere
};
enum class PrivateHalves { required, may_be_elsewhere };
// What making or changing the variables needs.
struct EnrolmentKeys {
    Identity platform_key;
    Identity key_exchange;
    Certificate db;
    Guid owner;
};

// Both refuse, before anything else happens, what is missing (all of it by name), readable by others,
// mismatched, or not valid at `now`.
[[nodiscard]] BuildKeys load_build_keys(const std::filesystem::path& directory, Time now, PrivateHalves halves = PrivateHalves::required);
[[nodiscard]] EnrolmentKeys load_enrolment_keys(const std::filesystem::path& directory, Time now);

// PK, KEK, db and dbx as files, each as <name>.auth (signed, for systemd-boot's loader/keys/auto and for
// efi-updatevar) and <name>.esl (for a firmware's own menu).
struct VariableFile {
    std::string name; // "db.auth"
    Bytes contents;
};
// `forbidden`: Authenticode digests of images that must not start. With some there is also
// "dbx-append.auth", as make_revocation() makes it. With none there is no dbx file: replacing a vendor's
// dbx by an empty one would un-revoke what the vendor has revoked.
[[nodiscard]] std::vector<VariableFile> make_variable_files(const EnrolmentKeys& keys, const VendorCertificates& vendors,
                                                            const std::vector<Digest>& forbidden, Time time);
void write_variable_files(const std::filesystem::path& directory, const std::vector<VariableFile>& files);

// An update that adds `forbidden` to whatever dbx holds (to be written with the append attribute), and the same before it is signed.
[[nodiscard]] Bytes make_revocation(const EnrolmentKeys& keys, const std::vector<Digest>& forbidden, Time time);
[[nodiscard]] VariableUpdate revocation(const Guid& owner, const std::vector<Digest>& forbidden, Time time);

// What a revocation needs: KEK.pem and owner, which are public; KEK.key may be elsewhere.
struct RevocationKeys {
    Certificate key_exchange;
    Guid owner;
    std::shared_ptr<const Signer> signer; // null: it is elsewhere, or encrypted
};
[[nodiscard]] RevocationKeys load_revocation_keys(const std::filesystem::path& directory, Time now);

} // namespace ashlar
