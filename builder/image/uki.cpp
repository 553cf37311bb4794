#include <image/uki.hpp>

#include <base/error.hpp>
#include <base/file.hpp>
#include <base/text.hpp>
#include <signing/authenticode.hpp>
#include <signing/pcr.hpp>
#include <signing/pe.hpp>
#include <signing/uki.hpp>

#include <algorithm>
#include <fmt/format.h>

namespace ashlar::image {

namespace {

SbatEntry sbat_entry(std::string component, const std::string& package, const std::string& release) {
    return {.component = std::move(component),
            .generation = 1,
            .vendor = "Ashlar",
            .package = package,
            .version = release,
            .url = "-"};
}

void refuse_own_root_hash(const std::vector<std::string>& words) {
    for (const auto& word : words)
        if (word.starts_with("roothash="))
            throw Error(fmt::format("cannot add the root hash to the command line: it has '{}' already", word),
                        "leave it out of kernel.command_line: the build knows the root hash");
}

std::string command_line(const UkiInput& input, const std::vector<std::string>& more = {}) {
    auto words = input.command_line;
    words.insert(words.end(), more.begin(), more.end());
    refuse_own_root_hash(words);
    words.push_back("roothash=" + input.root_hash.hex());
    return join(words, " ");
}

Bytes compose(const UkiInput& input, const BuildKeys& keys, const std::string& name) {
    const auto stub = read_file(input.stub);
    const auto kernel = read_file(input.kernel);
    const auto initrd = read_file(input.initrd);
    const auto microcode = input.microcode ? std::optional(read_file(*input.microcode)) : std::nullopt;
    UkiParts parts{
        .stub = bytes_of(stub),
        .kernel = bytes_of(kernel),
        .initrds = {bytes_of(initrd)},
        .os_release = input.os_release,
        .command_line = command_line(input),
        .kernel_release = input.kernel_version,
        .pcr_key = keys.pcr->public_key(),
        .sbat = {sbat_entry("ashlar." + input.role, input.role, input.release)},
    };
    if (microcode) parts.microcode = bytes_of(*microcode);
    return compose_uki(parts, name);
}

// systemd-boot 257 takes an entry of a counted file for another release than the file, and would put it first
// (docs/formats/uki.md): it sorts by IMAGE_ID before that.
std::string rescue_os_release(const std::string& os_release) {
    constexpr std::string_view line = "\nIMAGE_ID=ashlar\n";
    std::string text = "\n" + os_release;
    const auto at = text.find(line);
    if (at == text.npos) throw Error("cannot make the rescue entry: the image's os-release has no line IMAGE_ID=ashlar", "only roles of kind node have one");
    text.insert(at + line.size() - 1, "-rescue");
    return text.substr(1);
}

std::vector<UkiProfile> profiles(const UkiInput& input) {
    if (input.rescue.empty()) return {};
    return {{.id = "rescue", .title = "rescue", .os_release = rescue_os_release(input.os_release), .command_line = command_line(input, input.rescue)}};
}

void refuse_too_large(const UkiInput& input, std::size_t size) {
    if (input.limit && size > *input.limit)
        throw Error(fmt::format("cannot accept the UKI of '{}': it has {}, the role allows {}", input.role,
                                human_bytes(size), human_bytes(*input.limit)),
                    "raise limits.uki, or make the initrd smaller: kernel.initrd_modules, the initrd role's drop");
}

} // namespace

UkiSummary make_uki(const UkiInput& input, const BuildKeys& keys, const std::filesystem::path& output) {
    const auto name = output.filename().native();
    return while_doing(fmt::format("making the UKI of '{}'", input.role), [&] {
        auto uki = compose(input, keys, name);
        const auto all = profiles(input);
        const Bytes whole = add_profiles(uki, all, name);
        const auto unsigned_file = sha256(whole);
        const auto policies = pcr_policies(whole, name);
        uki = add_profiles(add_pcr_signatures(std::move(uki), sign_pcr_policies(policies, *keys.pcr), name), all, name);
        uki = sign_authenticode(std::move(uki), keys.db, name);
        refuse_too_large(input, uki.size());
        write_file(output, text_of(uki));
        return UkiSummary{.signed_file = sha256(uki),
                          .unsigned_file = unsigned_file,
                          .authenticode = authenticode_digest(uki, parse_pe(uki, name)),
                          .size = uki.size()};
    });
}

void make_addon(const AddonInput& input, const Identity& signer, const std::filesystem::path& output) {
    while_doing(fmt::format("making the add-on '{}'", input.name), [&] {
        refuse_own_root_hash(input.command_line);
        const auto stub = read_file(input.stub);
        const auto addon =
            compose_addon({.stub = bytes_of(stub),
                           .command_line = join(input.command_line, " "),
                           .kernel_release = input.kernel_version,
                           .sbat = {sbat_entry("ashlar.addon." + input.name, input.name, input.release)}},
                          input.name);
        write_file(output, text_of(sign_authenticode(addon, signer, input.name)));
    });
}

void sign_program(const std::filesystem::path& program, const Identity& signer, const std::filesystem::path& output) {
    const auto image = read_file(program);
    const auto bytes = bytes_of(image);
    write_file(output,
               text_of(sign_authenticode(Bytes(bytes.begin(), bytes.end()), signer, program.filename().native())));
}

} // namespace ashlar::image
