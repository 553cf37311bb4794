#pragma once

// A ticket: what lets a medium's node be enrolled without the site key, until a day and so many times.
// docs/formats/ticket.md.
//
// Its public part says what it allows and has a MAC; its secret is derived from that part. So whoever holds the site key
// knows from the public part alone whether the ticket is the site's, and its secret: nothing is stored where it is made,
// and a ticket in which one letter was changed has another secret. How often it was used is counted where nodes are enrolled.

#include <site/key.hpp>

#include <base/id.hpp>
#include <signing/bytes.hpp>
#include <signing/key.hpp>

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace ashlar::site {

using TicketId = Id<struct TicketIdTag>;

inline constexpr unsigned most_uses = 10000;
inline constexpr std::chrono::days longest_ticket{366};
inline constexpr std::size_t most_ticket_bytes = 1024;

// What a ticket allows.
struct TicketTerms {
    SiteId site;
    TicketId id;
    std::optional<std::string> node; // the name that site.toml gives it; none: any
    Time expires;
    unsigned uses = 1; // 1 to most_uses
    bool operator==(const TicketTerms&) const = default;
};

// The public part, which a node shows: the terms and the MAC, in the one form that they have.
struct TicketClaim {
    TicketTerms terms;
    Bytes mac; // 32 bytes
    bool operator==(const TicketClaim&) const = default;
};
[[nodiscard]] std::string text_of(const TicketClaim& claim);
// Throws Error for anything else.
[[nodiscard]] TicketClaim parse_ticket_claim(std::string_view text);

// What lies on a medium.
struct Ticket {
    TicketClaim claim;
    Secret secret; // 32 bytes: external pre-shared key of TLS 1.3 for the enrolment
    Secret beacon; // 32 bytes: the site's key for beacons, by which a node hears who is there
};

// Throws Error for terms that no ticket may have; `now` is when it is made.
[[nodiscard]] Ticket make_ticket(const SiteKey& key, const TicketTerms& terms, Time now);

// The file's text.
[[nodiscard]] Secret text_of(const Ticket& ticket);
// A new file with mode 0600; an existing one is an Error.
void save_new_ticket(const Ticket& ticket, const std::filesystem::path& path);
// Refuses a file that others than its owner may read or write, and any other form.
[[nodiscard]] Ticket load_ticket(const std::filesystem::path& path);
// The same for what was read already. A medium's file system may have no owners.
[[nodiscard]] Ticket parse_ticket(std::string_view text);

// For whoever holds the site key: the secret of a claim that is the site's own, is for this node, and has not expired; or why
// not, in one sentence. Whether it was used up is not known here. `node`: the name of the machine that shows it; none: it is
// not listed.
struct Refusal {
    std::string reason;
};
[[nodiscard]] std::variant<Secret, Refusal> check_ticket(const SiteKey& key, const TicketClaim& claim, const std::optional<std::string>& node, Time now);

} // namespace ashlar::site
