#include <backup/fate.hpp>

#include <algorithm>
#include <array>
#include <utility>

namespace ashlar::backup {

namespace {

constexpr std::string_view audit = "/audit/", nodes = "/nodes/", formations = "/formations/";

struct Rule {
    std::string_view prefix;
    Fate fate;
};
// Whatever is not named is somebody's data.
constexpr std::array site_rules{
    Rule{audit, Fate::newest},            // what was decided stays known
    Rule{nodes, Fate::removed},           // whoever comes has another key; the old ones must not come back
    Rule{"/tickets/", Fate::kept},        // a ticket that is used up stays so
    Rule{"/denials/", Fate::kept},        // and who was turned away
    Rule{"/wipes/", Fate::kept},          // and who is to erase what it has
    Rule{"/names/", Fate::dropped},       // free for the nodes that come
    Rule{"/seats/", Fate::dropped},       // sealed to voters that are gone
    Rule{"/authority", Fate::dropped},    // the authorities of then are in the file itself
    Rule{"/applicants/", Fate::dropped},  // nobody waits any more
    Rule{"/approvals/", Fate::dropped},   // of keys that are gone
    Rule{"/replacements/", Fate::dropped},
    Rule{"/proposals/", Fate::dropped},   // a second person agrees to what is now, and not to what was
    Rule{"/locks/", Fate::dropped},       // of nodes that are gone
    Rule{"/plan/", Fate::dropped},        // the media's is newer
    Rule{"/genesis", Fate::dropped},      // it is another one
    Rule{"/site_key", Fate::dropped},     // the media's is the site's; copies were sealed to voters that are gone
    Rule{"/restored", Fate::dropped},     // so is its mark of this
};
// Behind the formation's name.
constexpr std::array formation_rules{
    Rule{"once/", Fate::done},       // what happened once does not happen again
    Rule{"facts/", Fate::kept},
    Rule{"secrets/", Fate::dropped}, // by themselves, in the clear
    Rule{"members/", Fate::dropped}, // nobody has the service's data
    Rule{"settled/", Fate::dropped},
    Rule{"retry", Fate::dropped},
};

template <typename Rules> Fate fate_by(const Rules& rules, std::string_view key) {
    const auto found = std::ranges::find_if(rules, [&](const Rule& rule) { return rule.prefix.ends_with('/') ? key.starts_with(rule.prefix) : key == rule.prefix || key.starts_with(std::string(rule.prefix) + "/"); });
    return found == rules.end() ? Fate::kept : found->fate;
}

// "once/start" of "/formations/etcd/once/start"; nothing for what belongs to no formation.
std::string_view part_of_formation(std::string_view key) {
    if (!key.starts_with(formations)) return {};
    const auto slash = key.find('/', formations.size());
    return slash == std::string_view::npos ? std::string_view() : key.substr(slash + 1);
}

} // namespace

Fate fate_of(std::string_view key) {
    const auto part = part_of_formation(key);
    return part.empty() ? fate_by(site_rules, key) : fate_by(formation_rules, part);
}

bool is_audit(std::string_view key) { return key.starts_with(audit); }
bool is_node(std::string_view key) { return key.starts_with(nodes); }
bool is_backed_up(std::string_view key) { return key != "/genesis" && !part_of_formation(key).starts_with("secrets/"); }

Content for_restore(Content all, Header& header) {
    const auto is_gone = [](const Pair& pair) { return fate_of(pair.key) == Fate::dropped; };
    std::erase_if(all.pairs, is_gone);
    // By key is by time.
    const auto entries = static_cast<std::size_t>(std::ranges::count_if(all.pairs, [](const Pair& pair) { return is_audit(pair.key); }));
    std::size_t too_old = entries - std::min(entries, newest_audit);
    header.holds.audit_left_out += too_old;
    header.holds.audit = entries - too_old;
    std::erase_if(all.pairs, [&](const Pair& pair) { return is_audit(pair.key) && too_old > 0 && too_old-- > 0; });
    header.holds.pairs = all.pairs.size();
    return all;
}

} // namespace ashlar::backup
