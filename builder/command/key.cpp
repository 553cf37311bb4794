#include "options.hpp"

#include <base/file.hpp>
#include <base/json.hpp>
#include <command_line/choice.hpp>
#include <signing/authenticode.hpp>
#include <signing/bytes.hpp>
#include <signing/uefi_variables.hpp>

#include <chrono>
#include <filesystem>
#include <map>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <signing/key_set.hpp>

namespace ashlar::command {

namespace {

// Firmware does not look at a certificate's time, tools do; machines' clocks may lie behind ours.
constexpr std::chrono::days clocks_behind{30};
constexpr std::chrono::days validity{20 * 365};

int make_keys(Context& context, const std::string& organisation) {
    const auto& directory = context.options().keys;
    const auto today = std::chrono::floor<std::chrono::days>(std::chrono::system_clock::now());
    create_key_set(directory, {.organisation = organisation,
                               .not_before = today - clocks_behind,
                               .not_after = today + validity});
    if (context.json()) {
        fmt::print("{}", pretty(Json{{"keys", directory.native()}, {"organisation", organisation}}));
    } else {
        fmt::print("{}: PK, KEK, db and PCR keys for '{}'; keep them secret and make a copy\n", directory.native(), organisation);
    }
    return 0;
}

struct VariableOptions {
    std::filesystem::path directory = "secure-boot";
    VendorTrust vendors = VendorTrust::option_roms;
    std::vector<std::filesystem::path> revoked;
};

// The Authenticode digest is what dbx lists: it is the same before and after signing.
Digest authenticode_of(const std::filesystem::path& program) {
    const std::string image = read_file(program);
    return request_authenticode(bytes_of(image), program.native()).image;
}

int write_variables(Context& context, const VariableOptions& options) {
    const Time now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
    const EnrolmentKeys keys = load_enrolment_keys(context.options().keys, now);
    const auto vendors = load_vendor_certificates(context.options().workshop.recipes / "keys/uefi", options.vendors);
    std::vector<Digest> forbidden;
    for (const auto& program : options.revoked) forbidden.push_back(authenticode_of(program));
    std::filesystem::create_directories(options.directory);
    const auto files = make_variable_files(keys, vendors, forbidden, now);
    write_variable_files(options.directory, files);
    if (context.json()) {
        Json names = Json::array();
        for (const auto& file : files) names.push_back(file.name);
        fmt::print("{}", pretty(Json{{"directory", options.directory.native()}, {"files", names}}));
        return 0;
    }
    fmt::print("{}: PK, KEK, db{} as .auth and .esl; docs/guides/secure-boot.md says how to enrol them\n", options.directory.native(),
               forbidden.empty() ? "" : ", dbx");
    if (!forbidden.empty())
        fmt::print("{}: for servers in use, adds to what their dbx revokes already; dbx.auth replaces all of it\n",
                   (options.directory / "dbx-append.auth").native());
    return 0;
}

} // namespace

void add_key(CLI::App& app, const Choose& choose) {
    auto* command = app.add_subcommand("key", "The keys that sign images");
    command->footer("examples:\n  ashlar key new --organisation 'Example Cloud'\n  ashlar key variables --to secure-boot");
    command->require_subcommand(1);
    auto* fresh = command->add_subcommand("new", "Make a Secure Boot key set and a PCR policy key in --keys");
    fresh->footer("example:\n  ashlar key new --organisation 'Example Cloud' --keys /etc/ashlar/keys");
    auto organisation = std::make_shared<std::string>("Ashlar");
    fresh->add_option("--organisation", *organisation, "Name in the certificates")->type_name("NAME")->capture_default_str();
    auto variables = std::make_shared<VariableOptions>();
    auto* write = command->add_subcommand("variables", "Write PK, KEK, db and dbx for a machine's firmware, signed by the keys in --keys");
    write->footer("examples:\n  ashlar key variables --to secure-boot\n"
                  "  ashlar key variables --revoke out/ashlar_base_R0.0_amd64.efi     dbx with that image");
    write->add_option("--to", variables->directory, "Directory to write to")->type_name("DIR")->capture_default_str();
    command_line::add_choice(*write, "--vendors", variables->vendors,
               {{"none", VendorTrust::none}, {"option-roms", VendorTrust::option_roms}, {"everything", VendorTrust::everything}},
               "Vendor certificates to keep (default: option-roms)");
    write->add_option("--revoke", variables->revoked, "A UKI or EFI program that must not start any more; may be given again")
        ->type_name("FILE")
        ->allow_extra_args(false);
    write->callback([=] { choose({Place::plain, [variables](Context& context) { return write_variables(context, *variables); }}); });
    fresh->callback([=] { choose({Place::plain, [organisation](Context& context) { return make_keys(context, *organisation); }}); });
}

} // namespace ashlar::command
