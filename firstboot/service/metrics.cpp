#include <service/metrics.hpp>

#include <upgrade/phase.hpp>

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace ashlar::service {

namespace {

class Metrics {
public:
    void family(std::string_view name, std::string_view help) {
        name_ = name;
        text_ += fmt::format("# HELP ashlar_{0} {1}\n# TYPE ashlar_{0} gauge\n", name, help);
    }
    // Labels have no character that would want escaping: releases and phases are names.
    void value(std::string_view labels, std::uint64_t number) { text_ += fmt::format("ashlar_{}{} {}\n", name_, labels.empty() ? "" : fmt::format("{{{}}}", labels), number); }
    [[nodiscard]] std::string text() && { return std::move(text_); }

private:
    std::string name_, text_;
};

constexpr std::array formation_states{"absent", "waiting", "working", "alarmed", "settled"}; // docs/formats/node-status.md

std::uint64_t most_failures(const Json& formation) {
    std::uint64_t most = 0;
    if (formation.contains("failed"))
        for (const Json& step : formation.at("failed")) most = std::max(most, step.at("failures").get<std::uint64_t>());
    return most;
}

void add_formations(Metrics& metrics, const Json& list) {
    if (list.empty()) return;
    metrics.family("formation_state", "1 for the state that a formation is in on this node.");
    for (const Json& one : list)
        for (const auto* state : formation_states) metrics.value(fmt::format("formation=\"{}\",state=\"{}\"", one.at("name").get<std::string>(), state), one.at("state") == state ? 1 : 0);
    metrics.family("formation_since_seconds", "When it came to be in it, in seconds since 1970.");
    for (const Json& one : list) metrics.value(fmt::format("formation=\"{}\"", one.at("name").get<std::string>()), one.at("since").get<std::uint64_t>());
    metrics.family("formation_failures", "Attempts in a row that failed, of the step that failed most.");
    for (const Json& one : list) metrics.value(fmt::format("formation=\"{}\"", one.at("name").get<std::string>()), most_failures(one));
    metrics.family("formation_certificate_expiry_seconds", "When its certificate ends, in seconds since 1970.");
    for (const Json& one : list)
        if (one.contains("certificate")) metrics.value(fmt::format("formation=\"{}\"", one.at("name").get<std::string>()), one.at("certificate").get<std::uint64_t>());
}

} // namespace

std::string metrics_text(const Json& status) {
    Metrics metrics;
    metrics.family("node_info", "The release that runs.");
    metrics.value(fmt::format("role=\"{}\",release=\"{}\"", status.at("role").get<std::string>(), status.at("release").get<std::string>()), 1);
    metrics.family("fault", "Whether nobody keeps the node's releases.");
    metrics.value("", status.contains("fault") ? 1 : 0);
    if (status.contains("site") && status.at("site").contains("formations")) add_formations(metrics, status.at("site").at("formations").at("list"));
    if (!status.contains("phase")) return std::move(metrics).text();
    metrics.family("phase", "1 for the phase that the node is in.");
    for (const auto phase : upgrade::all_phases)
        metrics.value(fmt::format("phase=\"{}\"", upgrade::name_of(phase)), status.at("phase").get<std::string>() == upgrade::name_of(phase) ? 1 : 0);
    metrics.family("attempts", "Starts of the release that is being tried.");
    metrics.value("", status.at("attempts").get<std::uint64_t>());
    if (status.at("slots").contains("menu")) {
        metrics.family("release_blessed", "Whether a release in the boot menu has proved itself.");
        for (const Json& entry : status.at("slots").at("menu"))
            metrics.value(fmt::format("release=\"{}\"", entry.at("release").get<std::string>()), entry.at("blessed").get<bool>() ? 1 : 0);
    }
    if (status.contains("transfer")) {
        metrics.family("transfer_fetched_bytes", "Bytes of the present transfer that have come.");
        metrics.value("", status.at("transfer").at("fetched").get<std::uint64_t>());
        metrics.family("transfer_download_bytes", "Bytes that it has.");
        metrics.value("", status.at("transfer").at("download").get<std::uint64_t>());
    }
    return std::move(metrics).text();
}

} // namespace ashlar::service
