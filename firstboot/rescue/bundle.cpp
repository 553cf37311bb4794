#include <rescue/bundle.hpp>

#include "pack.hpp"

#include <base/error.hpp>
#include <base/file.hpp>
#include <base/text.hpp>

#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

namespace ashlar::rescue {

namespace fs = std::filesystem;

namespace {

Compression compression_of(const fs::path& file) {
    const std::string name = file.filename().native();
    if (name.ends_with(".tar.gz")) return Compression::gzip;
    if (name.ends_with(".tar.zst")) return Compression::zstd;
    throw Error(fmt::format("cannot write '{}': it is named after no kind of archive", file.native()), "name it ….tar.gz or ….tar.zst");
}

Error is_there_already(const fs::path& file) { return Error(fmt::format("cannot write '{}': it is there already", file.native()), "take another name, or move it away"); }

std::string text_of(const Page& page) {
    try {
        return page.read();
    } catch (const std::exception& failure) {
        const auto* const error = dynamic_cast<const Error*>(&failure);
        return (error != nullptr ? error->render() : std::string(failure.what())) + "\n";
    }
}

// Cleaned first: half a secret would not be known as one.
std::string shortened(std::string text, std::size_t most) {
    if (text.size() <= most) return text;
    std::string end = fmt::format("(the first {} of it are left out)\n", human_bytes(text.size() - most));
    return end.append(text, text.size() - most);
}

void sync(const fs::path& path, int flags) {
    const Fd file = open_file(path, flags);
    if (::fsync(file.get()) != 0) throw system_error("sync", path.native());
}

// Never over another file.
void appear(const fs::path& made, const fs::path& file) {
    if (::chmod(made.c_str(), 0600) != 0) throw system_error("change the mode of", made.native());
    sync(made, O_RDONLY);
    if (::renameat2(AT_FDCWD, made.c_str(), AT_FDCWD, file.c_str(), RENAME_NOREPLACE) != 0) {
        if (errno == EEXIST) throw is_there_already(file);
        throw system_error("write", file.native());
    }
    sync(file.parent_path(), O_RDONLY | O_DIRECTORY);
}

} // namespace

void write_bundle(const fs::path& given, const std::string& name, const std::vector<Page>& pages, const Redaction& redaction, const std::function<void(std::size_t done)>& turn, BundleLimits limits) {
    const fs::path file = fs::absolute(given);
    const Compression compression = compression_of(file);
    if (fs::exists(fs::symlink_status(file))) throw is_there_already(file);
    const TemporaryDirectory scratch(file.parent_path(), ".support-"); // nobody else may look into it
    const fs::path directory = scratch.path() / name;
    std::string contents;
    std::size_t whole = 0, done = 0;
    for (const Page& page : pages) {
        const std::string text = shortened(redaction.clean(text_of(page)), limits.of_page);
        const bool fits = whole + text.size() <= limits.whole;
        contents += fmt::format("{:>10}  {}\n", fits ? human_bytes(text.size()) : "left out", page.name);
        turn(++done);
        if (!fits) continue;
        whole += text.size();
        fs::create_directories((directory / page.name).parent_path());
        write_file(directory / page.name, text, 0600);
    }
    fs::create_directories(directory);
    write_file(directory / "contents.txt", contents, 0600);
    const fs::path made = scratch.path() / "bundle";
    const Outcome outcome = pack(made, scratch.path(), {name}, compression);
    if (!outcome.ok()) throw Error(fmt::format("cannot write '{}': {}", file.native(), trim(outcome.errors)), compression == Compression::zstd ? "where there is no zstd, name it ….tar.gz" : "is there room?");
    appear(made, file);
}

} // namespace ashlar::rescue
