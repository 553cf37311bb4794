#include <signing/key_set.hpp>

#include <base/error.hpp>
#include <base/file.hpp>
#include <base/text.hpp>
#include <signing/message_key.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <fmt/format.h>
#include <span>

namespace ashlar {

namespace fs = std::filesystem;

namespace {

struct KeyFile {
    std::string_view name;
    std::string_view title; // after the organisation's name in the certificate
    CertificateUse use;
};
constexpr std::array certified_keys{
    KeyFile{"PK", "Platform Key", CertificateUse::key_exchange},
    KeyFile{"KEK", "Key Exchange Key", CertificateUse::key_exchange},
    KeyFile{"db", "Image Signing", CertificateUse::code_signing},
};

fs::path key_file(const fs::path& directory, std::string_view name) { return directory / fmt::format("{}.key", name); }
fs::path public_file(const fs::path& directory, std::string_view name) { return directory / fmt::format("{}.pem", name); }

// Random would do as well; the key is random already. Marked as a random UUID (version 4).
Guid owner_of(const PublicKey& platform_key) {
    Guid::Bytes bytes{};
    std::copy_n(platform_key.fingerprint().bytes().begin(), Guid::size, bytes.begin());
    bytes[6] = (bytes[6] & std::byte{0x0f}) | std::byte{0x40};
    bytes[8] = (bytes[8] & std::byte{0x3f}) | std::byte{0x80};
    return Guid(bytes);
}

void check(const KeySetRequest& request) {
    if (request.organisation.empty() || request.organisation.size() > 40)
        throw Error(fmt::format("cannot make a key set: the organisation's name '{}' must have 1 to 40 bytes", request.organisation));
    if (request.not_after <= request.not_before)
        throw Error("cannot make a key set: it would expire before it becomes valid");
}

Error already_there(const fs::path& directory) {
    return Error(fmt::format("cannot make the key set '{}': it is there already", directory.native()),
                 "images signed by the old keys need them; name another directory");
}

// A rename that does not replace what another process has put there meanwhile.
void publish(const fs::path& unfinished, const fs::path& directory) {
    if (::renameat2(AT_FDCWD, unfinished.c_str(), AT_FDCWD, directory.c_str(), RENAME_NOREPLACE) == 0) return;
    if (errno == EEXIST) throw already_there(directory);
    throw system_error("make the key set", directory.native());
}

} // namespace

void create_key_set(const fs::path& directory, const KeySetRequest& request) {
    check(request);
    if (fs::exists(fs::symlink_status(directory))) throw already_there(directory);
    const fs::path parent = directory.has_parent_path() ? directory.parent_path() : fs::path(".");
    fs::create_directories(parent);
    TemporaryDirectory unfinished(parent, ".key-set-");
    for (const KeyFile& file : certified_keys) {
        const PrivateKey key = PrivateKey::generate(request.bits);
        const Certificate certificate =
            make_self_signed(key, {request.organisation, fmt::format("{} {}", request.organisation, file.title), file.use,
                                   request.not_before, request.not_after});
        key.save_new(key_file(unfinished.path(), file.name));
        write_file(public_file(unfinished.path(), file.name), certificate.pem(), 0644, Durability::synced);
        if (file.name == "PK")
            write_file(unfinished.path() / "owner", owner_of(key.public_key()).text() + "\n", 0644, Durability::synced);
    }
    const PrivateKey pcr = PrivateKey::generate(RsaBits::rsa2048);
    pcr.save_new(key_file(unfinished.path(), "pcr"));
    write_file(public_file(unfinished.path(), "pcr"), pcr.public_key().pem(), 0644, Durability::synced);
    publish(unfinished.path(), directory);
    unfinished.keep();
}

// ---- Loading -----------------------------------------------------------------------------------

namespace {

std::vector<std::string> missing_of(std::span<const fs::path> files) {
    std::vector<std::string> missing;
    for (const fs::path& file : files)
        if (!fs::exists(file)) missing.push_back(file.filename().string());
    return missing;
}

Error incomplete(const fs::path& directory, const std::vector<std::string>& missing, std::string hint) {
    return Error(fmt::format("cannot load the key set '{}': {} {} missing", directory.native(), join(missing, ", "),
                             missing.size() == 1 ? "is" : "are"),
                 std::move(hint));
}

void require_files(const fs::path& directory, std::span<const fs::path> files) {
    if (const auto missing = missing_of(files); !missing.empty())
        throw incomplete(directory, missing, fmt::format("`ashlar key new --keys '{}'` makes a key set; --keys names another", directory.native()));
}

Identity load(const fs::path& directory, std::string_view name, Time now) {
    return load_identity(key_file(directory, name), public_file(directory, name), now);
}

std::shared_ptr<const Signer> load_pcr_key(const fs::path& directory, const PublicKey& public_key) {
    const fs::path path = key_file(directory, "pcr");
    auto key = std::make_shared<const PrivateKey>(PrivateKey::load(path));
    if (public_key != key->public_key())
        throw Error(fmt::format("cannot use the public key '{}': it belongs to another key than '{}'", public_file(directory, "pcr").native(),
                                path.native()),
                    "put the files that were made together beside each other");
    return key;
}

Guid load_owner(const fs::path& path) {
    const auto guid = Guid::from_text(trim(read_file(path)));
    if (!guid) throw Error(fmt::format("cannot read the owner '{}': it is not one GUID", path.native()));
    return *guid;
}

} // namespace

BuildKeys load_build_keys(const fs::path& directory, Time now, PrivateHalves halves) {
    const fs::path certificate = public_file(directory, "db"), public_key = public_file(directory, "pcr");
    const std::array private_files{key_file(directory, "db"), key_file(directory, "pcr")};
    if (halves == PrivateHalves::required && fs::exists(certificate) && fs::exists(public_key))
        if (const auto missing = missing_of(private_files); !missing.empty())
            throw incomplete(directory, missing, "where private keys are elsewhere, `ashlar build --requests DIR` asks for signatures; --keys names another key set");
    if (halves == PrivateHalves::required) require_files(directory, std::array{private_files[0], certificate, private_files[1], public_key});
    require_files(directory, std::array{certificate, public_key});

    BuildKeys keys{load_certificate(certificate, now), PublicKey::from_pem(read_file(public_key), public_key.native()), {}, {}};
    if (fs::exists(private_files[0])) keys.db_key = load(directory, "db", now).signer;
    if (fs::exists(private_files[1])) keys.pcr_key = load_pcr_key(directory, keys.pcr);
    return keys;
}

EnrolmentKeys load_enrolment_keys(const fs::path& directory, Time now) {
    require_files(directory, std::array{key_file(directory, "PK"), public_file(directory, "PK"), key_file(directory, "KEK"),
                                        public_file(directory, "KEK"), public_file(directory, "db"), directory / "owner"});
    return {load(directory, "PK", now), load(directory, "KEK", now), Certificate::load(public_file(directory, "db")),
            load_owner(directory / "owner")};
}

RevocationKeys load_revocation_keys(const fs::path& directory, Time now) {
    require_files(directory, std::array{public_file(directory, "KEK"), directory / "owner"});
    RevocationKeys keys{Certificate::load(public_file(directory, "KEK")), load_owner(directory / "owner"), nullptr};
    const fs::path key = key_file(directory, "KEK");
    if (fs::exists(key) && !is_encrypted(key)) keys.signer = load(directory, "KEK", now).signer;
    return keys;
}

// ---- Variables ---------------------------------------------------------------------------------

namespace {

const Identity& authority(const EnrolmentKeys& keys, SecureBootVariable variable) {
    return authority_over(variable) == SecureBootVariable::platform_key ? keys.platform_key : keys.key_exchange;
}

SignatureDatabase with_vendors(TrustedCertificate own, const std::vector<TrustedCertificate>& vendors) {
    SignatureDatabase database{{std::move(own)}, {}};
    database.certificates.insert(database.certificates.end(), vendors.begin(), vendors.end());
    return database;
}

SignatureDatabase hashes_of(const Guid& owner, const std::vector<Digest>& forbidden) {
    SignatureDatabase database;
    for (const Digest& hash : forbidden) database.hashes.push_back({owner, hash});
    return database;
}

} // namespace

std::vector<VariableFile> make_variable_files(const EnrolmentKeys& keys, const VendorCertificates& vendors,
                                              const std::vector<Digest>& forbidden, Time time) {
    std::vector<VariableFile> files;
    const auto add = [&](SecureBootVariable variable, const SignatureDatabase& database) {
        Bytes lists = signature_lists(database);
        files.push_back({fmt::format("{}.auth", name_of(variable)),
                         sign_variable({variable, VariableWrite::replace, time, lists}, authority(keys, variable))});
        files.push_back({fmt::format("{}.esl", name_of(variable)), std::move(lists)});
    };
    add(SecureBootVariable::platform_key, {{{keys.owner, keys.platform_key.certificate}}, {}});
    add(SecureBootVariable::key_exchange,
        with_vendors({keys.owner, keys.key_exchange.certificate}, vendors.key_exchange));
    add(SecureBootVariable::allowed, with_vendors({keys.owner, keys.db}, vendors.allowed));
    if (forbidden.empty()) return files;
    add(SecureBootVariable::forbidden, hashes_of(keys.owner, forbidden));
    files.push_back({"dbx-append.auth", make_revocation(keys, forbidden, time)});
    return files;
}

void write_variable_files(const fs::path& directory, const std::vector<VariableFile>& files) {
    fs::create_directories(directory);
    for (const VariableFile& file : files) write_file(directory / file.name, text_of(file.contents));
}

VariableUpdate revocation(const Guid& owner, const std::vector<Digest>& forbidden, Time time) {
    if (forbidden.empty()) throw Error("cannot make a revocation: no image is named");
    return {SecureBootVariable::forbidden, VariableWrite::append, time, signature_lists(hashes_of(owner, forbidden))};
}

Bytes make_revocation(const EnrolmentKeys& keys, const std::vector<Digest>& forbidden, Time time) {
    return sign_variable(revocation(keys.owner, forbidden, time), keys.key_exchange);
}

} // namespace ashlar
