#include <machine/firmware.hpp>

#include <base/error.hpp>
#include <base/file.hpp>
#include <base/text.hpp>

#include <algorithm>
#include <chrono>
#include <fmt/format.h>
#include <optional>

namespace ashlar::machine {

namespace {

namespace fs = std::filesystem;

// ---- The layout, from EDK II's MdePkg Pi/PiFirmwareVolume.h and MdeModulePkg Guid/VariableFormat.h ----

constexpr std::string_view authenticated_store = "aaf32c78-947b-439a-a180-2e144ec37792";
constexpr std::size_t volume_signature_at = 0x28, volume_header_size_at = 0x30;
constexpr std::size_t store_header_size = 28, store_size_at = 16, store_format_at = 20, store_state_at = 21;
constexpr std::byte store_formatted{0x5a}, store_healthy{0xfe};

constexpr std::size_t variable_header_size = 60;
constexpr std::uint16_t variable_start = 0x55aa;
constexpr std::byte variable_added{0x3f}, erased{0xff};

enum Attribute : std::uint32_t { non_volatile = 1, boot_service = 2, time_authenticated = 0x20 };

constexpr std::string_view secure_boot_enable = "f0a30bc7-af08-4556-99c4-001009c93a44";
constexpr std::string_view custom_mode = "c076ec0c-7028-4399-a072-71ee5c448b9f";

struct Variable {
    std::string name; // ASCII
    Guid vendor;
    std::uint32_t attributes;
    Bytes value;
};

Error not_a_store(std::string_view name, std::string_view why) {
    return Error(fmt::format("cannot read the firmware variables '{}': {}", name, why),
                 "is it the OVMF_VARS file that belongs to the firmware?");
}

// Where variables begin and end.
struct Area {
    std::size_t begin, end;
};

Area area_of(ByteView store, std::string_view name) {
    const auto header = little_endian_at<std::uint16_t>(store, volume_header_size_at);
    if (!header || text_of(store.subspan(volume_signature_at, 4)) != "_FVH") throw not_a_store(name, "it is no firmware volume");
    const auto size = little_endian_at<std::uint32_t>(store, *header + store_size_at);
    if (!size || *header + *size > store.size() || *size < store_header_size) throw not_a_store(name, "it is too short");
    const auto kind = Guid::from_text(authenticated_store)->efi_bytes();
    if (!std::ranges::equal(store.subspan(*header, kind.size()), kind) || store[*header + store_format_at] != store_formatted ||
        store[*header + store_state_at] != store_healthy)
        throw not_a_store(name, "it does not hold authenticated variables");
    return {*header + store_header_size, *header + *size};
}

// Name of the variable at `at` and where the next one begins; nothing at the end of the list.
std::optional<std::pair<std::string, std::size_t>> variable_at(ByteView store, std::size_t at, std::string_view name) {
    if (little_endian_at<std::uint16_t>(store, at) != variable_start) return std::nullopt;
    const auto name_size = little_endian_at<std::uint32_t>(store, at + 36), value_size = little_endian_at<std::uint32_t>(store, at + 40);
    const auto begin = at + variable_header_size;
    if (!name_size || !value_size || std::uint64_t{begin} + *name_size + *value_size > store.size()) throw not_a_store(name, "a variable leaves it");
    std::string text;
    for (std::size_t i = 0; i + 2 < *name_size; i += 2) text += static_cast<char>(store[begin + i]);
    return std::pair{text, static_cast<std::size_t>(round_up(begin + *name_size + *value_size, 4))};
}

// EFI_TIME of an authenticated variable: an update must be later, so this is as early as it can be.
void append_first_moment(Bytes& to) {
    append_little_endian<std::uint16_t>(to, 1970);
    to.push_back(std::byte{1});
    to.push_back(std::byte{1});
    to.resize(to.size() + 12);
}

Bytes encode(const Variable& variable) {
    Bytes out;
    append_little_endian(out, variable_start);
    out.push_back(variable_added);
    out.push_back({});
    append_little_endian(out, variable.attributes);
    append_little_endian<std::uint64_t>(out, 0); // monotonic count
    if (variable.attributes & time_authenticated) append_first_moment(out);
    else out.resize(out.size() + 16);
    append_little_endian<std::uint32_t>(out, 0); // index of a public key
    append_little_endian(out, static_cast<std::uint32_t>(2 * (variable.name.size() + 1)));
    append_little_endian(out, static_cast<std::uint32_t>(variable.value.size()));
    append(out, variable.vendor.efi_bytes());
    for (const char letter : variable.name + '\0') append_little_endian(out, static_cast<std::uint16_t>(letter));
    append(out, variable.value);
    out.resize(round_up(out.size(), 4), erased);
    return out;
}

std::vector<Variable> variables_for(const EnrolledKeys& keys) {
    const auto of_keys = [](SecureBootVariable variable, const SignatureDatabase& database) {
        return Variable{std::string(name_of(variable)), vendor_of(variable), secure_boot_attributes, signature_lists(database)};
    };
    std::vector<Variable> out{of_keys(SecureBootVariable::platform_key, {{keys.platform_key}, {}}), of_keys(SecureBootVariable::key_exchange, keys.key_exchange),
                              of_keys(SecureBootVariable::allowed, keys.allowed)};
    if (keys.forbidden != SignatureDatabase{}) out.push_back(of_keys(SecureBootVariable::forbidden, keys.forbidden));
    out.push_back({"SecureBootEnable", *Guid::from_text(secure_boot_enable), non_volatile | boot_service, {std::byte{1}}});
    out.push_back({"CustomMode", *Guid::from_text(custom_mode), non_volatile | boot_service, {std::byte{0}}});
    return out;
}

Guid load_owner(const fs::path& path) {
    const auto text = read_file(path);
    if (const auto guid = Guid::from_text(trim(text))) return *guid;
    throw Error(fmt::format("cannot read the owner '{}': it is not one GUID", path.native()));
}

} // namespace

Firmware find_firmware(const std::vector<fs::path>& directories) {
    constexpr std::pair<std::string_view, std::string_view> pairs[] = {
        {"OVMF_CODE_4M.secboot.fd", "OVMF_VARS_4M.fd"}, // Debian
        {"OVMF_CODE.secboot.4m.fd", "OVMF_VARS.4m.fd"},
    };
    for (const auto& directory : directories)
        for (const auto& [code, variables] : pairs)
            if (fs::exists(directory / code) && fs::exists(directory / variables)) return {directory / code, directory / variables};
    throw Error(fmt::format("cannot find UEFI firmware '{}': it is not in {}", pairs[0].first, directories.empty() ? "any directory" : directories.front().native()),
                "install the package ovmf");
}

EnrolledKeys load_enrolled_keys(const fs::path& directory) {
    const auto owner = load_owner(directory / "owner");
    const auto certificate = [&](const char* name) { return TrustedCertificate{owner, Certificate::load(directory / name)}; };
    return {certificate("PK.pem"), {{certificate("KEK.pem")}, {}}, {{certificate("db.pem")}, {}}, {}};
}

Bytes enrol(ByteView blank, std::string_view name, const EnrolledKeys& keys) {
    const auto area = area_of(blank, name);
    if (variable_at(blank, area.begin, name)) throw not_a_store(name, "it is not empty");
    Bytes out(blank.begin(), blank.end());
    auto at = area.begin;
    for (const auto& variable : variables_for(keys)) {
        const auto bytes = encode(variable);
        if (bytes.size() > area.end - at) throw Error(fmt::format("cannot enrol '{}': no room is left in '{}'", variable.name, name));
        std::ranges::copy(bytes, out.begin() + static_cast<std::ptrdiff_t>(at));
        at += bytes.size();
    }
    return out;
}

std::vector<std::string> variable_names(ByteView store, std::string_view name) {
    const auto area = area_of(store, name);
    std::vector<std::string> names;
    for (auto found = variable_at(store, area.begin, name); found; found = variable_at(store, found->second, name)) names.push_back(found->first);
    return names;
}

} // namespace ashlar::machine
