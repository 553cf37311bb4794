#pragma once

// The conversation of one enrolment, on both sides: events in, actions out. Pure: random numbers are handed in, and what a decision
// needs is asked of whoever owns the conversation.

#include <certificates/succession.hpp>
#include <enrolment/decision.hpp>

namespace ashlar::enrolment {

// ---- The node's side ---------------------------------------------------------------------------

// What a node may know of its site from before; what it knows, an answer must fit.
struct Known {
    SiteId site;
    std::optional<Digest> authority; // SHA-256 of its certificate
    std::optional<GenesisId> genesis;
    std::optional<Digest> also = std::nullopt; // another one that counts, while one takes the place of another
};

struct Enrolled {
    GenesisId genesis;
    std::string value; // of that genesis, as text: not looked at here
    certificates::Trust trust;
    certificates::SiteCertificate certificate;
    certificates::NodeBearer bearer; // who this node is
    std::optional<certificates::Lineage> lineage = std::nullopt; // none: the authorities are those of the genesis
};
// Send `reveal`, and show the code until the next message comes.
struct Compare {
    Json reveal;
    std::string code;
    std::string text;
};

class Seeker {
public:
    Seeker(const SigningKey& key, Known known, Application application, const Nonce& nonce, Bytes exporter);

    [[nodiscard]] Json begin() const;
    // After Enrolled and Refused the conversation is over.
    [[nodiscard]] std::variant<Compare, Enrolled, Refused> receive(const Json& message);

private:
    [[nodiscard]] bool is_known(const Digest& authority) const;
    [[nodiscard]] bool follows(const certificates::Lineage& lineage, const Digest& now) const;
    [[nodiscard]] Compare compare(const Json& message);
    [[nodiscard]] Enrolled enrolled(const Json& message) const;

    const SigningKey& key_;
    Known known_;
    Application application_;
    Nonce nonce_;
    Bytes exporter_;
    bool compared_ = false;
};

// ---- The voters' side --------------------------------------------------------------------------

// Write the membership down; when it is, send granted(). That it was written and the node did not hear of it does no harm: it
// comes again, as a member.
struct Grant {
    Applicant applicant;
    Admit admit;
};
// Send it.
struct Say {
    Json message;
};
// Show the code beside who asks; approved() when an operator has.
struct Pending {
    Applicant applicant;
    std::string code;
    std::string text;
};
// Send it; the conversation is over.
struct Turn {
    Json message;
    Refused why;
};
using Reaction = std::variant<Say, Grant, Pending, Turn>;

class Doorkeeper {
public:
    using Decide = std::function<Decision(const Applicant&)>;
    Doorkeeper(SiteId site, Digest authority, const Nonce& nonce, Bytes exporter, Decide decide);

    [[nodiscard]] Reaction receive(const Json& message);
    // After Pending: decides again, now that the operator has spoken.
    [[nodiscard]] Reaction approved();
    // After Pending: the operator has said no.
    [[nodiscard]] Reaction denied();

private:
    enum class State { fresh, committed, pending, over };

    [[nodiscard]] Reaction apply(const Json& message);
    [[nodiscard]] Reaction reveal(const Json& message);
    [[nodiscard]] Reaction react(const Decision& decision);
    [[nodiscard]] Reaction turn(Refused why);

    SiteId site_;
    Digest authority_;
    Nonce nonce_;
    Bytes exporter_;
    Decide decide_;
    State state_ = State::fresh;
    std::optional<Applicant> applicant_;
    std::string text_;
};

[[nodiscard]] Json refused(const Refused& why);
[[nodiscard]] Json granted(const GenesisId& genesis, std::string_view value, const certificates::SiteCertificate& authority, const certificates::SiteCertificate& certificate, const std::optional<certificates::Lineage>& lineage = std::nullopt);

} // namespace ashlar::enrolment
