#include <node/secure_boot.hpp>

#include <base/error.hpp>
#include <base/file.hpp>
#include <signing/uefi_variables.hpp>

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <linux/fs.h>
#include <optional>
#include <string>
#include <string_view>
#include <sys/ioctl.h>
#include <unistd.h>
#include <utility>
#include <vector>

#include <fmt/format.h>

namespace ashlar::node {

namespace fs = std::filesystem;

namespace {

// Each is signed by the one after it; PK by itself.
constexpr std::array order{SecureBootVariable::forbidden, SecureBootVariable::allowed, SecureBootVariable::key_exchange, SecureBootVariable::platform_key};

fs::path file_of(const fs::path& variables, std::string_view name, const Guid& vendor) { return variables / fmt::format("{}-{}", name, vendor.text()); }

// A file of efivarfs: attributes, little-endian in 4 bytes, then the value.
constexpr std::size_t value_begins = 4;

std::optional<bool> flag(const fs::path& variables, std::string_view name) {
    const fs::path file = file_of(variables, name, vendor_of(SecureBootVariable::platform_key));
    if (!fs::exists(file)) return std::nullopt;
    const std::string raw = read_file(file);
    if (raw.size() != value_begins + 1) throw Error(fmt::format("cannot read the firmware's variable '{}': it is not one byte", name));
    return raw[value_begins] != 0;
}

constexpr std::uint32_t append_write = 0x40; // EFI_VARIABLE_APPEND_WRITE

// efivarfs keeps what the firmware needs from being removed by accident: such files must be made mutable first. Other file systems
// know no such flags.
void make_mutable(const fs::path& file) {
    if (!fs::exists(file)) return;
    const Fd variable = open_file(file, O_RDONLY);
    int flags = 0;
    if (::ioctl(variable.get(), FS_IOC_GETFLAGS, &flags) != 0 || (flags & FS_IMMUTABLE_FL) == 0) return;
    flags &= ~FS_IMMUTABLE_FL;
    if (::ioctl(variable.get(), FS_IOC_SETFLAGS, &flags) != 0) throw system_error("make mutable", file.native());
}

// The firmware is asked once for the whole: in a single write.
void write_variable(const fs::path& file, std::uint32_t attributes, std::string_view value) {
    Bytes whole;
    append_little_endian(whole, attributes);
    append(whole, bytes_of(value));
    const Fd variable = open_file(file, O_WRONLY | O_CREAT);
    const auto written = ::write(variable.get(), whole.data(), whole.size());
    if (written < 0) throw system_error("write", file.native());
    if (static_cast<std::size_t>(written) != whole.size()) throw Error(fmt::format("cannot write '{}': the firmware took {} of {} bytes", file.native(), written, whole.size()));
}

fs::path file_of_dbx(const fs::path& variables) {
    return file_of(variables, name_of(SecureBootVariable::forbidden), vendor_of(SecureBootVariable::forbidden));
}

} // namespace

SecureBoot secure_boot(const fs::path& variables) {
    const auto enabled = flag(variables, "SecureBoot"), setup = flag(variables, "SetupMode");
    if (!enabled || !setup) return SecureBoot::none;
    if (*enabled) return SecureBoot::on;
    return *setup ? SecureBoot::setup_mode : SecureBoot::off;
}

void enrol_keys(const fs::path& directory, const fs::path& variables) {
    std::vector<std::pair<fs::path, std::string>> values;
    for (const auto variable : order) {
        const fs::path file = directory / fmt::format("{}.auth", name_of(variable));
        if (fs::exists(file)) values.emplace_back(file_of(variables, name_of(variable), vendor_of(variable)), read_file(file));
        else if (variable != SecureBootVariable::forbidden)
            throw Error(fmt::format("cannot enrol Secure Boot keys: '{}' is missing", file.native()), "`ashlar key variables` writes it");
    }
    for (const auto& [file, value] : values) while_doing("enrolling Secure Boot keys", [&] { write_variable(file, secure_boot_attributes, value); });
}

std::vector<Digest> forbidden_programs(const fs::path& variables) {
    const fs::path file = file_of_dbx(variables);
    if (!fs::exists(file)) return {};
    const std::string raw = read_file(file);
    if (raw.size() < value_begins) throw Error(fmt::format("cannot read the firmware's variable '{}': it has no attributes", file.native()));
    return listed_hashes(bytes_of(raw).subspan(value_begins), file.native());
}

void forbid_programs(std::string_view update, const fs::path& variables) {
    const fs::path file = file_of_dbx(variables);
    make_mutable(file);
    try {
        write_variable(file, secure_boot_attributes | append_write, update);
    } catch (const Error& error) {
        throw Error(fmt::format("cannot add to the firmware's dbx: {}", error.message()), "its KEK must be the one that signed the update, and there must be room: docs/guides/secure-boot.md");
    }
}

} // namespace ashlar::node
