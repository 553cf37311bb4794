#include "secure_boot.hpp"

#include <base/error.hpp>
#include <base/file.hpp>
#include <signing/uefi_variables.hpp>

#include <array>
#include <fcntl.h>
#include <optional>
#include <string>
#include <string_view>
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

// The firmware is asked once for the whole: in a single write.
void write_variable(const fs::path& file, const std::string& value) {
    Bytes whole;
    append_little_endian(whole, secure_boot_attributes);
    append(whole, bytes_of(value));
    const Fd variable = open_file(file, O_WRONLY | O_CREAT);
    const auto written = ::write(variable.get(), whole.data(), whole.size());
    if (written < 0) throw system_error("write", file.native());
    if (static_cast<std::size_t>(written) != whole.size()) throw Error(fmt::format("cannot write '{}': the firmware took {} of {} bytes", file.native(), written, whole.size()));
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
    for (const auto& [file, value] : values) while_doing("enrolling Secure Boot keys", [&] { write_variable(file, value); });
}

} // namespace ashlar::node
