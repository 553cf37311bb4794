#include "release_terms.hpp"

#include "check.hpp"
#include "words.hpp"

#include <base/text.hpp>
#include <rules/cut_rule.hpp>

#include <algorithm>

#include <fmt/format.h>

namespace ashlar::recipe {

namespace {

bool is_policy_file(std::string_view text) noexcept {
    constexpr std::string_view ending = ".toml";
    return text.ends_with(ending) && is_name(text.substr(0, text.size() - ending.size()));
}

class TermsReader {
public:
    TermsReader(toml::Table& root, Train& train) : root_(root), train_(train), release_(parse_release_version(train.release)) {}

    void read() {
        if (toml::Table* support = root_.table("support")) read_support(*support);
        read_previous();
        read_floors();
        read_order();
        for (toml::Table* table : root_.tables("barrier")) read_barrier(*table);
        for (toml::Table* table : root_.tables("accept")) read_acceptance(*table);
        read_budget();
        read_policy();
    }

private:
    void read_support(toml::Table& table) {
        const auto from = day(table, "from"), until = day(table, "until");
        if (!from || !until) return;
        train_.support = Support{*from, *until};
        if (*until < *from) table.problem(table.where("until"), "the support ends before it begins");
    }

    static std::optional<Day> day(toml::Table& table, std::string_view key) {
        const auto text = table.required_text(key);
        if (!text) return std::nullopt;
        const auto day = parse_day(text->value);
        if (!day) table.problem(text->position, fmt::format("{} is not a day", toml::quote(text->value)), "write it as \"2028-06-30\"");
        return day;
    }

    void read_previous() {
        const auto texts = root_.texts("previous");
        refuse_duplicates(root_.problems(), "release", texts);
        for (const auto& text : texts)
            if (const auto origin = parse_release_origin(text.value); !origin)
                root_.problem(text.position, fmt::format("{} is neither a release nor a train", toml::quote(text.value)), "write \"R0.3\", or \"R0\" for all releases of that train");
            else if (is_newer(*origin))
                not_older(text);
            else
                train_.previous.push_back(*origin);
        std::ranges::sort(train_.previous);
    }

    [[nodiscard]] bool is_newer(const ReleaseOrigin& origin) const {
        if (!release_) return false; // said already
        return origin.train > release_->train || (origin.number && ReleaseVersion{origin.train, *origin.number} >= *release_);
    }
    void not_older(const toml::Text& text) {
        root_.problem(text.position, fmt::format("{} is not older than {}", toml::quote(text.value), train_.release), "a node comes from what is older");
    }

    void read_floors() {
        const auto texts = root_.texts("floors");
        refuse_duplicates(root_.problems(), "floor", texts);
        for (const auto& text : texts)
            if (const auto floor = parse_release_version(text.value); !floor)
                root_.problem(text.position, fmt::format("{} is not a release", toml::quote(text.value)), "write \"R0.3\"");
            else if (is_newer({floor->train, floor->number}))
                not_older(text);
            else
                train_.floors.push_back(*floor);
        std::ranges::sort(train_.floors);
    }

    void read_order() {
        std::vector<toml::Text> placed;
        for (toml::Table* table : root_.tables("wave")) read_wave(*table, placed);
        refuse_duplicates(root_.problems(), "role", placed);
        if (!root_.has("wave")) return;
        for (const auto& role : train_.roles)
            if (std::ranges::find(placed, role, &toml::Text::value) == placed.end())
                root_.problem(root_.where("wave"), fmt::format("role '{}' is in no wave", role), "where there are waves, each role of the train is in one");
    }

    void read_wave(toml::Table& table, std::vector<toml::Text>& placed) {
        Wave wave;
        for (const auto& role : table.required_texts("roles")) {
            if (std::ranges::find(train_.roles, role.value) == train_.roles.end())
                table.problem(role.position, fmt::format("{} is not a role of this train", toml::quote(role.value)), fmt::format("known: {}", join(train_.roles, ", ")));
            wave.roles.push_back(role.value);
            placed.push_back(role);
        }
        const auto gates = only_valid(table, table.texts("gates"), is_name, "the name of a gate", "write lower-case letters, digits and '-', a letter first");
        refuse_duplicates(table.problems(), "gate", gates);
        for (const auto& gate : gates) wave.gates.push_back(gate.value);
        train_.order.push_back(std::move(wave));
    }

    void read_barrier(toml::Table& table) {
        Barrier barrier{name(table, "name"), name(table, "component"), one_line(table, "summary")};
        const auto same = [&](const Barrier& other) { return other.name == barrier.name; };
        if (std::ranges::any_of(train_.barriers, same)) table.problem(table.where("name"), fmt::format("barrier '{}' is given twice", barrier.name));
        train_.barriers.push_back(std::move(barrier));
    }

    static std::string name(toml::Table& table, std::string_view key) {
        const auto text = table.required_text(key);
        if (!text) return {};
        if (!is_name(text->value)) table.problem(text->position, fmt::format("{} is not a name", toml::quote(text->value)), "write lower-case letters, digits and '-', a letter first");
        return text->value;
    }

    static std::string one_line(toml::Table& table, std::string_view key) {
        const auto text = table.required_text(key);
        if (!text) return {};
        if (text->value.empty() || text->value.find('\n') != std::string::npos) table.problem(text->position, fmt::format("'{}' must be one line of text", key));
        return text->value;
    }

    void read_acceptance(toml::Table& table) {
        AcceptedWord word;
        if (!table.has("rule")) table.problem(table.position(), "missing key 'rule'");
        if (const auto rule = table.choice("rule", rules::cut_rules)) word.rule = rules::cut_rules[rule->value];
        word.subject = one_line(table, "subject");
        word.reason = one_line(table, "reason");
        word.position = table.position();
        for (const auto& other : train_.accept)
            if (other.rule == word.rule && other.subject == word.subject)
                report_twice(table.problems(), "accepted word", fmt::format("{} {}", word.rule, word.subject), word.position, other.position);
        train_.accept.push_back(std::move(word));
    }

    void read_budget() {
        const auto text = root_.text("budget");
        if (!text) return;
        train_.delta_budget = parse_size(text->value);
        if (!train_.delta_budget)
            root_.problem(text->position, fmt::format("{} is not a size", toml::quote(text->value)), "write a number, a blank and a unit, such as \"20 MiB\"");
    }

    void read_policy() {
        const auto text = root_.text("policy");
        if (!text) return;
        train_.policy = text->value;
        train_.places.set(Element::policy, text->value, text->position);
        if (!is_policy_file(text->value))
            root_.problem(text->position, fmt::format("{} is not a policy file", toml::quote(text->value)), "write the name of a .toml file in recipes/policies");
    }

    toml::Table& root_;
    Train& train_;
    std::optional<ReleaseVersion> release_; // nothing after a problem
};

} // namespace

void read_release_terms(toml::Table& root, Train& train) { TermsReader(root, train).read(); }

} // namespace ashlar::recipe
