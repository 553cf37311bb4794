#include "site.hpp"

#include <base/error.hpp>
#include <base/file.hpp>
#include <base/text.hpp>
#include <voters/order.hpp>
#include <voters/plan.hpp>

#include <chrono>
#include <filesystem>
#include <memory>

#include <fmt/chrono.h>
#include <fmt/format.h>

namespace ashlar::ctl {

namespace fs = std::filesystem;

namespace {

using voters::Foundation, voters::Recovery, voters::SignedOrder;

Time now() { return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()); }

std::string time_text(Time time) { return fmt::format("{:%Y-%m-%d %H:%M:%S} UTC", time); }
std::string node_text(const voters::NamedNode& node) { return fmt::format("{} (node {})", node.name, node.node.text()); }

std::string what_text(const Recovery& recovery) {
    std::vector<std::string> lost;
    for (const auto& node : recovery.lost) lost.push_back(node_text(node));
    return fmt::format("recover the site: {} goes on alone\n  given up for good: {}\n  genesis {}\n  made {}, holds until {}\n", node_text(recovery.survivor), join(lost, ", "), recovery.genesis.text(), time_text(recovery.made), time_text(recovery.expires));
}
std::string what_text(const Foundation& foundation) {
    const auto names = [](const std::vector<std::string>& all) { return all.empty() ? std::string("nobody") : join(all, ", "); };
    return fmt::format("found the site without all of its voters\n  not waited for: {}\n  despite what is on the disks of: {}\n  number {}\n", names(foundation.without), names(foundation.despite), foundation.number);
}

std::string keys_text(const SignedOrder& order) {
    std::string text;
    for (const auto& one : order.signatures) text += fmt::format("  signed with the key {}\n", one.key.hex());
    return text.empty() ? "  nobody has signed it\n" : text;
}

site::Site plan_in(const std::string& directory, const SiteId& site) {
    voters::PlanFiles files;
    for (const auto& entry : fs::directory_iterator(directory)) {
        const auto name = entry.path().filename().native();
        if (name == "site.toml" || entry.path().extension() == ".csv") files[name] = read_file(entry.path());
    }
    auto checked = voters::check_plan(files, site);
    if (const auto* const refusal = std::get_if<voters::Refusal>(&checked)) throw Error(fmt::format("cannot use the plan '{}': {}", directory, refusal->text), join(refusal->details, "\n        "));
    return std::get<site::Site>(std::move(checked));
}

// By the plan: whose signatures these are, and whether a node would carry it out.
std::string judged_text(const SignedOrder& order, const site::Site& plan) {
    std::string text;
    for (const auto& one : voters::signers_of(order, plan)) text += fmt::format("  signed by {}\n", one.name);
    try {
        (void)voters::require_orderers(order, plan, now());
        return text + "  these may order it\n";
    } catch (const Error& error) {
        return text + fmt::format("  {}\n", error.message());
    }
}

struct Words {
    std::string file, key, passphrase, site;
    std::vector<std::string> lost, without, despite;
};

class Commands : CommandGroup<Words> {
public:
    Commands(CLI::App& app, const Choose& choose) : CommandGroup(app, choose) {}

    void add() {
        auto* order = app_.add_subcommand("order", "What operators order by their signatures, where no voter can ask them");
        order->require_subcommand(1);
        add_make(*order);
        auto* sign = command(*order, "sign", "Read it first (`order show`); each signs with a key of their own", "ashlarctl order sign order.json --key anna.key", [words = words_](const Door& door) {
            const auto signed_order = voters::with_signature(voters::order_from(read_file(words->file), words->file), operator_key(words->key, words->passphrase));
            write_file(words->file, text_of(signed_order));
            return show(door, {{"signatures", signed_order.signatures.size()}}, [&](const Json&) { return fmt::format("signed; {} now has {} signature{}\n", words->file, signed_order.signatures.size(), signed_order.signatures.size() == 1 ? "" : "s"); });
        });
        sign->add_option("FILE", words_->file, "The order; it is replaced")->required()->check(CLI::ExistingFile);
        add_key(*sign);
        auto* shown = command(*order, "show", "What it orders, and who has signed it", "ashlarctl order show order.json --site berlin-1/", [words = words_](const Door& door) {
            const std::string text = read_file(words->file);
            const auto read = voters::order_from(text, words->file);
            const std::string signers = words->site.empty() ? keys_text(read) : judged_text(read, plan_in(words->site, read.order.site));
            return show(door, parse_json(text, words->file), [&](const Json&) { return std::visit([](const auto& what) { return what_text(what); }, read.order.what) + fmt::format("  site {}\n", read.order.site.text()) + signers; });
        });
        shown->add_option("FILE", words_->file, "The order")->required()->check(CLI::ExistingFile);
        shown->add_option("--site", words_->site, "With this plan: whose signatures they are, and whether they are enough")->type_name("DIRECTORY")->check(CLI::ExistingDirectory);
    }

private:
    void add_make(CLI::App& order) {
        auto* make = order.add_subcommand("make", "An order for this node, which nobody has signed yet");
        make->require_subcommand(1);
        auto* recover = command(*make, "recover", "Too many voters are lost for good: the site goes on with this node alone. Takes two: one who is admin and another one who is approver", "ssh root@n01 ashlarctl order make recover --lost n02 --lost n03 > order.json", [words = words_](const Door& door) {
            return keep(door, words->file, ask_node(door, "RecoveryOrder", {{"lost", words->lost}}));
        });
        recover->add_option("--lost", words_->lost, "A voter that will not come back; all others must be named")->required()->type_name("NODE");
        add_output(*recover);
        auto* found = command(*make, "found", "The site begins without some of its voters, or despite disks that carry it. Takes one who is admin", "ssh root@n01 ashlarctl order make found --without n03 > order.json", [words = words_](const Door& door) {
            if (words->without.empty() && words->despite.empty()) throw Error("cannot make the order: it would order nothing", "say --without NODE or --despite NODE");
            return keep(door, words->file, ask_node(door, "FoundationOrder", {{"without", words->without}, {"despite", words->despite}}));
        });
        found->add_option("--without", words_->without, "A declared voter for which nobody waits; more than half of all must be left")->type_name("NODE");
        found->add_option("--despite", words_->despite, "A declared voter whose disks carry the site, which means nothing")->type_name("NODE");
        add_output(*found);
    }

    static int keep(const Door& door, const std::string& file, const Json& answer) { return keep_pem(door, file, answer, answer.at("order").get<std::string>()); }
};

} // namespace

void add_order_commands(CLI::App& app, const Choose& choose) { Commands(app, choose).add(); }

} // namespace ashlar::ctl
