#include "role_file.hpp"

#include "check.hpp"
#include "words.hpp"

#include <base/text.hpp>

#include <recipe/directory.hpp>

#include <array>

#include <fmt/format.h>

namespace ashlar::recipe {

namespace {

constexpr std::array<std::string_view, 4> kinds{"node", "initrd", "tools", "build"};
constexpr std::array<std::string_view, 2> state_types{"directory", "file"};

constexpr std::string_view package_remedy = "write a Debian package name, or name=version";
constexpr std::string_view name_remedy = "write lower-case letters, digits and '-'";
constexpr std::string_view path_remedy =
    "write the absolute path in the image, without '..' and without '/' at the end";

// Reads one role file. Each member function takes its part of the table.
class RoleReader {
public:
    RoleReader(toml::Table& root, RoleFile& file) : root_(root), file_(file) {}

    void read() {
        read_identity();
        read_packages();
        read_system();
        if (toml::Table* table = root_.table("kernel")) file_.kernel = kernel(*table);
        if (toml::Table* table = root_.table("limits")) file_.limits = limits(*table);
        for (toml::Table* table : root_.tables("state")) file_.state.push_back(state(*table));
        for (toml::Table* table : root_.tables("file")) file_.files.push_back(file(*table));
    }

private:
    void read_identity() {
        file_.summary = summary(root_);
        file_.extends = only_valid(root_, root_.text_or_texts("extends"), is_name, "a role name", name_remedy);
        refuse_duplicates(root_.problems(), "role", file_.extends);
        if (const auto kind = root_.choice("kind", kinds))
            file_.kind = toml::Located<Kind>{static_cast<Kind>(kind->value), kind->position};
        if (!root_.has("kind") && !root_.has("extends"))
            root_.problem(root_.position(), "missing key 'kind'", "a role that extends no other says what it is for");
    }

    void read_packages() {
        file_.packages = only_valid(root_, root_.texts("packages"), is_package_wish, "a package", package_remedy);
        file_.exclude = only_valid(root_, root_.texts("exclude"), is_package_name, "a package name",
                                   "write a Debian package name, without a version");
        file_.components = only_valid(root_, root_.texts("components"), is_archive_word, "a component",
                                      "write a name such as \"non-free-firmware\"");
        std::erase_if(file_.components, [&](const toml::Text& component) {
            if (component.value != "main") return false;
            root_.problem(component.position, "component 'main' is always in", "leave it out");
            return true;
        });
        file_.providers = root_.pairs("providers");
        for (const auto& [virtual_package, provider] : file_.providers)
            for (const auto* text : {&virtual_package, &provider})
                if (!is_package_name(text->value))
                    root_.problem(text->position, fmt::format("{} is not a package name", toml::quote(text->value)));
        file_.strict_providers = root_.boolean("strict_providers");
    }

    void read_system() {
        file_.services = only_valid(root_, root_.texts("services"), is_unit_name, "a unit that can be enabled",
                                    "write the whole name, such as \"ssh.service\"");
        file_.overlays = only_valid(root_, root_.texts("overlays"), is_name, "an overlay name", name_remedy);
        file_.drop = only_valid(root_, root_.texts("drop"), is_path_pattern, "a pattern of paths",
                                "write an absolute path with '*', '**' or '?'; '!' before it takes back");
        file_.formations = only_valid(root_, root_.texts("formations"), is_name, "a formation", "write the name of a file in formations/");
        file_.initrd = name("initrd", "a role name");
        file_.waived_firmware = only_valid(root_, root_.texts("waived_firmware"), is_module_name, "a module name",
                                           "write it as modinfo does");
    }

    std::optional<toml::Text> name(std::string_view key, std::string_view what) {
        auto text = root_.text(key);
        if (!text || is_name(text->value)) return text;
        root_.problem(text->position, fmt::format("{} is not {}", toml::quote(text->value), what),
                      std::string(name_remedy));
        return std::nullopt;
    }

    KernelPart kernel(toml::Table& table) {
        KernelPart part{table.position(), table.text("package"), {}, {}, {}, {}};
        if (part.package && !is_package_wish(part.package->value))
            table.problem(part.package->position, fmt::format("{} is not a package", toml::quote(part.package->value)),
                          std::string(package_remedy));
        part.command_line = only_valid(table, table.texts("command_line"), is_command_line_word,
                                       "a word of a command line", "write each word as a string of its own");
        part.initrd_modules = only_valid(table, table.texts("initrd_modules"), is_module_name, "a module name",
                                         "write it as modinfo does, without \".ko\"");
        part.microcode = only_valid(table, table.texts("microcode"), is_package_wish, "a package", package_remedy);
        part.rescue = only_valid(table, table.texts("rescue"), is_command_line_word, "a word of a command line", "write each word as a string of its own");
        for (const auto* words : {&part.command_line, &part.rescue})
            for (const auto& word : *words)
                if (word.value.starts_with("roothash=")) table.problem(word.position, "the build adds 'roothash='", "leave it out");
        return part;
    }

    LimitsPart limits(toml::Table& table) {
        return {table.position(), size(table, "root"), size(table, "uki"), size(table, "boot_partition")};
    }

    std::optional<toml::Located<std::uint64_t>> size(toml::Table& table, std::string_view key) {
        const auto text = table.text(key);
        if (!text) return std::nullopt;
        if (const auto bytes = parse_size(text->value)) return toml::Located<std::uint64_t>{*bytes, text->position};
        table.problem(text->position, fmt::format("{} is not a size", toml::quote(text->value)),
                      size_remedy);
        return std::nullopt;
    }

    toml::Located<StateEntry> state(toml::Table& table) {
        StateEntry entry;
        const auto place = path(table, entry.path);
        if (const auto text = table.required_text("owner")) entry.owner = owner(table, *text);
        if (const auto type = table.choice("type", state_types))
            entry.type = type->value == 0 ? StateEntry::Type::directory : StateEntry::Type::file;
        if (const auto text = table.required_text("mode")) entry.mode = mode(table, *text, 0777);
        return {entry, place};
    }

    toml::Located<FileEntry> file(toml::Table& table) {
        FileEntry entry;
        const auto place = path(table, entry.path);
        const auto owner_text = table.text("owner"), mode_text = table.text("mode");
        if (owner_text) entry.owner = owner(table, *owner_text);
        if (mode_text) entry.mode = mode(table, *mode_text, 07777);
        if (!table.has("owner") && !table.has("mode"))
            table.problem(table.position(), "[[file]] changes nothing", "give 'owner' or 'mode', or leave it out");
        return {entry, place};
    }

    static toml::Position path(toml::Table& table, std::string& path) {
        const auto text = table.required_text("path");
        if (!text) return table.where("path");
        path = text->value;
        if (!is_image_path(path))
            table.problem(text->position, fmt::format("{} is not a path in the image", toml::quote(path)),
                          std::string(path_remedy));
        return text->position;
    }

    static std::string owner(toml::Table& table, const toml::Text& text) {
        if (!is_owner(text.value))
            table.problem(text.position, fmt::format("{} is not an owner", toml::quote(text.value)),
                          "write user:group by name, such as \"root:root\"");
        return text.value;
    }

    static unsigned mode(toml::Table& table, const toml::Text& text, unsigned most) {
        const auto bits = parse_mode(text.value);
        if (!bits || *bits > most)
            table.problem(text.position, fmt::format("{} is not a mode", toml::quote(text.value)),
                          fmt::format("write four octal digits up to {:04o}, such as \"0750\"", most));
        return bits.value_or(0);
    }

    toml::Table& root_;
    RoleFile& file_;
};

} // namespace

RoleFile read_role_file(const toml::SourcePtr& source, std::string name) {
    return toml::read(source, [&](toml::Table& root) {
        RoleFile file;
        file.source = source;
        file.name = std::move(name);
        RoleReader(root, file).read();
        return file;
    });
}

} // namespace ashlar::recipe
