#include "founding_reader.hpp"

#include <base/error.hpp>
#include <signing/certificates.hpp>

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace ashlar::site {

namespace {

constexpr std::array<std::string_view, 3> mode_words{"listed", "anonymous", "seed"};
constexpr std::array modes{Founding::listed, Founding::anonymous, Founding::seed};
constexpr std::array<std::string_view, 2> approval_words{"automatic", "by-hand"};
constexpr std::array approvals{Approval::automatic, Approval::by_hand};
constexpr std::int64_t most_nodes = 1000;

unsigned read_voters(toml::Table& table) {
    const auto count = table.integer("voters");
    if (!count) {
        if (!table.has("voters")) table.problem(table.position(), "missing key 'voters'", "write how many nodes agree for the site: 1, 3 or 5");
        return 0;
    }
    if (count->value == 1 || count->value == 3 || count->value == 5) return static_cast<unsigned>(count->value);
    table.problem(count->position, fmt::format("a site has 1, 3 or 5 voters, not {}", count->value),
                  count->value == 2 || count->value == 4 ? fmt::format("{} voters outlive no more losses than {} do", count->value, count->value - 1) : "");
    return 0;
}

void read_expect(toml::Table& table, Genesis& genesis) {
    const auto count = table.integer("expect");
    if (genesis.mode != Founding::anonymous) {
        if (table.has("expect")) table.problem(table.where("expect"), "'expect' is about nodes that nobody lists", "leave it out, or say mode = \"anonymous\"");
        return;
    }
    if (!table.has("expect")) return table.problem(table.position(), "missing key 'expect'", "write how many blank nodes there must be, exactly, before the site begins");
    if (!count) return;
    if (count->value < 1 || count->value > most_nodes || static_cast<std::uint64_t>(count->value) < genesis.voters)
        return table.problem(count->position, fmt::format("'expect' is a number from {} to {}", std::max(genesis.voters, 1U), most_nodes), "the voters are among those nodes");
    genesis.expect = static_cast<unsigned>(count->value);
}

// Which of the nodes agree: the mode says how many may be named.
void check_voters(toml::Table& table, const Genesis& genesis, const std::vector<toml::Text>& voters) {
    const auto refuse = [&](std::string message, std::string remedy) {
        toml::Diagnostic problem{table.has("voters") ? table.where("voters") : table.position(), std::move(message), std::move(remedy), {}};
        for (const auto& voter : voters) problem.notes.push_back({voter.position, fmt::format("node '{}' is a voter", voter.value)});
        table.problems().add(std::move(problem));
    };
    if (genesis.mode == Founding::anonymous && !voters.empty()) refuse("voters are named, and the mode is \"anonymous\"", "leave out `voter`, or say mode = \"listed\"");
    if (genesis.mode == Founding::seed && voters.size() != 1) refuse(fmt::format("one node is the seed, and {} are named", voters.size()), "write `voter = true` in one node");
    if (genesis.mode == Founding::listed && genesis.voters != 0 && voters.size() != genesis.voters)
        refuse(fmt::format("the site is to have {} voter{}, and {} {} named", genesis.voters, genesis.voters == 1 ? "" : "s", voters.size(), voters.size() == 1 ? "is" : "are"),
               "write `voter = true` in as many nodes");
}

} // namespace

Genesis read_genesis(toml::Table& table, const std::vector<toml::Text>& voters) {
    Genesis genesis;
    if (const auto mode = table.choice("mode", mode_words)) genesis.mode = modes[mode->value];
    genesis.voters = read_voters(table);
    read_expect(table, genesis);
    check_voters(table, genesis, voters);
    return genesis;
}

Trust read_trust(toml::Table& table) {
    Trust trust;
    if (const auto day = table.text("enrol_until")) {
        trust.enrol_until = parse_day(day->value);
        if (!trust.enrol_until) table.problem(day->position, fmt::format("{} is not a day", toml::quote(day->value)), "write it such as \"2027-01-31\"");
    }
    if (const auto tpm = table.boolean("require_tpm")) trust.require_tpm = tpm->value;
    if (const auto approve = table.choice("approve", approval_words)) trust.approve = approvals[approve->value];
    if (const auto pem = table.text("ca")) {
        trust.ca = pem->value;
        try {
            (void)certificates_in(pem->value, "ca");
        } catch (const Error& error) {
            table.problem(pem->position, error.message(), "write the certificates of your own authority in PEM, and never its key");
        }
    }
    return trust;
}

void check_approval(toml::Table& root, const Site& site) {
    const bool somebody = std::ranges::any_of(site.access.operators, [](const Operator& one) { return one.has(OperatorRole::approver) || one.has(OperatorRole::admin); });
    if (site.trust.approve == Approval::by_hand && !somebody)
        root.problem(root.where("trust"), "nodes are approved by hand, and nobody may do it", "write an [[access.operator]] with the role approver or admin");
}

} // namespace ashlar::site
