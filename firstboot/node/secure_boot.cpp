#include "secure_boot.hpp"

#include <base/error.hpp>
#include <base/file.hpp>

#include <algorithm>
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

constexpr std::string_view global = "8be4df61-93ca-11d2-aa0d-00e098032b8c", image_security = "d719b2cb-3d3a-4596-a3bc-dad00e67656f";

struct Variable {
    std::string_view name, vendor;
};
// Each is signed by the one after it; PK by itself.
constexpr std::array order{Variable{"dbx", image_security}, Variable{"db", image_security}, Variable{"KEK", global}, Variable{"PK", global}};

fs::path file_of(const fs::path& variables, std::string_view name, std::string_view vendor) { return variables / fmt::format("{}-{}", name, vendor); }

// A file of efivarfs: attributes, little-endian in 4 bytes, then the value.
std::optional<bool> flag(const fs::path& variables, std::string_view name) {
    const fs::path file = file_of(variables, name, global);
    if (!fs::exists(file)) return std::nullopt;
    const std::string raw = read_file(file);
    if (raw.size() != 5) throw Error(fmt::format("cannot read the firmware's variable '{}': it has {} bytes and not 1", name, raw.size() - std::min<std::size_t>(4, raw.size())));
    return raw[4] != 0;
}

// NON_VOLATILE, BOOTSERVICE_ACCESS, RUNTIME_ACCESS, TIME_BASED_AUTHENTICATED_WRITE_ACCESS.
constexpr std::string_view attributes("\x27\0\0\0", 4);

// The firmware is asked once for the whole: in a single write.
void write_variable(const fs::path& file, const std::string& value) {
    const std::string whole = std::string(attributes) + value;
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
    for (const auto& variable : order) {
        const fs::path file = directory / fmt::format("{}.auth", variable.name);
        if (fs::exists(file)) values.emplace_back(file_of(variables, variable.name, variable.vendor), read_file(file));
        else if (variable.name != "dbx")
            throw Error(fmt::format("cannot enrol Secure Boot keys: '{}' is missing", file.native()), "`ashlar key variables` writes it");
    }
    for (const auto& [file, value] : values) while_doing("enrolling Secure Boot keys", [&] { write_variable(file, value); });
}

} // namespace ashlar::node
