#include "duration.hpp"
#include "options.hpp"

#include <base/error.hpp>
#include <base/file.hpp>
#include <base/json.hpp>
#include <signing/break_glass.hpp>

#include <chrono>
#include <filesystem>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace ashlar::command {

namespace {

struct BreakGlassOptions {
    std::string node, reason = "no reason given", time = "2h";
    std::filesystem::path key, ssh_key, output;
};

std::chrono::seconds duration(const std::string& text) {
    if (const auto time = parse_duration(text)) return *time;
    throw Error(fmt::format("cannot make a token for '{}': that is not a time", text), "write a whole number and m, h or d, such as 2h; at most 7d");
}

int make(Context& context, const BreakGlassOptions& options) {
    const Time now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
    const BreakGlass token{.node = options.node, .issued = now, .expires = now + duration(options.time), .reason = options.reason};
    const std::string file = sign_break_glass(token, options.key);
    const std::string certificate = options.ssh_key.empty() ? "" : certify_break_glass(token, options.key, options.ssh_key).native();
    if (!options.output.empty()) write_file(options.output, file, 0600);
    if (context.json()) {
        Json json{{"node", token.node}, {"expires", token.expires.time_since_epoch().count()}, {"token", file}};
        if (!certificate.empty()) json["certificate"] = certificate;
        fmt::print("{}", pretty(json));
        return 0;
    }
    if (options.output.empty()) fmt::print("{}", file);
    else fmt::print("{}: paste it at the console of {} after pressing b, or put it on a FAT stick as ashlar/break-glass\n", options.output.native(), token.node);
    // Not into the token, where that goes to standard output.
    if (!certificate.empty()) fmt::print(stderr, "{}: ssh -i {} root@{}\n", certificate, (options.ssh_key.parent_path() / options.ssh_key.stem()).native(), token.node);
    return 0;
}

} // namespace

void add_break_glass(CLI::App& app, const Choose& choose) {
    auto* command = app.add_subcommand("break-glass", "Let somebody be root on one node for a while, by a key that site.toml names");
    command->footer("examples:\n  ashlar break-glass node-0123456789ab --key break-glass --reason 'disk does not open' -o token\n"
                    "  ashlar break-glass node-0123456789ab --key break-glass.pub --for 30m --ssh-key ~/.ssh/id_ed25519.pub\n"
                    "                                         a key in the agent; also a certificate for SSH");
    auto options = std::make_shared<BreakGlassOptions>();
    command->add_option("NODE", options->node, "The node's host name")->required();
    command->add_option("--key", options->key, "The site's break-glass key: a private key, also of a FIDO token, or the .pub file of one in the agent")
        ->type_name("FILE")
        ->required();
    command->add_option("--for", options->time, "How long: minutes, hours or days, such as 90m, 2h, 1d; at most 7d")->type_name("TIME")->capture_default_str();
    command->add_option("--reason", options->reason, "Why: kept in the node's journal, shown by its status")->type_name("TEXT")->capture_default_str();
    command->add_option("--ssh-key", options->ssh_key, "Public key of whoever goes there: also make a certificate for it")->type_name("FILE");
    command->add_option("-o,--token", options->output, "Write the token there (default: standard output)")->type_name("FILE");
    command->callback([=] { choose({Place::plain, [options](Context& context) { return make(context, *options); }}); });
}

} // namespace ashlar::command
