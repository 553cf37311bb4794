#include <firstboot/identity.hpp>

#include <algorithm>
#include <sys/utsname.h>

#include <base/error.hpp>
#include <base/file.hpp>
#include <base/json.hpp>
#include <base/os_release.hpp>
#include <base/text.hpp>

#include <fmt/format.h>

namespace ashlar::firstboot {

namespace fs = std::filesystem;

namespace {

bool is_name(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' ||
               c == '_' || c == '~' || c == '^' || c == '+';
    });
}

std::string architecture() {
    utsname names{};
    ::uname(&names);
    const std::string_view machine = names.machine;
    if (machine == "x86_64") return "amd64";
    if (machine == "aarch64") return "arm64";
    return std::string(machine);
}

std::string boot_id() {
    std::string text(trim(read_file("/proc/sys/kernel/random/boot_id")));
    std::erase(text, '-');
    return text;
}

} // namespace

Identity read_identity(const fs::path& root) {
    const fs::path path = root / "usr/lib/os-release";
    const auto fields = parse_os_release(read_file(path), path.native());
    const auto field = [&](const char* name) {
        const auto found = fields.find(name);
        if (found == fields.end() || !is_name(found->second))
            throw Error(fmt::format("cannot identify '{}': {} is missing or malformed", path.native(), name),
                        "only images made by `ashlar build` carry it");
        return found->second;
    };
    if (const std::string image = field("IMAGE_ID"); image != "ashlar")
        throw Error(fmt::format("cannot identify '{}': IMAGE_ID is '{}', not 'ashlar'", path.native(), image),
                    "only images made by `ashlar build` carry it");
    return {.role = field("VARIANT_ID"), .release = field("IMAGE_VERSION"), .architecture = architecture(), .boot_id = boot_id()};
}

fs::path write_identity(const fs::path& root, const Identity& identity) {
    const fs::path directory = root / "run/ashlar";
    std::error_code failure;
    fs::create_directories(directory, failure);
    if (failure) throw system_error("create", directory.native(), failure.value());
    const Json json{{"format", 1},
                    {"role", identity.role},
                    {"release", identity.release},
                    {"architecture", identity.architecture},
                    {"boot_id", identity.boot_id}};
    write_file(directory / "identity.json", pretty(json));
    return directory / "identity.json";
}

} // namespace ashlar::firstboot
