#include <signing/uefi_variables.hpp>

#include "der.hpp"
#include "pkcs7.hpp"

#include <base/error.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <fmt/format.h>

namespace ashlar {

namespace fs = std::filesystem;

namespace {

const Guid certificate_list = *Guid::from_text("a5c059a1-94e4-4aa7-87b5-ab155c2bf072"); // EFI_CERT_X509_GUID
const Guid hash_list = *Guid::from_text("c1c41626-504c-4092-aca9-41f936934328");        // EFI_CERT_SHA256_GUID
const Guid pkcs7_type = *Guid::from_text("4aafd29d-68df-49ee-8aa9-347d375665a7");       // EFI_CERT_TYPE_PKCS7_GUID

constexpr std::size_t list_header = 28; // type, list size, header size, entry size

// ---- Signature lists ---------------------------------------------------------------------------

void append_list_header(Bytes& to, const Guid& type, std::size_t entry_size, std::size_t entries) {
    append(to, type.efi_bytes());
    append_little_endian(to, static_cast<std::uint32_t>(list_header + entry_size * entries));
    append_little_endian(to, std::uint32_t{0});
    append_little_endian(to, static_cast<std::uint32_t>(entry_size));
}

// Calls `add` with the kind of each list and each of its entries.
class ListParser {
public:
    ListParser(ByteView rest, std::string_view name) : rest_(rest), name_(name) {}

    template <typename Add> void parse(Add&& add) {
        while (!rest_.empty()) list(add);
    }
    [[nodiscard]] Error refusal(std::string_view cause) const {
        return Error(fmt::format("cannot read the signature lists of '{}': {}", name_, cause));
    }
    [[nodiscard]] static Guid guid_at(ByteView bytes) {
        Guid::Bytes guid{};
        std::copy_n(bytes.begin(), Guid::size, guid.begin());
        return Guid::from_efi_bytes(guid);
    }

private:
    template <typename Add> void list(Add& add) {
        if (rest_.size() < list_header) throw refusal("a list ends inside its header");
        const Guid type = guid_at(rest_);
        const std::size_t size = *little_endian_at<std::uint32_t>(rest_, 16);
        const std::size_t header = *little_endian_at<std::uint32_t>(rest_, 20);
        const std::size_t entry = *little_endian_at<std::uint32_t>(rest_, 24);
        if (size > rest_.size() || size < list_header || header > size - list_header || entry <= Guid::size ||
            (size - list_header - header) % entry != 0)
            throw refusal("the sizes of a list contradict each other");
        for (ByteView entries = rest_.subspan(list_header + header, size - list_header - header); !entries.empty();
             entries = entries.subspan(entry))
            add(type, entries.first(entry));
        rest_ = rest_.subspan(size);
    }

    ByteView rest_;
    std::string_view name_;
};

std::optional<Digest> hash_in(const Guid& type, ByteView entry) {
    if (type != hash_list || entry.size() != Guid::size + Digest::size) return std::nullopt;
    Digest::Bytes bytes{};
    std::ranges::copy(entry.subspan(Guid::size), bytes.begin());
    return Digest(bytes);
}

} // namespace

Bytes signature_lists(const SignatureDatabase& database) {
    Bytes lists;
    // Entries of a list have one size, so each certificate has a list of its own.
    for (const auto& [owner, certificate] : database.certificates) {
        append_list_header(lists, certificate_list, Guid::size + certificate.der().size(), 1);
        append(lists, owner.efi_bytes());
        append(lists, certificate.der());
    }
    if (database.hashes.empty()) return lists;
    append_list_header(lists, hash_list, Guid::size + Digest::size, database.hashes.size());
    for (const auto& [owner, hash] : database.hashes) {
        append(lists, owner.efi_bytes());
        append(lists, hash.bytes());
    }
    return lists;
}

SignatureDatabase parse_signature_lists(ByteView lists, std::string_view name) {
    SignatureDatabase database;
    ListParser parser(lists, name);
    parser.parse([&](const Guid& type, ByteView entry) {
        const Guid owner = ListParser::guid_at(entry);
        if (type == certificate_list)
            database.certificates.push_back({owner, Certificate::from_der(entry.subspan(Guid::size), name)});
        else if (const auto hash = hash_in(type, entry))
            database.hashes.push_back({owner, *hash});
        else
            throw parser.refusal(fmt::format("a list of kind {} is not known here", type.text()));
    });
    return database;
}

std::vector<Digest> listed_hashes(ByteView lists, std::string_view name) {
    std::vector<Digest> hashes;
    ListParser(lists, name).parse([&](const Guid& type, ByteView entry) {
        if (const auto hash = hash_in(type, entry)) hashes.push_back(*hash);
    });
    return hashes;
}

// ---- Authenticated variables -------------------------------------------------------------------

std::string_view name_of(SecureBootVariable variable) {
    switch (variable) {
    case SecureBootVariable::platform_key: return "PK";
    case SecureBootVariable::key_exchange: return "KEK";
    case SecureBootVariable::allowed: return "db";
    case SecureBootVariable::forbidden: return "dbx";
    }
    std::abort();
}

Guid vendor_of(SecureBootVariable variable) {
    const bool is_key = variable == SecureBootVariable::platform_key || variable == SecureBootVariable::key_exchange;
    return *Guid::from_text(is_key ? "8be4df61-93ca-11d2-aa0d-00e098032b8c" : "d719b2cb-3d3a-4596-a3bc-dad00e67656f");
}

SecureBootVariable authority_over(SecureBootVariable variable) {
    const bool keys = variable == SecureBootVariable::platform_key || variable == SecureBootVariable::key_exchange;
    return keys ? SecureBootVariable::platform_key : SecureBootVariable::key_exchange;
}

namespace {

constexpr std::uint32_t append_write = 0x40;
constexpr std::uint16_t win_certificate_revision = 0x0200, win_certificate_efi_guid = 0x0ef1;
constexpr std::size_t win_certificate_header = 8;

// EFI_TIME with everything but date and time of day zero, as authentication requires.
Bytes efi_time(Time time) {
    const auto day = std::chrono::floor<std::chrono::days>(time);
    const std::chrono::year_month_day date(day);
    const std::chrono::hh_mm_ss clock(time - day);
    Bytes bytes;
    append_little_endian(bytes, static_cast<std::uint16_t>(static_cast<int>(date.year())));
    for (const auto number : {static_cast<long>(static_cast<unsigned>(date.month())), static_cast<long>(static_cast<unsigned>(date.day())),
                              clock.hours().count(), clock.minutes().count(), clock.seconds().count()})
        bytes.push_back(static_cast<std::byte>(number));
    bytes.resize(16);
    return bytes;
}

Bytes place_of(SecureBootVariable variable) {
    Bytes bytes;
    for (const char c : name_of(variable)) append_little_endian(bytes, static_cast<std::uint16_t>(c));
    append(bytes, vendor_of(variable).efi_bytes());
    return bytes;
}

// Nothing for a date or time of day that does not exist.
std::optional<Time> time_at(ByteView bytes) {
    const auto small = [&](std::size_t at) { return std::to_integer<unsigned>(bytes[at]); };
    const std::chrono::year_month_day date{std::chrono::year(*little_endian_at<std::uint16_t>(bytes, 0)), std::chrono::month(small(2)),
                                           std::chrono::day(small(3))};
    if (!date.ok() || small(4) > 23 || small(5) > 59 || small(6) > 59) return std::nullopt;
    return std::chrono::sys_days(date) + std::chrono::hours(small(4)) + std::chrono::minutes(small(5)) + std::chrono::seconds(small(6));
}

} // namespace

Bytes message_of(const VariableUpdate& update) {
    Bytes bytes = place_of(update.variable);
    append_little_endian(bytes, secure_boot_attributes | (update.write == VariableWrite::append ? append_write : 0U));
    append(bytes, efi_time(update.time));
    append(bytes, update.lists);
    return bytes;
}

Digest request_variable(const VariableUpdate& update) { return sha256(message_of(update)); }

VariableUpdate parse_variable_message(ByteView message, std::string_view name) {
    using enum SecureBootVariable;
    constexpr std::size_t attributes = 4, time = 16;
    for (const SecureBootVariable variable : {platform_key, key_exchange, allowed, forbidden}) {
        const Bytes place = place_of(variable);
        if (message.size() < place.size() + attributes + time || !std::ranges::equal(message.first(place.size()), place)) continue;
        const ByteView rest = message.subspan(place.size());
        const auto when = time_at(rest.subspan(attributes, time));
        const ByteView lists = rest.subspan(attributes + time);
        if (!when) break;
        VariableUpdate update{variable, (*little_endian_at<std::uint32_t>(rest, 0) & append_write) != 0 ? VariableWrite::append : VariableWrite::replace,
                              *when, {lists.begin(), lists.end()}};
        (void)parse_signature_lists(update.lists, name);
        if (std::ranges::equal(message_of(update), message)) return update;
        break;
    }
    throw Error(fmt::format("cannot read '{}': it is not an update of PK, KEK, db or dbx", name));
}

Bytes attach_variable(const VariableUpdate& update, const Certificate& signer, ByteView signature) {
    pkcs7::check_answer(signer, request_variable(update), signature, name_of(update.variable));
    // SignedData alone and no attributes: EDK II looks for SHA-256 at a fixed place in it.
    const Bytes detached = der::element(der::Tag::sequence, {der::object_identifier(pkcs7::data)});
    const Bytes signed_data = pkcs7::signed_data(detached, signer, {}, signature);
    Bytes bytes = efi_time(update.time);
    append_little_endian(bytes, static_cast<std::uint32_t>(win_certificate_header + Guid::size + signed_data.size()));
    append_little_endian(bytes, win_certificate_revision);
    append_little_endian(bytes, win_certificate_efi_guid);
    append(bytes, pkcs7_type.efi_bytes());
    append(bytes, signed_data);
    append(bytes, update.lists);
    return bytes;
}

Bytes sign_variable(const VariableUpdate& update, const Identity& authority) {
    return attach_variable(update, authority.certificate, authority.signer->sign(request_variable(update)));
}

ByteView lists_of_update(ByteView auth, std::string_view name) {
    const auto refuse = [&](std::string_view cause) { return Error(fmt::format("cannot read '{}': {}", name, cause)); };
    constexpr std::size_t time = 16, certificate = win_certificate_header + Guid::size;
    if (auth.size() < time + certificate) throw refuse("it ends inside its header");
    const std::size_t size = *little_endian_at<std::uint32_t>(auth, time);
    const bool known = *little_endian_at<std::uint16_t>(auth, time + 4) == win_certificate_revision && *little_endian_at<std::uint16_t>(auth, time + 6) == win_certificate_efi_guid &&
                       std::ranges::equal(auth.subspan(time + win_certificate_header, Guid::size), pkcs7_type.efi_bytes());
    if (!known) throw refuse("it is not a signed update of a firmware's variable");
    if (size < certificate || size > auth.size() - time) throw refuse("its signature is longer than it is");
    return auth.subspan(time + size);
}

// ---- Vendors -----------------------------------------------------------------------------------

namespace {

const Guid microsoft = *Guid::from_text("77fa9abd-0359-4d32-bd60-28f4e78f784b");

struct VendorFile {
    std::string_view name;
    VendorTrust least; // loaded from this much trust on
    SecureBootVariable variable;
};
constexpr std::array vendor_files{
    VendorFile{"microsoft-uefi-ca-2011.pem", VendorTrust::option_roms, SecureBootVariable::allowed},
    VendorFile{"microsoft-option-rom-uefi-ca-2023.pem", VendorTrust::option_roms, SecureBootVariable::allowed},
    VendorFile{"microsoft-uefi-ca-2023.pem", VendorTrust::everything, SecureBootVariable::allowed},
    VendorFile{"microsoft-windows-production-pca-2011.pem", VendorTrust::everything, SecureBootVariable::allowed},
    VendorFile{"microsoft-windows-uefi-ca-2023.pem", VendorTrust::everything, SecureBootVariable::allowed},
    VendorFile{"microsoft-kek-ca-2011.pem", VendorTrust::everything, SecureBootVariable::key_exchange},
    VendorFile{"microsoft-kek-ca-2023.pem", VendorTrust::everything, SecureBootVariable::key_exchange},
};

} // namespace

VendorCertificates load_vendor_certificates(const fs::path& directory, VendorTrust trust) {
    VendorCertificates found;
    for (const VendorFile& file : vendor_files) {
        if (file.least > trust) continue;
        auto& list = file.variable == SecureBootVariable::allowed ? found.allowed : found.key_exchange;
        list.push_back({microsoft, Certificate::load(directory / file.name)});
    }
    return found;
}

} // namespace ashlar
