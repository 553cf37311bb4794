#include <root/dpkg_database.hpp>

#include <base/error.hpp>
#include <base/file.hpp>
#include <base/text.hpp>
#include <debian/control.hpp>

#include <algorithm>
#include <array>
#include <fcntl.h>
#include <sys/stat.h>

#include <fmt/format.h>

namespace ashlar::root {

namespace fs = std::filesystem;

namespace {

// A directory of the database. Opened step by step without following links: a package may have made
// any path a link to anywhere.
class Folder {
public:
    explicit Folder(Fd fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}

    // Makes it when it is not there.
    [[nodiscard]] Folder inside(const std::string& name) const {
        const std::string path = path_ + "/" + name;
        if (::mkdirat(fd_.get(), name.c_str(), 0755) != 0 && errno != EEXIST)
            throw system_error("create directory", path);
        Fd fd(::openat(fd_.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
        if (!fd) throw system_error("open", path);
        return Folder(std::move(fd), path);
    }

    void write(const std::string& name, std::string_view text, unsigned mode = 0644) const {
        const std::string path = path_ + "/" + name;
        Fd fd(::openat(fd_.get(), name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
        if (!fd) throw system_error("create", path);
        write_all(fd.get(), text, path);
        if (::fchmod(fd.get(), static_cast<mode_t>(mode)) != 0) throw system_error("create", path);
        fd.close();
    }

private:
    Fd fd_;
    std::string path_;
};

// ---- info -------------------------------------------------------------------------------------

debian::Paragraph control_of(const UnpackedPackage& package) {
    return debian::parse_control(package.control.at("control").text, package.name);
}

std::string info_name(const UnpackedPackage& package, const debian::Paragraph& control) {
    return control.get("Multi-Arch") == "same" ? fmt::format("{}:{}", package.name, package.architecture)
                                               : package.name;
}

std::string list_of(const UnpackedPackage& package) {
    std::string text;
    for (const std::string& path : package.paths) text += path.empty() ? "/.\n" : fmt::format("/{}\n", path);
    return text;
}

// The form of `md5sums` members: Debian Policy has none, debhelper made it.
std::string md5sums_of(const UnpackedPackage& package) {
    std::string text;
    for (const auto& [path, md5] : package.md5) text += fmt::format("{}  {}\n", md5, path);
    return text;
}

void write_info(const Folder& info, const UnpackedPackage& package, const std::string& name) {
    info.write(name + ".list", list_of(package));
    for (const auto& [member, content] : package.control)
        if (member != "control") info.write(fmt::format("{}.{}", name, member), content.text, content.mode);
    if (!package.control.contains("md5sums")) info.write(name + ".md5sums", md5sums_of(package));
}

// ---- status -----------------------------------------------------------------------------------

// The order in which dpkg writes them; others follow in the package's order.
constexpr std::array fields_before_conffiles = {
    "Package",    "Essential",   "Protected",    "Status",     "Priority", "Section",   "Installed-Size", "Origin",
    "Maintainer", "Bugs",        "Architecture", "Multi-Arch", "Source",   "Version",   "Replaces",       "Provides",
    "Depends",    "Pre-Depends", "Recommends",   "Suggests",   "Breaks",   "Conflicts", "Enhances",
};

void put_field(std::string& text, std::string_view name, std::string_view value) {
    text += fmt::format("{}:{}{}\n", name, value.starts_with('\n') ? "" : " ", value);
}

// A line of status: path, MD5 and flag. dpkg writes "newconffile" where it knows no MD5.
std::string conffile_line(const UnpackedPackage& package, std::string_view path, std::string_view flag) {
    const std::string_view inside = path.substr(path.starts_with('/') ? 1 : 0);
    const auto md5 = std::ranges::find(package.md5, inside, [](const auto& sum) { return sum.first; });
    if (md5 == package.md5.end()) return fmt::format("\n {} newconffile{}", path, flag);
    const bool replaced = std::ranges::find(package.paths, inside) == package.paths.end();
    return replaced ? std::string() : fmt::format("\n {} {}{}", path, md5->second, flag);
}

// `[remove-on-upgrade ]/path`, see deb-conffiles(5).
std::string conffiles_of(const UnpackedPackage& package) {
    const auto member = package.control.find("conffiles");
    if (member == package.control.end()) return {};
    std::string lines;
    for (const std::string_view raw : split(member->second.text, '\n')) {
        const std::string_view line = trim(raw);
        constexpr std::string_view flag = " remove-on-upgrade";
        if (line.empty()) continue;
        if (line.starts_with('/'))
            lines += conffile_line(package, line, "");
        else if (line.starts_with(flag.substr(1)))
            lines += conffile_line(package, trim(line.substr(flag.size() - 1)), flag);
        else
            throw Error(fmt::format("cannot register the conffiles of '{}': '{}' is no path", package.name, line));
    }
    return lines;
}

std::string paragraph_of(const UnpackedPackage& package, const debian::Paragraph& control) {
    std::string text;
    for (const std::string_view name : fields_before_conffiles) {
        if (name == "Status")
            put_field(text, name, "install ok unpacked");
        else if (const auto value = control.get(name))
            put_field(text, name, *value);
    }
    if (const std::string conffiles = conffiles_of(package); !conffiles.empty())
        put_field(text, "Conffiles", conffiles);
    if (const auto description = control.get("Description")) put_field(text, "Description", *description);
    for (const debian::Field& field : control.fields()) {
        const bool known = debian::same_name(field.name, "Description") || debian::same_name(field.name, "Conffiles") ||
                           std::ranges::any_of(fields_before_conffiles, [&](std::string_view name) {
                               return debian::same_name(name, field.name);
                           });
        if (!known) put_field(text, field.name, field.value);
    }
    return text + "\n";
}

// ---- triggers ---------------------------------------------------------------------------------

struct Interests {
    std::string files;                        // triggers/File
    std::map<std::string, std::string> names; // triggers/<name>
};

// deb-triggers(5). What a package activates, dpkg reads from info/<package>.triggers itself.
void add_interests(Interests& interests, const UnpackedPackage& package, const std::string& name) {
    const auto member = package.control.find("triggers");
    if (member == package.control.end()) return;
    for (const std::string_view raw : split(member->second.text, '\n')) {
        const std::string_view line = trim(raw.substr(0, raw.find('#')));
        const std::size_t blank = line.find_first_of(" \t");
        if (blank == std::string_view::npos || !line.starts_with("interest")) continue;
        const std::string_view directive = line.substr(0, blank), trigger = trim(line.substr(blank));
        const std::string interested = name + (directive == "interest-noawait" ? "/noawait" : "");
        if (trigger.starts_with('/')) {
            interests.files += fmt::format("{} {}\n", trigger, interested);
        } else if (trigger.find('/') == std::string_view::npos && trigger != "File" && trigger != "Unincorp" &&
                   trigger != "Lock") {
            interests.names[std::string(trigger)] += interested + "\n";
        } else {
            throw Error(
                fmt::format("cannot register the triggers of '{}': '{}' is no name of a trigger", name, trigger));
        }
    }
}

std::string diversions_of(const Unpacked& unpacked) {
    std::string text;
    for (const Diversion& diversion : unpacked.diversions)
        text += fmt::format("/{}\n/{}\n{}\n", diversion.path, diversion.target,
                            diversion.package.empty() ? ":" : diversion.package);
    return text;
}

} // namespace

void write_dpkg_database(const fs::path& root, const Unpacked& unpacked, std::string_view architecture) {
    const Folder top(open_file(root, O_RDONLY | O_DIRECTORY), root.native());
    const Folder database = top.inside("var").inside("lib").inside("dpkg");
    for (const char* empty : {"alternatives", "parts", "updates"}) static_cast<void>(database.inside(empty));
    const Folder info = database.inside("info"), triggers = database.inside("triggers");

    std::string status;
    Interests interests;
    for (const UnpackedPackage& package : unpacked.packages) {
        const debian::Paragraph control = control_of(package);
        const std::string name = info_name(package, control);
        write_info(info, package, name);
        status += paragraph_of(package, control);
        add_interests(interests, package, name);
    }
    info.write("format", "1\n");
    triggers.write("File", interests.files);
    triggers.write("Unincorp", "");
    for (const auto& [trigger, lines] : interests.names) triggers.write(trigger, lines);
    database.write("status", status);
    database.write("diversions", diversions_of(unpacked));
    database.write("statoverride", "");
    database.write("available", "");
    database.write("arch", fmt::format("{}\n", architecture));
}

} // namespace ashlar::root
