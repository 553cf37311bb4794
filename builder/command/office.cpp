#include "office.hpp"

#include "terminal.hpp"

#include <base/error.hpp>
#include <base/json.hpp>
#include <signing/secret.hpp>

#include <algorithm>
#include <chrono>
#include <map>
#include <utility>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace ashlar::command {

namespace {

Json json_of(const authority::Advance& advance, const std::vector<requests::WaitingImages>& images) {
    Json published = Json::array(), wanted = Json::array();
    for (const auto& one : advance.published) published.push_back({{"role", one.role}, {"version", one.version}});
    for (const auto& one : advance.wanted) wanted.push_back({{"role", one.role}, {"version", one.version}, {"key", one.key}, {"request", one.request.native()}});
    Json answer{{"published", published}, {"wanted", wanted}};
    for (const auto& one : images) answer["images"].push_back({{"release", one.release}, {"requests", one.requests}, {"answered", one.answered}});
    return answer;
}

bool is_complete(const requests::WaitingImages& images) { return images.answered == images.requests; }

void print(const requests::WaitingImages& images, const releases::Office& office) {
    fmt::print("{}: {} of {} signatures of images are there\n", images.release, images.answered, images.requests);
    if (is_complete(images)) fmt::print("`ashlar release cut {}` goes on with them\n", images.release);
    else fmt::print("`ashlar sign {} --key …` where the keys are, then `ashlar release cut {}`\n", office.requests().native(), images.release);
}

void print(const authority::Advance& advance, const releases::Office& office) {
    for (const auto& one : advance.published) fmt::print("published {} {}\n", one.role, one.version);
    for (const auto& one : advance.wanted) fmt::print("wanted    {}{}, by the key {}\n", one.role, one.version == 0 ? "" : fmt::format(" {}", one.version), one.key);
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

int tell(const Context& context, const releases::Office& office, const authority::Advance& advance, const std::vector<requests::WaitingImages>& images = {}) {
    if (context.json()) {
        fmt::print("{}", pretty(json_of(advance, images)));
    } else {
        print(advance, office);
        for (const auto& one : images) print(one, office);
    }
    return advance.wanted.empty() && std::ranges::all_of(images, is_complete) ? 0 : 1;
}

} // namespace

ReleaseVersion version_of(const std::string& text) {
    if (const auto version = parse_release_version(text)) return *version;
    throw Error(fmt::format("cannot find release '{}': it is not the name of one", text), "write a train, a dot and a number: R1.0");
}

int go_on(const Context& context, const releases::Office& office, const OfficeOptions& options, const AlsoWanted& also) {
    auto now = advance(office, options);
    now.wanted.insert(now.wanted.end(), also.firmware.begin(), also.firmware.end());
    return tell(context, office, now, also.images);
}

std::vector<authority::Wanted> sign_what_can_be(const releases::Office& office, const OfficeOptions& options) { return advance(office, options).wanted; }

int tell_wanted(const Context& context, const releases::Office& office, const std::vector<authority::Wanted>& wanted) { return tell(context, office, {.published = {}, .wanted = wanted}); }

Json json_of(const std::vector<requests::WantedSignature>& wanted) {
    Json all = Json::array();
    for (const auto& one : wanted) all.push_back({{"subject", one.subject}, {"key", one.key}, {"request", one.request.native()}});
    return all;
}

void print_wanted(const std::vector<requests::WantedSignature>& wanted, const std::filesystem::path& requests, const std::string& next) {
    std::map<std::pair<std::string, std::string>, std::size_t> counts; // by key and subject
    for (const auto& one : wanted) ++counts[{one.key, one.subject}];
    for (const auto& [what, count] : counts)
        fmt::print("wanted    {}{}, by the key {}\n", what.second, count == 1 ? "" : fmt::format(" ({})", count), what.first);
    fmt::print("`ashlar sign {} --key …` where the keys are, then `{}`\n", requests.native(), next);
}

} // namespace ashlar::command
