#include "office.hpp"

#include "terminal.hpp"

#include <base/error.hpp>
#include <base/json.hpp>
#include <signing/secret.hpp>

#include <chrono>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace ashlar::command {

namespace {

Json json_of(const authority::Advance& advance) {
    Json published = Json::array(), wanted = Json::array();
    for (const auto& one : advance.published) published.push_back({{"role", one.role}, {"version", one.version}});
    for (const auto& one : advance.wanted) wanted.push_back({{"role", one.role}, {"version", one.version}, {"key", one.key}, {"request", one.request.native()}});
    return {{"published", published}, {"wanted", wanted}};
}

void print(const authority::Advance& advance, const releases::Office& office) {
    for (const auto& one : advance.published) fmt::print("published {} {}\n", one.role, one.version);
    for (const auto& one : advance.wanted) fmt::print("wanted    {} {}, by the key {}\n", one.role, one.version, one.key);
    if (!advance.wanted.empty()) fmt::print("`ashlar sign {} --key …` where the keys are, then `ashlar release attach`\n", office.requests().native());
}

} // namespace

void add_office(CLI::App& command, OfficeOptions& options) {
    command.add_option("--passphrase-file", options.passphrase_file, "File with the passphrase of the encrypted keys beside trust.toml")->type_name("FILE");
}

releases::Office open_office(const Context& context) { return {context.options().releases, context.options().keys}; }

Time now() { return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()); }

namespace {

authority::Advance advance(const releases::Office& office, const OfficeOptions& options) {
    const auto passphrase = options.passphrase_file.empty() ? std::nullopt : std::optional(Secret::line_of(options.passphrase_file));
    return office.desk().advance(authority::keys_at_hand(office.policy(), passphrase), now());
}

int tell(const Context& context, const releases::Office& office, const authority::Advance& advance) {
    if (context.json()) fmt::print("{}", pretty(json_of(advance)));
    else print(advance, office);
    return advance.wanted.empty() ? 0 : 1;
}

} // namespace

ReleaseVersion version_of(const std::string& text) {
    if (const auto version = parse_release_version(text)) return *version;
    throw Error(fmt::format("cannot find release '{}': it is not the name of one", text), "write a train, a dot and a number: R1.0");
}

int go_on(const Context& context, const releases::Office& office, const OfficeOptions& options) { return tell(context, office, advance(office, options)); }

std::vector<authority::Wanted> sign_what_can_be(const releases::Office& office, const OfficeOptions& options) { return advance(office, options).wanted; }

int tell_wanted(const Context& context, const releases::Office& office, const std::vector<authority::Wanted>& wanted) { return tell(context, office, {.published = {}, .wanted = wanted}); }

} // namespace ashlar::command
