#include <fetch/mirrors.hpp>

#include "apt.hpp"
#include "configuration.hpp"
#include "url.hpp"

#include <base/error.hpp>
#include <base/process.hpp>
#include <base/text.hpp>

#include <cstdlib>

#include <fmt/format.h>

namespace ashlar::fetch {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view how_to_name_a_mirror = "name a mirror with --mirror {0}=URL, with --mirror URL when the "
                                                  "archive is at URL/{0}, or in Ashlar's configuration";

// Absent where APT is not: then this machine has no opinion.
std::string apt_config_dump() {
    try {
        return run({.argv = {"apt-config", "dump"}}).output;
    } catch (const Error&) {
        return {};
    }
}

} // namespace

Places places_of_this_machine() {
    const char* const value = std::getenv("ASHLAR_CONFIG");
    const fs::path chosen = value == nullptr ? "" : value;
    if (!chosen.empty() && !fs::exists(chosen)) // who names a file wants it to count
        throw Error(fmt::format("cannot read '{}': there is no such file", chosen.native()), "ASHLAR_CONFIG names it");
    return {chosen.empty() ? "/etc/ashlar/config.toml" : chosen, "/etc/apt", apt_config_dump()};
}

Mirrors::Mirrors(const std::vector<std::string>& given, const Places& places) : places_(places) {
    for (const auto& text : given) {
        const std::size_t equals = text.find('='), colon = text.find(':');
        const bool named = equals != text.npos && equals < colon;
        const std::string url = named ? text.substr(equals + 1) : text;
        if (const auto fault = fault_of_url(url))
            throw Error(fmt::format("cannot use the mirror '{}': {}", text, *fault));
        given_.push_back({named ? text.substr(0, equals) : "", normal_url(url)});
    }
    for (auto& mirror : read_configuration(places.configuration).mirrors)
        configured_.push_back({std::move(mirror.archive), std::move(mirror.url)});
    for (const auto& uri : read_apt_sources(places.apt_sources)) {
        const std::string url = normal_url(uri);
        const std::string archive(last_component(url));
        if (fault_of_url(url)) {
            skipped_.push_back({archive, uri});
        } else if (!archive.empty()) {
            apt_.push_back({archive, url});
        }
    }
}

std::vector<std::string> Mirrors::matching(const std::vector<Rule>& rules, std::string_view archive) {
    std::vector<std::string> urls;
    for (const auto& rule : rules) {
        if (rule.archive == archive) urls.push_back(rule.url);
        if (rule.archive.empty()) urls.push_back(below(rule.url, archive));
    }
    return urls;
}

std::vector<std::string> Mirrors::of(std::string_view archive) const {
    for (const auto* rules : {&given_, &configured_, &apt_})
        if (auto urls = matching(*rules, archive); !urls.empty()) return urls;
    std::string skipped;
    for (const auto& uri : matching(skipped_, archive))
        skipped += fmt::format("; APT's '{}' is of a kind that Ashlar does not read", uri);
    throw Error(fmt::format("cannot find the archive '{}': no --mirror, nothing in '{}', no URI that ends in '/{}' in "
                            "'{}/sources.list' or '{}/sources.list.d'{}",
                            archive, places_.configuration.native(), archive, places_.apt_sources.native(),
                            places_.apt_sources.native(), skipped),
                fmt::format(fmt::runtime(how_to_name_a_mirror), archive));
}

std::optional<shared::Options> shared_store_options(const Places& places, const std::string& given) {
    if (given == "none") return std::nullopt;
    if (!given.empty())
        if (const auto fault = fault_of_shared_url(given)) throw Error(fmt::format("cannot use the shared store '{}': {}", given, *fault));
    const Configuration::Shared known = read_configuration(places.configuration).shared_store;
    const std::string url = given.empty() ? known.url.value_or("") : normal_url(given);
    if (url.empty()) return std::nullopt;
    using Options = shared::Options;
    Options options{.url = url,
                    .upload = known.upload ? Options::Upload::yes : Options::Upload::no,
                    .transfer = transfer_options(places)};
    options.transfer.credentials = {.netrc = known.netrc, .headers = std::nullopt, .s3_region = known.s3_region};
    if (url != known.url) return options;
    options.results = known.results ? Options::Results::yes : Options::Results::no;
    options.transfer.credentials.headers = known.headers;
    return options;
}

transfer::Options transfer_options(const Places& places) {
    transfer::Options options;
    options.proxies = parse_apt_proxies(places.apt_configuration);
    const Configuration configuration = read_configuration(places.configuration);
    if (configuration.proxy) {
        const std::string proxy = *configuration.proxy == "none" ? "DIRECT" : *configuration.proxy;
        options.proxies = {.http = proxy, .https = proxy};
    }
    if (configuration.certificates) options.certificates = configuration.certificates;
    if (configuration.connections) options.connections_per_host = *configuration.connections;
    return options;
}

} // namespace ashlar::fetch
