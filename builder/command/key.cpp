#include "office.hpp"
#include "options.hpp"
#include "terminal.hpp"

#include <authority/ceremony.hpp>
#include <authority/policy.hpp>
#include <base/error.hpp>
#include <base/file.hpp>
#include <base/json.hpp>
#include <base/text.hpp>
#include <command_line/choice.hpp>
#include <releases/cut.hpp>
#include <signing/authenticode.hpp>
#include <signing/bytes.hpp>
#include <signing/uefi_variables.hpp>
#include <token/token.hpp>

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

struct NewOptions : OfficeOptions {
    std::string organisation = "Ashlar", role, old;
    std::vector<std::filesystem::path> others;
    SignatureScheme scheme = SignatureScheme::ed25519;
    unsigned count = 1;
};

// The firmware's keys, and one for every role that each repository has.
int make_all(Context& context, const NewOptions& options) {
    const std::string& organisation = options.organisation;
    const auto& directory = context.options().keys;
    const auto today = std::chrono::floor<std::chrono::days>(std::chrono::system_clock::now());
    create_key_set(directory, {.organisation = organisation,
                               .not_before = today - clocks_behind,
                               .not_after = today + validity});
    (void)authority::make_keys(directory, {.role = "root", .scheme = options.scheme, .count = options.count, .passphrase = {}});
    if (context.json()) {
        fmt::print("{}", pretty(Json{{"keys", directory.native()}, {"organisation", organisation}}));
    } else {
        fmt::print("{}: PK, KEK, db and PCR keys for '{}', and keys for releases in trust/; keep them secret and make a copy\n", directory.native(), organisation);
    }
    return 0;
}

// ---- Keys of roles -------------------------------------------------------------------------------

std::optional<Secret> passphrase_in(const OfficeOptions& options) {
    return options.passphrase_file.empty() ? std::nullopt : std::optional(Secret::line_of(options.passphrase_file));
}

std::optional<std::string_view> text_of(const std::optional<Secret>& secret) { return secret ? std::optional(secret->text()) : std::nullopt; }

void tell_of(const Context& context, const std::vector<std::string>& names, const std::string& role) {
    const auto place = authority::Policy::file_in(context.options().keys).parent_path();
    if (context.json()) return fmt::print("{}", pretty(Json{{"role", role}, {"directory", place.native()}, {"keys", names}}));
    for (const auto& name : names) fmt::print("{}{}\n", (place / name).native(), std::filesystem::exists(place / (name + ".key")) ? ".key, .pub" : ".pub");
    fmt::print("{}\n", role == authority::rebuilders ? "they count from now on; how many of them have to confirm a release is the threshold in trust.toml" : "`ashlar key ceremony` puts them into force");
}

int make_keys(Context& context, const NewOptions& options) {
    if (options.role.empty()) return make_all(context, options);
    const auto passphrase = passphrase_in(options);
    authority::NewKey order{.role = options.role, .scheme = options.scheme, .count = options.count, .passphrase = text_of(passphrase)};
    for (const auto& file : options.others) order.others.emplace(file.stem().native(), authority::read_public_key(file));
    if (order.others.size() < options.others.size()) throw Error("cannot add these keys: two of the files have one name", "give one of them another name");
    tell_of(context, authority::make_keys(context.options().keys, order), options.role);
    return 0;
}

int rotate(Context& context, const NewOptions& options) {
    const auto& keys = context.options().keys;
    const auto policy = authority::Policy::load(keys);
    const auto& role = policy.role(options.role);
    if (options.old.empty() && role.keys.size() > 1)
        throw Error(fmt::format("cannot rotate '{}': it has the keys {}", options.role, join(role.keys, ", ")), "name the one that goes");
    const auto passphrase = passphrase_in(options);
    tell_of(context, {authority::replace_key(keys, options.role, options.old.empty() ? role.keys.front() : options.old, options.scheme, text_of(passphrase))}, options.role);
    return 0;
}

std::string days_in_words(std::chrono::days days) { return fmt::format("{} {}", days.count(), days.count() == 1 ? "day" : "days"); }

struct ListOptions {
    std::string token;
    std::filesystem::path pin_file;
};

// The private keys in a token, each by the URI that `ashlar sign --key` takes.
int list_token(Context& context, const ListOptions& options) {
    const auto uri = token::Uri::parse(options.token);
    const Secret pin = token::needs_pin(uri) ? secret_for("PIN", options.token, options.pin_file.empty() ? uri.pin_file() : options.pin_file, "--pin-file") : Secret(std::string_view());
    const auto entries = token::list_keys(uri, pin);
    Json keys = Json::array();
    for (const auto& one : entries) {
        keys.push_back({{"label", one.label}, {"kind", one.kind}, {"uri", one.uri}, {"fingerprint", one.fingerprint ? Json(one.fingerprint->hex()) : Json()}});
        if (!context.json()) fmt::print("{:<22} {:<20} {}\n", one.label, one.kind, one.uri);
    }
    if (context.json()) fmt::print("{}", pretty(keys));
    else if (entries.empty()) fmt::print("no private key\n");
    return 0;
}

int list_keys(Context& context) {
    const auto policy = authority::Policy::load(context.options().keys);
    const authority::Repository repository(context.options().releases / "repository");
    Json roles = Json::array();
    for (const auto& role : policy.roles()) {
        const auto version = repository.version(role.name);
        Json keys = Json::array();
        if (!context.json()) fmt::print("{:<16} {} of {}{}{}\n", role.name, role.threshold, role.keys.size(), role.lifetime.count() > 0 ? ", signs for " + days_in_words(role.lifetime) : "", version ? fmt::format(", version {}", *version) : "");
        for (const auto& name : role.keys) {
            const bool here = std::filesystem::exists(policy.private_file(name));
            const auto scheme = name_of(policy.key(name).scheme());
            keys.push_back({{"name", name}, {"scheme", scheme}, {"private", here}, {"fingerprint", sha256(policy.key(name).der()).hex()}});
            if (!context.json()) fmt::print("  {:<22} {:<20} {}\n", name, scheme, here ? "private key here" : "private key elsewhere");
        }
        roles.push_back({{"role", role.name}, {"threshold", role.threshold}, {"days", role.lifetime.count()}, {"keys", keys}});
    }
    if (context.json()) fmt::print("{}", pretty(roles));
    return 0;
}

// Where there are such keys at all: a ceremony may be held where no image is built.
void warn_of_image_keys(Context& context) {
    const auto& keys = context.options().keys;
    if (!std::filesystem::exists(keys / "db.pem") && !std::filesystem::exists(keys / "pcr.pem")) return;
    for (const auto& obstacle : releases::image_key_obstacles(keys, now())) context.renderer().note(fmt::format("images: {}; {}", obstacle.cause, obstacle.remedy));
}

int hold_ceremony(Context& context, const NewOptions& options) {
    const auto office = open_office(context);
    const auto claim = office.claim();
    const auto roles = authority::prepare(office.policy(), office.repository(), office.desk(), now());
    warn_of_image_keys(context);
    if (!context.json()) fmt::print("{}\n", roles.empty() ? "all is as trust.toml says" : "to be signed: " + join(roles, ", "));
    return go_on(context, office, options);
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
    const Time now = command::now();
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
    auto* command = app.add_subcommand("key", "The keys that sign images and releases");
    command->footer("examples:\n  ashlar key new --organisation 'Example Cloud'\n  ashlar key new train-R1\n  ashlar key ceremony\n  ashlar key variables --to secure-boot");
    command->require_subcommand(1);
    auto* fresh = command->add_subcommand("new", "Make keys in --keys: all that images and releases need, or those of one role");
    fresh->footer("examples:\n  ashlar key new --organisation 'Example Cloud' --keys /etc/ashlar/keys\n  ashlar key new train-R1 --count 3\n"
                  "  ashlar key new site-berlin-1 --scheme ecdsa-p384 --passphrase-file passphrase\n"
                  "  ashlar key new rebuilders --public acme.pub --public example.pub     keys of others, who build releases again");
    auto order = std::make_shared<NewOptions>();
    auto* whose = fresh->add_option("WHOSE", order->role, "root, targets, snapshot, timestamp, bundle, train-<train>, site-<site>, rebuilders (default: everything)");
    fresh->add_option("--organisation", order->organisation, "Name in the certificates of firmware's keys")->type_name("NAME")->capture_default_str();
    fresh->add_option("--count", order->count, "How many")->type_name("NUMBER")->check(CLI::Range(1U, 16U))->capture_default_str();
    const std::map<std::string, SignatureScheme> schemes{{"ed25519", SignatureScheme::ed25519}, {"ecdsa-p256", SignatureScheme::ecdsa_p256}, {"ecdsa-p384", SignatureScheme::ecdsa_p384}};
    command_line::add_choice(*fresh, "--scheme", order->scheme, schemes, "Kind of key (default: ed25519)");
    add_office(*fresh, *order);
    fresh->add_option("--public", order->others, "Make none: take the public key in this file, whose holder gave it; may be given again")->type_name("FILE")->allow_extra_args(false)->needs(whose);
    auto* rotation = command->add_subcommand("rotate", "Make a key that takes the place of another one of a role");
    rotation->footer("example:\n  ashlar key rotate train-R1 train-R1-2");
    rotation->add_option("WHOSE", order->role, "The role")->required();
    rotation->add_option("KEY", order->old, "The one that goes (default: the only one)");
    command_line::add_choice(*rotation, "--scheme", order->scheme, schemes, "Kind of key (default: ed25519)");
    add_office(*rotation, *order);
    rotation->callback([=] { choose({Place::plain, [order](Context& context) { return rotate(context, *order); }}); });
    auto* listing = command->add_subcommand("list", "Who may sign what, and which private keys are here");
    listing->footer("examples:\n  ashlar key list --json\n"
                    "  ashlar key list --token 'pkcs11:token=ashlar'     private keys in a token, and how `ashlar sign` calls them");
    auto where = std::make_shared<ListOptions>();
    auto* token_option = listing->add_option("--token", where->token, "The private keys in this token instead (RFC 7512); its PIN is asked for if it needs one")->type_name("URI");
    listing->add_option("--pin-file", where->pin_file, "Where the PIN of the token is (default: what the URI says, or it is asked for)")->type_name("FILE")->needs(token_option);
    listing->callback([=] { choose({Place::plain, [where](Context& context) { return where->token.empty() ? list_keys(context) : list_token(context, *where); }}); });
    auto* ceremony = command->add_subcommand("ceremony", "Put trust.toml into force: make, sign and publish root and targets where they differ or get old");
    ceremony->footer("example:\n  ashlar key ceremony     as often as you like: it goes on where signatures were missing");
    add_office(*ceremony, *order);
    ceremony->callback([=] { choose({Place::plain, [order](Context& context) { return hold_ceremony(context, *order); }}); });
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
    fresh->callback([=] { choose({Place::plain, [order](Context& context) { return make_keys(context, *order); }}); });
}

} // namespace ashlar::command
