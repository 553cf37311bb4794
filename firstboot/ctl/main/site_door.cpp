#include "site_door.hpp"

#include <base/error.hpp>
#include <base/file.hpp>
#include <base/text.hpp>
#include <control/client.hpp>
#include <signing/node_id.hpp>
#include <signing/secret.hpp>
#include <voters/by_address.hpp>

#include <fmt/format.h>

namespace ashlar::ctl {

namespace {

constexpr const char* next_certificate = "ask any node of the site for another one: `ashlarctl operator certificate`";

Time now() { return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()); }

Error refused(const std::string& what, const voters::Refusal& refusal) {
    auto lines = refusal.details;
    if (refusal.reason == voters::Reason::takes_two) lines.emplace_back("`ashlarctl proposal make` proposes, `ashlarctl proposal agree` agrees, each with a certificate of one's own");
    return Error(fmt::format("the voters refuse '{}': {}", what, refusal.text), join(lines, "\n        "));
}

Json answer_in(const std::string& what, std::variant<Json, voters::Refusal> answer) {
    if (const auto* const refusal = std::get_if<voters::Refusal>(&answer)) throw refused(what, *refusal);
    return std::get<Json>(std::move(answer));
}

// ---- Who an operator is ----------------------------------------------------------------------------

constexpr std::string_view certificate_begin = "-----BEGIN CERTIFICATE-----";

certificates::Trust trusted(std::string_view pem, const std::string& file) {
    auto trust = certificates::Trust::of_authority(certificates::SiteCertificate::from_pem(pem, file).der());
    if (const auto* const refusal = std::get_if<certificates::Refusal>(&trust)) throw Error(fmt::format("cannot use '{}': {}", file, refusal->text), "`ashlarctl site authority` on any node of the site prints what is wanted");
    return std::get<certificates::Trust>(std::move(trust));
}

// Each that is in it: there are two while one takes the place of the other.
certificates::Trust trusted(const std::string& file) {
    const std::string text = read_file(file);
    auto trust = trusted(text, file);
    for (auto at = text.find(certificate_begin); at != text.npos; at = text.find(certificate_begin, at + 1)) trust = trust.and_also(trusted(std::string_view(text).substr(at), file));
    return trust;
}

// What the voters would refuse without a word is said here.
certificates::SiteCertificate own_certificate(const std::string& file, const SigningKey& key, const certificates::Trust& trust) {
    auto certificate = certificates::SiteCertificate::from_pem(read_file(file), file);
    const auto bearer = certificates::verify(certificate.der(), trust, now());
    if (const auto* const refusal = std::get_if<certificates::Refusal>(&bearer)) throw Error(fmt::format("cannot use the certificate '{}': {}", file, refusal->text), next_certificate);
    if (!std::holds_alternative<certificates::OperatorBearer>(std::get<certificates::Bearer>(bearer))) throw Error(fmt::format("cannot use the certificate '{}': it is not that of an operator", file), next_certificate);
    if (certificate.key() != key.verifying_key()) throw Error(fmt::format("cannot use the certificate '{}': it is of another key than --key", file), next_certificate);
    return certificate;
}

std::vector<voters::Whereabouts> addresses(const std::vector<std::string>& texts) {
    std::vector<voters::Whereabouts> all;
    for (const auto& text : texts) {
        const auto where = voters::whereabouts_in(text);
        if (!where) throw Error(fmt::format("cannot ask '{}': it is no address", text), "write 10.0.0.11 or fd00::11, with another port 10.0.0.11:4749 or [fd00::11]:4749");
        all.push_back(*where);
    }
    return all;
}

// Whatever only reads may be asked again.
voters::VotersClient::Changes changes_of(const voters::Request& request) {
    using voters::VotersClient;
    return voters::built_in_asks().at(request.ask).right == certificates::Right::view ? VotersClient::Changes::nothing : VotersClient::Changes::something;
}

Json ask_from_afar(const Afar& afar, const voters::Request& request) {
    const auto where = addresses(afar.voters);
    const SigningKey key = operator_key(afar.key, afar.passphrase);
    const auto trust = trusted(afar.authority);
    const auto certificate = own_certificate(afar.certificate, key, trust);
    const voters::ClientParts own{.key = key, .certificate = [&] { return certificate; }, .trust = trust, .now = now};
    voters::VotersClient client(own, voters::who_answers(own, where));
    return answer_in(request.ask, client.ask(request, changes_of(request)));
}

} // namespace

void add_afar_options(CLI::App& app, Afar& afar) {
    constexpr const char* group = "Ask the voters from afar, as an operator";
    auto* voter = app.add_option("--voter", afar.voters, "Address of a node with a seat; more than one is better")->type_name("ADDRESS")->delimiter(',')->envname("ASHLAR_VOTER")->group(group);
    auto* certificate = app.add_option("--certificate", afar.certificate, "The operator's certificate")->type_name("FILE")->check(CLI::ExistingFile)->envname("ASHLAR_CERTIFICATE")->group(group);
    auto* key = app.add_option("--key", afar.key, "The operator's key")->type_name("FILE")->check(CLI::ExistingFile)->envname("ASHLAR_KEY")->group(group);
    auto* authority = app.add_option("--authority", afar.authority, "The certificate of the site's authority")->type_name("FILE")->check(CLI::ExistingFile)->envname("ASHLAR_AUTHORITY")->group(group);
    app.add_option("--passphrase-file", afar.passphrase, "The passphrase of that key, where it has one")->type_name("FILE")->check(CLI::ExistingFile)->group(group);
    for (auto* const needed : {certificate, key, authority}) voter->needs(needed);
}

SigningKey operator_key(const std::string& file, const std::string& passphrase_file) {
    const auto passphrase = passphrase_file.empty() ? std::nullopt : std::optional(Secret::line_of(passphrase_file));
    auto key = SigningKey::load(file, passphrase ? std::optional(passphrase->text()) : std::nullopt);
    if (key.verifying_key().scheme() != site_scheme)
        throw Error(fmt::format("cannot use the key '{}': it is not on P-256, and a site certifies no other", file),
                    "`openssl genpkey -algorithm ec -pkeyopt ec_paramgen_curve:P-256 -out anna.key` makes one; its public half goes into [[access.operator]]");
    return key;
}

Json ask_voters(const Door& door, const std::string& what, const Json& parameters) {
    const auto request = voters::request_of(what, parameters, voters::built_in_asks());
    if (const auto* const refusal = std::get_if<voters::Refusal>(&request)) throw refused(what, *refusal);
    if (door.is_afar()) return ask_from_afar(door.afar, std::get<voters::Request>(request));
    return answer_of(what, control::call(door.socket, "org.ashlar.Site.Ask", {{"request", voters::message_of(std::get<voters::Request>(request))}}));
}

Json answer_of(const std::string& what, const Json& reply) { return answer_in(what, voters::answer_in(reply)); }

Json ask_node(const Door& door, const std::string& method, const Json& parameters) {
    if (door.is_afar()) throw Error("cannot ask that from afar: a node answers it for itself", "say it on a node, without --voter");
    return control::call(door.socket, "org.ashlar.Site." + method, parameters);
}

int show(const Door& door, const Json& answer, const std::function<std::string(const Json& answer)>& say) {
    fmt::print("{}", door.json ? pretty(answer) : say(answer));
    return 0;
}

int keep_pem(const Door& door, const std::string& file, const Json& answer, const std::string& pem) {
    if (!file.empty()) write_file(file, pem);
    return show(door, answer, [&](const Json&) { return file.empty() ? pem : std::string(); });
}

CLI::App* add_command(CLI::App& parent, const Choose& choose, const char* name, const char* help, const char* example, SiteCommand run) {
    CLI::App* added = parent.add_subcommand(name, help);
    added->footer(std::string("example:\n  ") + example);
    added->callback([choose, run = std::move(run)] { choose(run); });
    return added;
}

} // namespace ashlar::ctl
