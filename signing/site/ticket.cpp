#include <site/ticket.hpp>

#include "hex_secret.hpp"
#include "words.hpp"

#include <base/error.hpp>
#include <base/file.hpp>
#include <base/text.hpp>

#include <algorithm>
#include <charconv>
#include <ctime>
#include <fcntl.h>

#include <fmt/chrono.h>
#include <fmt/format.h>

namespace ashlar::site {

namespace {

constexpr std::string_view first_line = "ashlar-ticket 1\n";
constexpr std::string_view mac_info = "ashlar ticket mac 1\n", secret_info = "ashlar ticket secret 1\n";
constexpr std::size_t key_size = 32;

Error refusal(std::string_view cause, std::string hint = {}) { return Error(fmt::format("cannot use the ticket: {}", cause), std::move(hint)); }

using ashlar::text_of;

std::string text_of(Time time) { return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(static_cast<std::time_t>(time.time_since_epoch().count()))); }

// What strptime(3) lets through beyond that is seen when the text is written again.
Time time_from(std::string_view text) {
    std::tm fields{};
    if (::strptime(std::string(text).c_str(), "%Y-%m-%dT%H:%M:%SZ", &fields) == nullptr) throw refusal(fmt::format("{} is not a time", toml::quote(text)));
    return Time(std::chrono::seconds(::timegm(&fields)));
}

std::string text_of(const TicketTerms& terms) {
    return fmt::format("{}site: {}\nid: {}\nnode: {}\nexpires: {}\nuses: {}\n", first_line, terms.site.text(), terms.id.text(), terms.node.value_or("*"), text_of(terms.expires), terms.uses);
}

// Lines "name: value", one after the other.
class Lines {
public:
    explicit Lines(std::string_view text) : rest_(text) {}

    std::string_view take(std::string_view name) {
        const std::size_t end = rest_.find('\n');
        const std::string_view line = rest_.substr(0, end);
        if (end == rest_.npos || !line.starts_with(name) || !line.substr(name.size()).starts_with(": ")) throw refusal(fmt::format("there is no line '{}: …' where it belongs", name));
        rest_.remove_prefix(end + 1);
        return line.substr(name.size() + 2);
    }
    void take_first() {
        if (!rest_.starts_with(first_line)) throw refusal("this is none", "`ashlar site ticket` makes one");
        rest_.remove_prefix(first_line.size());
    }
    [[nodiscard]] bool ended() const { return rest_.empty(); }

private:
    std::string_view rest_;
};

template <typename Name> Name id_from(std::string_view text) {
    const auto id = Name::parse(text);
    if (!id) throw refusal(fmt::format("{} is not an id", toml::quote(text)));
    return *id;
}

unsigned uses_from(std::string_view text) {
    unsigned uses = 0;
    const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), uses);
    if (fault != std::errc() || end != text.data() + text.size()) throw refusal(fmt::format("{} is not a number", toml::quote(text)));
    return uses;
}

// Of a secret nothing is shown, also when it is wrong.
Secret key_from(std::string_view text, std::string_view name) {
    auto key = secret_from_hex(text, key_size);
    if (!key) throw refusal(fmt::format("its {} is not 64 hexadecimal digits", name));
    return std::move(*key);
}

Bytes public_bytes(const Secret& secret) {
    const ByteView bytes = bytes_of(secret.text());
    return {bytes.begin(), bytes.end()};
}

void check(const TicketTerms& terms) {
    if (terms.node && !is_label(*terms.node)) throw refusal(fmt::format("{} is not the name of a node", toml::quote(*terms.node)), "write it as site.toml does");
    if (terms.uses < 1 || terms.uses > most_uses) throw refusal(fmt::format("it is for {} uses, and may be for 1 to {}", terms.uses, most_uses));
}

TicketClaim take_claim(Lines& lines) {
    lines.take_first();
    TicketClaim claim;
    claim.terms.site = id_from<SiteId>(lines.take("site"));
    claim.terms.id = id_from<TicketId>(lines.take("id"));
    if (const auto node = lines.take("node"); node != "*") claim.terms.node = std::string(node);
    claim.terms.expires = time_from(lines.take("expires"));
    claim.terms.uses = uses_from(lines.take("uses"));
    claim.mac = public_bytes(key_from(lines.take("mac"), "mac"));
    check(claim.terms);
    return claim;
}

// Takes as long for every other answer.
bool same(ByteView a, ByteView b) {
    unsigned difference = a.size() == b.size() ? 0 : 1;
    for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) difference |= std::to_integer<unsigned>(a[i] ^ b[i]);
    return difference == 0;
}

Bytes mac_of(const SiteKey& key, const TicketTerms& terms) { return public_bytes(key.derive(std::string(mac_info) + text_of(terms), key_size)); }
Secret secret_of(const SiteKey& key, const TicketTerms& terms) { return key.derive(std::string(secret_info) + text_of(terms), key_size); }

} // namespace

std::string text_of(const TicketClaim& claim) { return text_of(claim.terms) + fmt::format("mac: {}\n", to_hex(claim.mac)); }

TicketClaim parse_ticket_claim(std::string_view text) {
    if (text.size() > most_ticket_bytes) throw refusal(fmt::format("it has more than {} bytes", most_ticket_bytes));
    Lines lines(text);
    TicketClaim claim = take_claim(lines);
    // One claim, one text: what was authenticated is what was read.
    if (!lines.ended() || text_of(claim) != text) throw refusal("it is not in the one form that it may have");
    return claim;
}

Ticket make_ticket(const SiteKey& key, const TicketTerms& terms, Time now) {
    check(terms);
    if (terms.site != key.site()) throw refusal(fmt::format("the key is that of site {}, and the ticket is for {}", key.site().text(), terms.site.text()), "site.key and site.toml are of two sites");
    if (terms.expires <= now || terms.expires - now > longest_ticket) throw refusal(fmt::format("it is not valid for more than no time and at most {} days", longest_ticket.count()), "make another when it has expired");
    return {{terms, mac_of(key, terms)}, secret_of(key, terms), key.derive(beacon_key_info, key_size)};
}

Secret text_of(const Ticket& ticket) {
    const Secret secret = hex_of(ticket.secret), beacon = hex_of(ticket.beacon);
    std::string lines = fmt::format("{}secret: {}\nbeacon: {}\n", text_of(ticket.claim), secret.text(), beacon.text());
    Secret text(lines);
    ::explicit_bzero(lines.data(), lines.size());
    return text;
}

void save_new_ticket(const Ticket& ticket, const std::filesystem::path& path) {
    Fd file = open_file(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
    write_all(file.get(), text_of(ticket).text(), path.native());
    file.close();
}

Ticket parse_ticket(std::string_view text) {
    if (text.size() > most_ticket_bytes) throw refusal(fmt::format("it has more than {} bytes", most_ticket_bytes));
    const std::size_t end = text.find("\nsecret: ");
    if (end == text.npos) throw refusal("it has no secret", "copy all of the file");
    TicketClaim claim = parse_ticket_claim(text.substr(0, end + 1));
    Lines lines(text.substr(end + 1));
    Secret secret = key_from(lines.take("secret"), "secret"), beacon = key_from(lines.take("beacon"), "beacon");
    if (!lines.ended()) throw refusal("more follows it");
    return {std::move(claim), std::move(secret), std::move(beacon)};
}

Ticket load_ticket(const std::filesystem::path& path) { return parse_ticket(Secret::of_file(path).text()); }

std::variant<Secret, Refusal> check_ticket(const SiteKey& key, const TicketClaim& claim, const std::optional<std::string>& node, Time now) {
    const TicketTerms& terms = claim.terms;
    // Nothing that a forged one says is told.
    if (terms.site != key.site() || !same(claim.mac, mac_of(key, terms))) return Refusal{"the ticket is none of this site"};
    if (terms.node && terms.node != node) return Refusal{fmt::format("the ticket is for '{}', and this is {}", *terms.node, node ? fmt::format("'{}'", *node) : "a machine that site.toml does not list")};
    if (now >= terms.expires) return Refusal{fmt::format("the ticket expired at {}, and it is {}", text_of(terms.expires), text_of(now))};
    return secret_of(key, terms);
}

} // namespace ashlar::site
