#include "folder.hpp"

#include <archive/deb.hpp>
#include <base/error.hpp>
#include <base/file.hpp>
#include <base/text.hpp>
#include <debian/control.hpp>
#include <signing/digest.hpp>

#include <algorithm>
#include <system_error>
#include <vector>

#include <fmt/format.h>

namespace ashlar::fetch {

namespace fs = std::filesystem;

namespace {

std::vector<fs::path> files_below(const fs::path& folder, std::string_view extension) {
    std::vector<fs::path> found;
    std::error_code error;
    for (auto entry = fs::recursive_directory_iterator(folder, error);
         !error && entry != fs::recursive_directory_iterator(); entry.increment(error))
        if (entry->path().extension() == extension && entry->is_regular_file())
            found.push_back(entry->path().lexically_relative(folder));
    if (error) throw system_error("read", folder.native(), error.value());
    std::sort(found.begin(), found.end());
    return found;
}

std::string stanza(const fs::path& folder, const fs::path& relative) {
    const fs::path path = folder / relative;
    const archive::Deb deb(path);
    const std::string& control = deb.control().at("control").text;
    const debian::Paragraph paragraph = debian::parse_control(control, path.native());
    for (const char* ours : {"Filename", "Size", "SHA256"})
        if (paragraph.find(ours) != nullptr)
            throw Error(fmt::format("cannot use '{}': its control file has a field '{}', which only an index has",
                                    path.native(), ours));
    return fmt::format("{}\nFilename: {}\nSize: {}\nSHA256: {}\n", trim(paragraph.text()), relative.native(),
                       fs::file_size(path), sha256_of_file(path).hex());
}

debian::SourcePackage source_in(const fs::path& folder, const fs::path& relative) {
    const fs::path path = folder / relative;
    const std::string bytes = read_file(path), text = debian::signed_part(bytes);
    const debian::ControlReader where(text, path.native());
    debian::SourcePackage source = debian::read_source_package(debian::parse_control(text, path.native()), where);
    source.directory = relative.parent_path().native();
    source.files.push_back({relative.filename().native(), bytes.size(), sha256(bytes)});
    return source;
}

} // namespace

std::string scan_folder(const fs::path& folder) {
    std::string text;
    for (const auto& relative : files_below(folder, ".deb")) {
        if (!text.empty()) text += '\n';
        text += stanza(folder, relative);
    }
    return text;
}

std::vector<debian::SourcePackage> scan_sources(const fs::path& folder) {
    std::vector<debian::SourcePackage> sources;
    for (const auto& relative : files_below(folder, ".dsc")) sources.push_back(source_in(folder, relative));
    return sources;
}

} // namespace ashlar::fetch
