#pragma once

// Small trees, ELF files and tools for the tests of this module.

#include <archive/tar.hpp>
#include "error_of.hpp"

#include <base/error.hpp>
#include <base/file.hpp>
#include <root/sandbox.hpp>
#include <root/tree.hpp>
#include <signing/bytes.hpp>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace trees {

using namespace ashlar;

// A tree whose files lie in a directory of its own.
class Forest {
public:
    explicit Forest(std::string_view name = "forest-") : directory_(std::filesystem::temp_directory_path(), name) {}

    Forest& directory(const std::string& path, unsigned mode = 0755) {
        return add({.path = path, .type = root::EntryType::directory, .mode = mode});
    }
    Forest& file(const std::string& path, std::string_view contents = "", unsigned mode = 0644) {
        const auto source = directory_.path() / std::to_string(tree_.size());
        write_file(source, contents);
        return add(
            {.path = path, .type = root::EntryType::file, .mode = mode, .size = contents.size(), .source = source});
    }
    Forest& link(const std::string& path, const std::string& target) {
        return add({.path = path, .type = root::EntryType::symlink, .mode = 0777, .target = target});
    }
    Forest& add(root::Entry entry) {
        entry.mtime = 1'600'000'000;
        tree_.push_back(std::move(entry));
        return *this;
    }
    root::Entry& last() { return tree_.back(); }
    [[nodiscard]] root::Tree tree() const {
        auto sorted = tree_;
        std::ranges::sort(sorted, {}, &root::Entry::path);
        return sorted;
    }
    [[nodiscard]] const std::filesystem::path& path() const { return directory_.path(); }

private:
    TemporaryDirectory directory_;
    root::Tree tree_;
};

inline std::vector<std::string> paths(const root::Tree& tree) {
    std::vector<std::string> out;
    for (const auto& entry : tree) out.push_back(entry.path);
    return out;
}

// This machine's programs: mkfs.fat, mtools and depmod have not changed for long.
inline root::ToolsRoot host_tools() { return root::ToolsRoot("/"); }

// mkfs.erofs must be that of the images' distribution (1.8): $ASHLAR_TOOLS_ROOT names its root.
inline std::optional<root::ToolsRoot> tools_root() {
    const char* path = std::getenv("ASHLAR_TOOLS_ROOT");
    return path == nullptr ? std::nullopt : std::optional(root::ToolsRoot(path));
}

using ashlar::error_of;

struct ElfSection {
    std::string name;
    std::uint32_t type = 1; // SHT_PROGBITS
    std::string content;
    std::uint32_t link = 0; // 1 is the first of the list
};

// A file of nothing but sections. The names' section comes last.
inline std::string elf(std::vector<ElfSection> sections) {
    std::string names(1, '\0');
    sections.push_back({".shstrtab", 3, {}});
    std::vector<std::uint32_t> offsets;
    for (const auto& section : sections) {
        offsets.push_back(static_cast<std::uint32_t>(names.size()));
        names += section.name + '\0';
    }
    sections.back().content = names;

    constexpr std::size_t header = 64;
    Bytes out(header);
    Bytes table(header); // entry 0 is empty
    for (std::size_t i = 0; i < sections.size(); ++i) {
        Bytes entry(header);
        put_little_endian(std::span(entry), 0, offsets[i]);
        put_little_endian(std::span(entry), 4, sections[i].type);
        put_little_endian(std::span(entry), 0x18, std::uint64_t{out.size()});
        put_little_endian(std::span(entry), 0x20, std::uint64_t{sections[i].content.size()});
        put_little_endian(std::span(entry), 0x28, sections[i].link);
        append(table, entry);
        append(out, sections[i].content);
    }
    const std::uint64_t place = out.size();
    append(out, table);
    const std::string_view magic("\x7f"
                                 "ELF\x02\x01\x01",
                                 7);
    std::ranges::copy(bytes_of(magic), out.begin());
    put_little_endian(std::span(out), 0x28, place);
    put_little_endian(std::span(out), 0x3a, std::uint16_t{64});
    put_little_endian(std::span(out), 0x3c, static_cast<std::uint16_t>(sections.size() + 1));
    put_little_endian(std::span(out), 0x3e, static_cast<std::uint16_t>(sections.size()));
    return std::string(text_of(out));
}

// A kernel module: lines as "depends=a,b".
inline std::string module(const std::vector<std::string>& information) {
    std::string text;
    for (const auto& line : information) text += line + '\0';
    return elf({{".modinfo", 1, text}});
}

// A shared library or program that needs `needed` and may open `opened`.
inline std::string program(const std::vector<std::string>& needed, const std::vector<std::string>& opened = {}) {
    std::string strings(1, '\0');
    Bytes dynamic;
    for (const auto& name : needed) {
        append_little_endian(dynamic, std::uint64_t{1});
        append_little_endian(dynamic, std::uint64_t{strings.size()});
        strings += name + '\0';
    }
    Bytes notes;
    for (const auto& name : opened) {
        const std::string text = "[{\"feature\":\"x\",\"soname\":[\"" + name + "\"]}]" + '\0';
        append_little_endian(notes, std::uint32_t{4});
        append_little_endian(notes, static_cast<std::uint32_t>(text.size()));
        append_little_endian(notes, std::uint32_t{0x407c0c0a});
        append(notes, std::string_view("FDO\0", 4));
        append(notes, text);
        notes.resize(round_up(notes.size(), 4));
    }
    return elf({{".dynstr", 3, strings},
                {".dynamic", 6, std::string(text_of(dynamic)), 1},
                {".note.dlopen", 7, std::string(text_of(notes))}});
}

} // namespace trees
