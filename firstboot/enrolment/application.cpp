#include <enrolment/application.hpp>

#include "message.hpp"

#include <signing/base64.hpp>
#include <signing/node_id.hpp>
#include <tuf/metadata.hpp>

#include <array>
#include <utility>

#include <fmt/format.h>

namespace ashlar::enrolment {

namespace {

constexpr std::size_t most_facts = 16384, most_ticket = 8192;
constexpr std::uint64_t codes = 100'000'000;

constexpr std::array reasons{std::pair{Reason::malformed, std::string_view("malformed")},
                             std::pair{Reason::unproven, std::string_view("unproven")},
                             std::pair{Reason::other_site, std::string_view("other-site")},
                             std::pair{Reason::closed, std::string_view("closed")},
                             std::pair{Reason::bad_ticket, std::string_view("bad-ticket")},
                             std::pair{Reason::unknown, std::string_view("unknown")},
                             std::pair{Reason::no_tpm, std::string_view("no-tpm")},
                             std::pair{Reason::removed, std::string_view("removed")},
                             std::pair{Reason::not_approved, std::string_view("not-approved")},
                             std::pair{Reason::identity_conflict, std::string_view("identity-conflict")},
                             std::pair{Reason::bad_certificate, std::string_view("bad-certificate")},
                             std::pair{Reason::untrusted, std::string_view("untrusted")}};

// What the proof is over: this connection, and every word.
Bytes proven(const Json& message, ByteView exporter) {
    Json unsigned_part = message;
    unsigned_part.erase("proof");
    Bytes bytes;
    append(bytes, "ashlar enrolment 1\n");
    append(bytes, exporter);
    append(bytes, tuf::canonical_json(unsigned_part));
    return bytes;
}

Json facts_in(JsonObject& message) {
    const Json& facts = message.at("facts");
    if (!facts.is_object() || tuf::canonical_json(facts).size() > most_facts) throw message.refusal(fmt::format("'facts' is no object of at most {} bytes", most_facts));
    return facts;
}

Application application_in(JsonObject& message) {
    Application application{.site = message.id<SiteId>("site"), .facts = facts_in(message), .ticket = std::nullopt, .certificate = std::nullopt};
    if (message.has("ticket")) application.ticket = std::string(text_of(message.bytes("ticket"))); // lines, which a frame cannot hold
    if (application.ticket && application.ticket->size() > most_ticket) throw message.refusal(fmt::format("'ticket' has more than {} bytes", most_ticket));
    if (message.has("certificate")) application.certificate = message.bytes("certificate");
    return application;
}

VerifyingKey key_in(JsonObject& message) {
    auto key = certificates::check_request(message.bytes("request"));
    if (const auto* refusal = std::get_if<certificates::Refusal>(&key)) throw message.refusal(refusal->text);
    return std::get<VerifyingKey>(std::move(key));
}

} // namespace

std::string_view name_of(Reason reason) { return std::ranges::find(reasons, reason, &std::pair<Reason, std::string_view>::first)->second; }

std::optional<Reason> reason_named(std::string_view name) {
    const auto found = std::ranges::find(reasons, name, &std::pair<Reason, std::string_view>::second);
    return found == reasons.end() ? std::nullopt : std::optional(found->first);
}

Json application_message(const Application& application, const SigningKey& key, const Nonce& nonce, ByteView exporter) {
    Json message{{"type", "enrol"},
                 {"format", 1},
                 {"site", application.site.text()},
                 {"request", base64(certificates::make_request(key))},
                 {"facts", application.facts},
                 {"commitment", commitment_to(nonce).hex()}};
    if (application.ticket) message["ticket"] = base64(bytes_of(*application.ticket));
    if (application.certificate) message["certificate"] = base64(*application.certificate);
    message["proof"] = base64(key.sign(proven(message, exporter)));
    return message;
}

std::variant<Applicant, Refused> read_application(const Json& message, const SiteId& site, ByteView exporter) {
    auto applicant = reading(Reason::malformed, [&] {
        JsonObject object = enrolment::object(message);
        object.expect("type", "enrol");
        object.expect("format", 1);
        VerifyingKey key = key_in(object);
        Applicant read{.key = key, .node = node_id_of(key), .application = application_in(object), .commitment = object.digest("commitment")};
        (void)object.bytes("proof");
        object.finish();
        return read;
    });
    const auto* const read = std::get_if<Applicant>(&applicant);
    if (read == nullptr) return applicant;
    if (!read->key.verifies(proven(message, exporter), from_base64(message.at("proof").get<std::string>()).value()))
        return Refused{Reason::unproven, "it is not signed for this connection by the key that it is about"};
    if (read->application.site != site) return Refused{Reason::other_site, fmt::format("it is for the site {}", read->application.site.text())};
    return applicant;
}

Digest commitment_to(const Nonce& nonce) {
    Hasher hasher;
    hasher.update("ashlar enrolment commitment 1\n");
    hasher.update(nonce);
    return hasher.finish();
}

std::string short_code(ByteView exporter, const VerifyingKey& node, const Digest& authority, const Nonce& of_node, const Nonce& of_voter) {
    Hasher hasher;
    hasher.update("ashlar enrolment code 1\n");
    hasher.update(sha256(exporter).bytes());
    hasher.update(sha256(node.der()).bytes());
    hasher.update(authority.bytes());
    hasher.update(of_node);
    hasher.update(of_voter);
    const Digest digest = hasher.finish();
    std::uint64_t number = 0;
    for (std::size_t i = 0; i < sizeof number; ++i) number = number << 8 | std::to_integer<std::uint64_t>(digest.bytes().at(i));
    number %= codes;
    return fmt::format("{:04} {:04}", number / 10'000, number % 10'000);
}

} // namespace ashlar::enrolment
