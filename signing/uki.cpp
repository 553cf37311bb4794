#include <signing/uki.hpp>

#include "profiles.hpp"

#include <base/error.hpp>
#include <base/text.hpp>
#include <signing/pe.hpp>

#include <algorithm>
#include <fmt/format.h>

namespace ashlar {

namespace {

constexpr std::string_view sbat_first_line = "sbat,1,SBAT Version,sbat,1,https://github.com/rhboot/shim/blob/main/SBAT.md\n";
constexpr std::string_view sbat_first_field = "sbat,";

Error refusal(std::string_view name, std::string_view cause, std::string hint = {}) {
    return Error(fmt::format("cannot compose the UKI '{}': {}", name, cause), std::move(hint));
}

void check_text(std::string_view text, std::string_view what, std::string_view name) {
    if (text.empty()) throw refusal(name, fmt::format("its {} is empty", what));
    if (text.find('\0') != std::string_view::npos) throw refusal(name, fmt::format("its {} has a zero byte", what));
}

void check_line(std::string_view text, std::string_view what, std::string_view name) {
    check_text(text, what, name);
    if (text.find('\n') != std::string_view::npos) throw refusal(name, fmt::format("its {} has more than one line", what));
}

std::string line_of(const SbatEntry& entry, std::string_view name) {
    for (const std::string* field : {&entry.component, &entry.vendor, &entry.package, &entry.version, &entry.url})
        if (field->empty() || field->find_first_of(std::string_view(",\n\0", 3)) != std::string::npos)
            throw refusal(name, fmt::format("SBAT field '{}' is empty or has a comma", *field));
    return fmt::format("{},{},{},{},{},{}\n", entry.component, entry.generation, entry.vendor, entry.package, entry.version,
                       entry.url);
}

// The entries of an image's own .sbat, without the line that names the format.
std::string inherited_sbat(ByteView image, const PeLayout& layout, std::string_view name) {
    const auto section = find_section(image, layout, ".sbat");
    if (!section) return {};
    std::string text(text_of(*section));
    text.erase(std::min(text.find('\0'), text.size()));
    if (!text.starts_with(sbat_first_field)) throw refusal(name, "an SBAT section does not begin with 'sbat,'");
    text.erase(0, std::min(text.find('\n'), text.size() - 1) + 1);
    if (!text.empty() && !text.ends_with('\n')) text += '\n';
    return text;
}

std::string complete_sbat(std::string entries, const std::vector<SbatEntry>& own, std::string_view name) {
    for (const SbatEntry& entry : own) entries += line_of(entry, name);
    std::string text = std::string(sbat_first_line) + entries;
    text += '\0';
    return text;
}

// The kernel unpacks archives that follow each other at multiples of 4.
Bytes joined(const std::vector<ByteView>& initrds) {
    Bytes all;
    for (const ByteView initrd : initrds) {
        append(all, initrd);
        if (initrds.size() > 1) all.resize(static_cast<std::size_t>(round_up(all.size(), 4)));
    }
    return all;
}

PeLayout parse_part(ByteView image, std::string_view part, std::string_view name) {
    return while_doing(fmt::format("composing the UKI '{}'", name), [&] { return parse_pe(image, part); });
}

std::string profile_text(std::string_view id, std::string_view title) {
    return title.empty() ? fmt::format("ID={}\n", id) : fmt::format("ID={}\nTITLE={}\n", id, title);
}

// The two stubs are told apart by .sbat, which only that of a kernel brings along.
enum class StubKind { kernel, addon };

void check_stub(ByteView stub, const PeLayout& layout, StubKind kind, std::string_view name) {
    const auto marker = find_section(stub, layout, ".sdmagic");
    const bool has_sbat = find_section(stub, layout, ".sbat").has_value();
    const std::string_view file = kind == StubKind::kernel ? "linuxx64.efi.stub" : "addonx64.efi.stub";
    if (!marker || text_of(*marker).find("systemd-") == std::string_view::npos || has_sbat != (kind == StubKind::kernel))
        throw refusal(name, fmt::format("its stub is not systemd's {}", file), "the package systemd-boot-efi has it");
    if (layout.certificates_size != 0) throw refusal(name, "its stub is signed", "use the unsigned stub");
}

} // namespace

Bytes compose_uki(const UkiParts& parts, std::string_view name) {
    check_text(parts.os_release, "os-release", name);
    check_line(parts.command_line, "command line", name);
    check_line(parts.kernel_release, "kernel release", name);
    const Bytes initrd = joined(parts.initrds);
    if (initrd.empty()) throw refusal(name, "its initrd is empty");
    const PeLayout stub = parse_part(parts.stub, "stub", name), kernel = parse_part(parts.kernel, "kernel", name);
    check_stub(parts.stub, stub, StubKind::kernel, name);
    const std::string sbat = complete_sbat(
        inherited_sbat(parts.stub, stub, name) + inherited_sbat(parts.kernel, kernel, name), parts.sbat, name);
    const std::string pcr_key = parts.pcr_key ? parts.pcr_key->pem() : std::string();

    // The order is ukify's. The stub finds sections by name.
    std::vector<NewSection> sections{{".osrel", bytes_of(parts.os_release)},
                                     {".cmdline", bytes_of(parts.command_line)},
                                     {".uname", bytes_of(parts.kernel_release)}};
    if (parts.pcr_key) sections.push_back({".pcrpkey", bytes_of(pcr_key)});
    sections.push_back({".linux", parts.kernel, pe_code | pe_readable});
    sections.push_back({".initrd", initrd});
    if (parts.microcode) sections.push_back({".ucode", *parts.microcode});
    Bytes uki = append_sections({parts.stub.begin(), parts.stub.end()}, sections, name);
    replace_section(uki, ".sbat", bytes_of(sbat), name);
    // Firmware that enforces it must not enforce it on a kernel that was not made for it.
    if ((kernel.dll_characteristics & pe_nx_compatible) == 0)
        set_dll_characteristics(uki, stub, static_cast<std::uint16_t>(stub.dll_characteristics & ~pe_nx_compatible));
    return uki;
}

Bytes add_profiles(Bytes uki, const std::vector<UkiProfile>& profiles, std::string_view name) {
    if (profiles.empty()) return uki;
    if (find_section(uki, parse_pe(uki, name), profile_section)) throw refusal(name, "it has profiles already");
    const std::string main = profile_text("main", "");
    std::vector<std::string> texts; // whose places stay
    texts.reserve(profiles.size());
    std::vector<NewSection> sections{{std::string(profile_section), bytes_of(main)}};
    for (const UkiProfile& profile : profiles) {
        check_line(profile.id, "profile's id", name);
        check_line(profile.title, "profile's title", name);
        check_text(profile.os_release, "profile's os-release", name);
        check_line(profile.command_line, "profile's command line", name);
        texts.push_back(profile_text(profile.id, profile.title));
        sections.push_back({std::string(profile_section), bytes_of(texts.back())});
        sections.push_back({".osrel", bytes_of(profile.os_release)});
        sections.push_back({".cmdline", bytes_of(profile.command_line)});
    }
    return append_sections(std::move(uki), sections, name);
}

Bytes add_pcr_signatures(Bytes uki, std::string_view signatures, std::string_view name) {
    const PeLayout layout = parse_pe(uki, name);
    if (!find_section(uki, layout, ".pcrpkey"))
        throw refusal(name, "it has no .pcrpkey for its .pcrsig", "compose it with pcr_key");
    if (find_section(uki, layout, ".pcrsig")) throw refusal(name, "it has a .pcrsig already");
    if (find_section(uki, layout, profile_section)) throw refusal(name, "its .pcrsig would be the last profile's alone", "add it before the profiles");
    return append_sections(std::move(uki), {{".pcrsig", bytes_of(signatures)}}, name);
}

Bytes compose_addon(const AddonParts& parts, std::string_view name) {
    check_line(parts.command_line, "command line", name);
    const PeLayout stub = parse_part(parts.stub, "stub", name);
    check_stub(parts.stub, stub, StubKind::addon, name);
    const std::string sbat = complete_sbat({}, parts.sbat, name);
    std::vector<NewSection> sections{{".cmdline", bytes_of(parts.command_line)}};
    if (parts.kernel_release) {
        check_line(*parts.kernel_release, "kernel release", name);
        sections.push_back({".uname", bytes_of(*parts.kernel_release)});
    }
    sections.push_back({".sbat", bytes_of(sbat)});
    return append_sections({parts.stub.begin(), parts.stub.end()}, sections, name);
}

UkiContents read_uki(ByteView image, std::string_view name) {
    const PeLayout layout = parse_pe(image, name);
    const auto text = [&](std::string_view section) -> std::optional<std::string_view> {
        const auto found = find_section(image, layout, section);
        if (!found) return std::nullopt;
        return text_of(*found);
    };
    UkiContents contents;
    contents.os_release = text(".osrel");
    contents.command_line = text(".cmdline");
    contents.kernel_release = text(".uname");
    contents.sbat = text(".sbat");
    contents.pcr_key = text(".pcrpkey");
    contents.pcr_signatures = text(".pcrsig");
    contents.kernel = find_section(image, layout, ".linux");
    contents.initrd = find_section(image, layout, ".initrd");
    contents.microcode = find_section(image, layout, ".ucode");
    const UkiSections sections = uki_sections(layout);
    for (const auto& profile : sections.profiles) {
        UkiContents::Profile found;
        for (const PeSection& section : profile) {
            const auto content = text_of(section_content(image, section));
            if (section.name == profile_section) found.profile = content;
            if (section.name == ".osrel") found.os_release = content;
            if (section.name == ".cmdline") found.command_line = content;
        }
        contents.profiles.push_back(found);
    }
    for (const PeSection& section : layout.sections)
        contents.sections.emplace_back(section.name, section_content(image, section).size());
    return contents;
}

} // namespace ashlar
