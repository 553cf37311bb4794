#include <firstboot/firmware_tables.hpp>

#include <base/file.hpp>

#include <algorithm>
#include <array>
#include <string_view>

namespace ashlar::firstboot {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view oem_strings = "11-"; // directories are named <type>-<instance>

// smbios-type-11(7) of systemd: read by its stub, and by its boot loader for entries of the first type.
bool changes_command_line(std::string_view text) {
    constexpr std::array<std::string_view, 2> prefixes{"io.systemd.stub.kernel-cmdline-extra=", "io.systemd.boot.kernel-cmdline-extra="};
    return std::ranges::any_of(prefixes, [&](std::string_view prefix) { return text.starts_with(prefix); });
}

} // namespace

std::vector<std::string> smbios_strings(std::span<const std::byte> structure) {
    std::vector<std::string> out;
    if (structure.size() < 4) return out;
    // The second byte is the length of the fixed part; strings follow, each ended by a zero byte.
    const auto fixed = std::to_integer<std::size_t>(structure[1]);
    if (fixed < 4 || fixed > structure.size()) return out;
    auto rest = std::string_view(reinterpret_cast<const char*>(structure.data()), structure.size()).substr(fixed);
    while (!rest.empty() && rest.front() != '\0') {
        const auto end = std::min(rest.find('\0'), rest.size());
        out.emplace_back(rest.substr(0, end));
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return out;
}

std::vector<std::string> command_line_strings(const fs::path& sys) {
    std::vector<std::string> out;
    const auto entries = sys / "firmware/dmi/entries";
    if (!fs::exists(entries)) return out;
    for (const auto& entry : fs::directory_iterator(entries)) {
        if (!entry.path().filename().native().starts_with(oem_strings)) continue;
        const std::string raw = read_file(entry.path() / "raw");
        for (auto& text : smbios_strings(std::as_bytes(std::span(raw.data(), raw.size()))))
            if (changes_command_line(text)) out.push_back(std::move(text));
    }
    std::ranges::sort(out);
    return out;
}

} // namespace ashlar::firstboot
