#include <root/overlay.hpp>

#include <root/sandbox.hpp>

#include "inner_path.hpp"

#include <base/error.hpp>
#include <base/file.hpp>
#include <base/process.hpp>
#include <base/text.hpp>

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include <fmt/format.h>

namespace ashlar::root {

namespace fs = std::filesystem;

namespace {

// systemd.unit(5), without what exists only at run time.
constexpr std::array unit_folders{"etc/systemd/system", "usr/local/lib/systemd/system", "usr/lib/systemd/system"};

// "getty@tty1.service" → "getty@.service"
std::string template_of(std::string_view unit) {
    const std::size_t at = unit.find('@'), dot = unit.rfind('.');
    if (at == std::string_view::npos || dot == std::string_view::npos || dot < at) return std::string(unit);
    return fmt::format("{}@{}", unit.substr(0, at), unit.substr(dot));
}

void check_service(const fs::path& root, const recipe::Role& role, const std::string& unit) {
    const auto refuse = [&](std::string message, std::string remedy = {}) {
        throw toml::SourceError(role.where(recipe::Element::service, unit), std::move(message), std::move(remedy));
    };
    for (const char* folder : unit_folders)
        for (const auto& name : {unit, template_of(unit)}) {
            const fs::path place = fs::path("/") / folder / name;
            if (!fs::exists(fs::symlink_status(root / place.relative_path()))) continue;
            const fs::path file = inner_path(root, place, LastLink::followed);
            if (file == root / "dev/null")
                refuse(fmt::format("unit '{}' is masked by '{}'", unit, place.native()), "enable it or mask it, not both");
            if (!fs::exists(file)) refuse(fmt::format("unit '{}' is a link to nothing", place.native()));
            if (read_file(file).find("[Install]") == std::string::npos)
                refuse(fmt::format("unit '{}' cannot be enabled: it has no [Install] section", unit), "other units start it when they need it");
            return;
        }
    const auto near = did_you_mean(unit, root::units_of(root));
    refuse(fmt::format("no package or overlay of the role has the unit '{}'", unit), near ? fmt::format("did you mean '{}'?", *near) : "");
}

void write_preset(const fs::path& folder, std::string_view lines) {
    fs::create_directories(folder);
    write_file(folder / "00-ashlar.preset", fmt::format("# What this role starts; everything else stays off.\n{}disable *\n", lines));
}

// Links that packages bring or scripts made; presets and units of ours decide instead.
void remove_runlevel_links(const fs::path& root) {
    for (const char level : std::string_view("0123456S")) {
        const fs::path folder = root / fmt::format("etc/rc{}.d", level);
        if (!fs::is_directory(folder)) continue;
        for (const auto& entry : fs::directory_iterator(folder))
            if (entry.is_symlink()) fs::remove(entry.path());
    }
}

} // namespace

std::vector<std::string> units_of(const fs::path& root) {
    std::vector<std::string> units;
    for (const char* folder : unit_folders) {
        if (!fs::is_directory(root / folder)) continue;
        for (const auto& entry : fs::directory_iterator(root / folder)) units.push_back(entry.path().filename());
    }
    std::sort(units.begin(), units.end());
    return units;
}

bool has_unit(const fs::path& root, std::string_view unit) {
    const auto units = units_of(root);
    return std::ranges::binary_search(units, std::string(unit)) || std::ranges::binary_search(units, template_of(unit));
}

std::string preset_lines(const std::vector<std::string>& units) {
    std::vector<std::pair<std::string, std::string>> lines; // a unit or a template, and its instances
    for (const auto& unit : units) {
        const std::string name = template_of(unit);
        auto line = std::ranges::find(lines, name, &std::pair<std::string, std::string>::first);
        if (line == lines.end()) line = lines.insert(line, {name, ""});
        const std::size_t at = unit.find('@') + 1;
        if (name != unit) line->second += " " + unit.substr(at, unit.rfind('.') - at);
    }
    std::string text;
    for (const auto& [name, instances] : lines) text += fmt::format("enable {}{}\n", name, instances);
    return text;
}

void apply_presets(const fs::path& root, const recipe::Role& role) {
    for (const auto& service : role.services) check_service(root, role, service);
    write_preset(root / "usr/lib/systemd/system-preset", preset_lines(role.services));
    write_preset(root / "usr/lib/systemd/user-preset", "");
    remove_runlevel_links(root);
    for (const char* scope : {"--system", "--global"}) {
        Command command = Sandbox{.root = root}.enter({"systemctl", scope, "preset-all"});
        command.environment->emplace_back("SYSTEMD_OFFLINE", "1");
        while_doing(fmt::format("applying the presets of role '{}'", role.name), [&] { run_checked(command); });
    }
}

} // namespace ashlar::root
