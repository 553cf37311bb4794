#include <enrolment/conversation.hpp>

#include "message.hpp"

#include <signing/node_id.hpp>

#include <utility>

#include <fmt/format.h>

namespace ashlar::enrolment {

using certificates::NodeBearer;
using certificates::SiteCertificate;
using certificates::Trust;

namespace {

// Through `reading`, which knows only one reason.
struct Untrusted {
    std::string text;
};

template <typename Value> Value trusted(std::variant<Value, certificates::Refusal> judged) {
    if (const auto* refusal = std::get_if<certificates::Refusal>(&judged)) throw Untrusted{refusal->text};
    return std::get<Value>(std::move(judged));
}

Refused refusal_in(JsonObject& message) {
    const std::string name = message.text("reason");
    const auto reason = reason_named(name);
    Refused refused{reason.value_or(Reason::malformed), message.text("text")};
    message.finish();
    return refused;
}

} // namespace

Json refused(const Refused& why) { return {{"type", "refused"}, {"format", 1}, {"reason", name_of(why.reason)}, {"text", why.text}}; }

Json granted(const GenesisId& genesis, std::string_view value, const SiteCertificate& authority, const SiteCertificate& certificate, const std::optional<certificates::Lineage>& lineage) {
    Json message{{"type", "enrolled"}, {"format", 1}, {"genesis", genesis.text()}, {"value", value}, {"authority", base64(authority.der())}, {"certificate", base64(certificate.der())}};
    if (lineage) message["authorities"] = certificates::to_json(*lineage);
    return message;
}

// ---- The node's side ---------------------------------------------------------------------------

Seeker::Seeker(const SigningKey& key, Known known, Application application, const Nonce& nonce, Bytes exporter)
    : key_(key), known_(std::move(known)), application_(std::move(application)), nonce_(nonce), exporter_(std::move(exporter)) {}

Json Seeker::begin() const { return application_message(application_, key_, nonce_, exporter_); }

std::variant<Compare, Enrolled, Refused> Seeker::receive(const Json& message) try {
    JsonObject object = enrolment::object(message);
    object.expect("format", 1);
    const std::string type = object.text("type");
    if (type == "compare" && !compared_) return compare(message);
    if (type == "enrolled") return enrolled(message);
    if (type == "refused") return refusal_in(object);
    return Refused{Reason::malformed, fmt::format("'{}' is no message that may come now", type)};
} catch (const Untrusted& untrusted) {
    return Refused{Reason::untrusted, untrusted.text};
} catch (const Error& error) {
    return Refused{Reason::malformed, error.message()};
}

bool Seeker::is_known(const Digest& authority) const { return known_.authority == authority || known_.also == authority; }

Compare Seeker::compare(const Json& message) {
    JsonObject object = enrolment::object(message);
    (void)object.at("type");
    (void)object.at("format");
    const Digest authority = object.digest("authority");
    const Nonce of_voter = nonce_in(object, "nonce");
    const std::string text = object.text("text");
    object.finish();
    if (known_.authority && !is_known(authority)) throw Untrusted{"it is another authority than the one that is known"};
    // What a person compares is what is taken afterwards.
    known_.authority = authority;
    known_.also.reset();
    compared_ = true;
    return {.reveal = {{"type", "reveal"}, {"format", 1}, {"nonce", base64(nonce_)}},
            .code = short_code(exporter_, key_.verifying_key(), authority, nonce_, of_voter),
            .text = text};
}

// From one that is known, by the word of each for the next.
bool Seeker::follows(const certificates::Lineage& lineage, const Digest& now) const {
    const auto leads = [&](const std::optional<Digest>& known) { return known && certificates::leads(lineage.successions, known_.site, *known, now); };
    return !compared_ && (leads(known_.authority) || leads(known_.also));
}

Enrolled Seeker::enrolled(const Json& message) const {
    JsonObject object = enrolment::object(message);
    (void)object.at("type");
    (void)object.at("format");
    const GenesisId genesis = object.id<GenesisId>("genesis");
    std::string value = object.text("value");
    const Bytes authority = object.bytes("authority"), der = object.bytes("certificate");
    const auto lineage = object.has("authorities") ? std::optional(certificates::lineage_in(object.at("authorities"), known_.site)) : std::nullopt;
    object.finish();
    if (known_.genesis && *known_.genesis != genesis) throw Untrusted{fmt::format("it is of another genesis ({}) than the one that is known", genesis.text())};
    const Digest digest = sha256(authority);
    if (lineage && lineage->issuing.site.digest() != digest) throw Untrusted{"the authority is not the one that issues"};
    if (known_.authority && !is_known(digest) && !(lineage && follows(*lineage, digest)))
        throw Untrusted{lineage ? "the site has another authority now, and nothing shows that it follows the one that is known here" : "the certificate of the authority is not the one that is trusted"};
    const Trust issuing = trusted(Trust::pinned(known_.site, authority, digest)), trust = lineage ? lineage->trust(known_.site) : issuing;
    const auto bearer = trusted(certificates::verify_at_no_time(der, issuing));
    const auto* const node = std::get_if<NodeBearer>(&bearer);
    SiteCertificate certificate = SiteCertificate::from_der(der, "own");
    if (node == nullptr || certificate.key() != key_.verifying_key()) throw Untrusted{"the certificate is not for this node's key"};
    return {.genesis = genesis, .value = std::move(value), .trust = trust, .certificate = std::move(certificate), .bearer = *node, .lineage = lineage};
}

// ---- The voters' side --------------------------------------------------------------------------

Doorkeeper::Doorkeeper(SiteId site, Digest authority, const Nonce& nonce, Bytes exporter, Decide decide)
    : site_(site), authority_(authority), nonce_(nonce), exporter_(std::move(exporter)), decide_(std::move(decide)) {}

Reaction Doorkeeper::receive(const Json& message) {
    switch (state_) {
    case State::fresh: return apply(message);
    case State::committed: return reveal(message);
    case State::pending:
    case State::over: break;
    }
    return turn({Reason::malformed, "no message may come now"});
}

Reaction Doorkeeper::apply(const Json& message) {
    auto read = read_application(message, site_, exporter_);
    if (auto* const refused = std::get_if<Refused>(&read)) return turn(*refused);
    applicant_ = std::get<Applicant>(std::move(read));
    return react(decide_(*applicant_));
}

Reaction Doorkeeper::react(const Decision& decision) {
    if (const auto* const refused = std::get_if<Refused>(&decision)) return turn(*refused);
    if (const auto* const admit = std::get_if<Admit>(&decision)) {
        state_ = State::over;
        return Grant{*applicant_, *admit};
    }
    if (state_ == State::pending) return denied(); // the approval was of another key, or withdrawn
    text_ = std::get<Await>(decision).text;
    state_ = State::committed;
    return Say{{{"type", "compare"}, {"format", 1}, {"authority", authority_.hex()}, {"nonce", base64(nonce_)}, {"text", text_}}};
}

Reaction Doorkeeper::reveal(const Json& message) {
    const auto read = reading(Reason::malformed, [&] {
        JsonObject object = enrolment::object(message);
        object.expect("type", "reveal");
        object.expect("format", 1);
        const Nonce nonce = nonce_in(object, "nonce");
        object.finish();
        return nonce;
    });
    if (const auto* const refused = std::get_if<Refused>(&read)) return turn(*refused);
    const Nonce& of_node = std::get<Nonce>(read);
    if (commitment_to(of_node) != applicant_->commitment) return turn({Reason::unproven, "its nonce is not the one that it had bound itself to"});
    state_ = State::pending;
    return Pending{*applicant_, short_code(exporter_, applicant_->key, authority_, of_node, nonce_), text_};
}

Reaction Doorkeeper::approved() {
    if (state_ != State::pending) return turn({Reason::malformed, "there is nothing to approve"});
    return react(decide_(*applicant_));
}

Reaction Doorkeeper::denied() { return turn({Reason::not_approved, "an operator of this site has not approved it"}); }

Reaction Doorkeeper::turn(Refused why) {
    state_ = State::over;
    return Turn{refused(why), std::move(why)};
}

} // namespace ashlar::enrolment
