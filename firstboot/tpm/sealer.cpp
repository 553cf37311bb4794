#include <tpm/sealer.hpp>

#include <base/error.hpp>
#include <base/process.hpp>
#include <base/text.hpp>

#include <algorithm>
#include <vector>

#include <fmt/format.h>

namespace ashlar::tpm {

namespace {

// The library below says more, and before it.
std::string last_line(std::string_view errors) {
    const std::string_view text = trim(errors);
    const auto before = text.find_last_of('\n');
    return text.empty() ? "it gives no reason" : std::string(before == text.npos ? text : text.substr(before + 1));
}

} // namespace

std::string seal_surely(const Sealer& sealer, std::string_view name, std::string_view secret) {
    std::string sealed = sealer.seal(name, secret);
    if (sealer.open(name, sealed) != secret) throw Error(fmt::format("cannot seal '{}': the TPM gives out something else than it was given", name), "the TPM is failing");
    return sealed;
}

std::string SystemdSealer::seal(std::string_view name, std::string_view secret) const {
    std::string sealed = run("encrypt", name, secret);
    std::erase(sealed, '\n');
    if (sealed.empty()) throw Error(fmt::format("cannot seal '{}': systemd-creds gives nothing back", name));
    return sealed;
}

std::string SystemdSealer::open(std::string_view name, std::string_view sealed) const { return run("decrypt", name, sealed); }

std::string SystemdSealer::run(std::string_view verb, std::string_view name, std::string_view input) const {
    std::vector<std::string> argv{"systemd-creds", std::string(verb), "--tpm2-device=" + device_, fmt::format("--name={}", name)};
    if (verb == "encrypt") argv.insert(argv.end(), {"--with-key=tpm2", "--tpm2-pcrs="});
    argv.insert(argv.end(), {"-", "-"});
    Outcome outcome = ashlar::run({.argv = std::move(argv), .input = std::string(input)});
    if (!outcome.ok()) throw Error(fmt::format("cannot {} '{}': {}", verb == "encrypt" ? "seal" : "open", name, last_line(outcome.errors)));
    return std::move(outcome.output);
}

} // namespace ashlar::tpm
