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

SbatEntry sbat_entry(std::string component, const std::string& package, const std::string& release, unsigned generation = 1) {
    return {.component = std::move(component),
            .generation = generation,
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

Bytes compose(const UkiInput& input, const PublicKey& pcr_key, const std::string& name) {
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
        .pcr_key = pcr_key,
        .sbat = {sbat_entry("ashlar." + input.role, input.role, input.release, input.sbat_generation)},
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

namespace {

// The contents of .pcrsig.
std::optional<std::string> signed_policies(const std::vector<PcrPolicy>& policies, const ImageSigner& signer, const std::string& subject) {
    std::vector<Bytes> messages;
    for (const auto& policy : policies) messages.emplace_back(policy.policy.bytes().begin(), policy.policy.bytes().end());
    const auto signatures = signer.sign(ImageSignature::pcr_policy, subject, messages);
    if (!signatures) return std::nullopt;
    return attach_pcr_signatures(policies, signer.pcr_key(), *signatures);
}

std::optional<Bytes> signed_program(Bytes image, const ImageSigner& signer, const std::string& subject, const std::string& name) {
    const auto signatures = signer.sign(ImageSignature::authenticode, subject, {request_authenticode(image, name).message});
    if (!signatures) return std::nullopt;
    return attach_authenticode(std::move(image), signer.certificate(), signatures->at(0), name);
}

struct Attempt {
    Bytes uki; // with the signatures that there are
    Digest unsigned_file;
    enum class Signatures { all, wanted } signatures;
};

Attempt attempt(const UkiInput& input, const ImageSigner& signer, const std::string& name) {
    const std::string whose = fmt::format("{} {}", input.release, input.role);
    auto uki = compose(input, signer.pcr_key(), name);
    const auto all = profiles(input);
    Bytes whole = add_profiles(uki, all, name);
    const Digest unsigned_file = sha256(whole);
    refuse_too_large(input, whole.size()); // before anybody is asked to sign it
    const auto policies = signed_policies(pcr_policies(whole, name), signer, whose + ": PCR policies");
    if (!policies) return {std::move(whole), unsigned_file, Attempt::Signatures::wanted};
    uki = add_profiles(add_pcr_signatures(std::move(uki), *policies, name), all, name);
    auto signed_uki = signed_program(uki, signer, whose + ": UKI", name);
    if (!signed_uki) return {std::move(uki), unsigned_file, Attempt::Signatures::wanted};
    refuse_too_large(input, signed_uki->size());
    return {*std::move(signed_uki), unsigned_file, Attempt::Signatures::all};
}

UkiSummary write(const Attempt& made, const std::string& name, const std::filesystem::path& output) {
    write_file(output, text_of(made.uki));
    return {.signed_file = sha256(made.uki),
            .unsigned_file = made.unsigned_file,
            .authenticode = authenticode_digest(made.uki, parse_pe(made.uki, name)),
            .size = made.uki.size()};
}

} // namespace

std::optional<UkiSummary> make_uki(const UkiInput& input, const ImageSigner& signer, const std::filesystem::path& output) {
    const auto name = output.filename().native();
    return while_doing(fmt::format("making the UKI of '{}'", input.role), [&]() -> std::optional<UkiSummary> {
        const Attempt made = attempt(input, signer, name);
        if (made.signatures == Attempt::Signatures::wanted) return std::nullopt;
        return write(made, name, output);
    });
}

UkiSummary make_uki_as_far_as_signed(const UkiInput& input, const ImageSigner& signer, const std::filesystem::path& output) {
    const auto name = output.filename().native();
    return while_doing(fmt::format("making the UKI of '{}'", input.role), [&] { return write(attempt(input, signer, name), name, output); });
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

std::optional<Digest> sign_program(const std::filesystem::path& program, const ImageSigner& signer, const std::string& subject,
                                   const std::filesystem::path& output) {
    const auto image = read_file(program);
    const auto bytes = bytes_of(image);
    const auto signed_image = signed_program(Bytes(bytes.begin(), bytes.end()), signer, subject, program.filename().native());
    if (!signed_image) return std::nullopt;
    write_file(output, text_of(*signed_image));
    return sha256(*signed_image);
}

} // namespace ashlar::image
