#include <formation/reader.hpp>

#include "place.hpp"
#include "words.hpp"

#include <base/text.hpp>

#include <algorithm>
#include <array>
#include <optional>

#include <fmt/format.h>

namespace ashlar::formation {

namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 2> among{"nodes", "voters"};
constexpr std::array<std::string_view, 3> step_kinds{"local", "once", "serial"};
constexpr std::array<std::string_view, 2> makings{"identifier", "uuid"};
constexpr std::array<std::string_view, 2> secret_forms{"hex", "base64"}, given_secrets{"text", "certificate"};
constexpr std::array<std::string_view, 1> served_besides{"vip"};
constexpr std::array<std::string_view, 2> protocols{"tcp", "udp"};
constexpr std::array<std::string_view, 4> planes{"management", "storage", "tunnel", "provider"};
constexpr std::array<std::string_view, 2> audiences{"nodes", "everyone"};
constexpr std::array<std::string_view, 4> value_types{"boolean", "number", "text", "texts"};

constexpr std::string_view name_remedy = "write lower-case letters, digits and '-'";
constexpr std::string_view value_name_remedy = "write lower-case letters, digits, '_' and '-'";
constexpr std::size_t most_label = 63; // of a host name, which the formation's has in a certificate
constexpr unsigned least_secret = 16, most_secret = 64;
constexpr Duration default_observation_timeout{10'000}, default_every{30'000};

bool is_secret(std::string_view name) { return name.starts_with("secrets.") || name == certificate_key; }
bool is_secret_mode(unsigned mode) { return mode == 0600 || mode == 0400; }
bool is_below(std::string_view path, std::string_view folder) { return path.starts_with(folder) && path.size() > folder.size() && path[folder.size()] == '/'; }

// An expression stands in for one that could not be read: the file is refused anyway.
Expression nothing_read() {
    toml::Problems ignored;
    return *Expression::read({"false", {}}, Scope(), Type::boolean, ignored);
}

class FormationReader {
public:
    FormationReader(toml::Table& root, Formation& formation) : root_(root), formation_(formation), problems_(root.problems()) {}

    void read() {
        read_summary();
        read_placement();
        read_requirements();
        formation_.units = valid_texts(root_, "units", is_unit, "a unit", "write the whole name, such as \"memcached.service\"");
        for (toml::Table* table : root_.tables("port")) formation_.ports.push_back(port(*table));
        if (toml::Table* table = required_table("observe")) read_observation(*table);
        collect_conditions();
        if (toml::Table* table = root_.table("facts")) read_facts(*table);
        if (toml::Table* table = root_.table("secrets")) read_secrets(*table);
        if (toml::Table* table = root_.table("certificate")) read_certificate(*table);
        collect_names();
        if (toml::Table* table = root_.table("lists")) read_listings(*table);
        for (toml::Table* table : root_.tables("render")) formation_.renders.push_back(render(*table));
        for (toml::Table* table : root_.tables("step")) read_step(*table);
        for (toml::Table* table : root_.tables("check")) formation_.checks.push_back(check(*table));
        read_states();
        read_departures();
        refuse_contradictions();
    }

private:
    // ---- What it is and where it runs ----

    void read_summary() {
        const auto text = root_.required_text("summary");
        if (!text) return;
        formation_.summary = text->value;
        if (text->value.empty() || text->value.find('\n') != std::string::npos) problem(text->position, "the summary must be one line of text");
    }

    void read_placement() {
        for (auto& role : root_.required_texts("roles")) {
            if (!is_formation_name(role.value)) problem(role.position, fmt::format("{} is not a role name", toml::quote(role.value)), name_remedy);
            formation_.placement.roles.push_back(std::move(role));
        }
        refuse_twice("role", formation_.placement.roles);
        if (const auto choice = root_.choice("among", among)) formation_.placement.among = static_cast<Placement::Among>(choice->value);
        if (const auto count = root_.integer("count")) {
            if (count->value < 1 || count->value > 1000) return problem(count->position, fmt::format("{} is not a number of nodes", count->value), "write a number from 1 to 1000; without 'count' it runs on all");
            formation_.placement.count = static_cast<unsigned>(count->value);
        }
    }

    void read_requirements() {
        formation_.requires_ = valid_texts(root_, "requires", is_formation_name, "a formation", fmt::format("write the name of a formation, or {}", join(std::vector<std::string>{built_in_requirements.begin(), built_in_requirements.end()}, ", ")));
        for (const auto& text : formation_.requires_)
            if (text.value == formation_.name) problem(text.position, fmt::format("formation '{}' requires itself", text.value), "leave it out");
    }

    Port port(toml::Table& table) {
        Port port{table.position(), 0, 0, "tcp", "management", "nodes", {}};
        if (!table.has("number")) problem(table.position(), "missing key 'number'");
        if (const auto number = table.integer("number")) {
            if (number->value < 1 || number->value > 65535) problem(number->position, fmt::format("{} is not a port", number->value), "write a number from 1 to 65535");
            port.number = port.last = static_cast<unsigned>(number->value);
            port.position = number->position;
        }
        if (const auto last = table.integer("last")) {
            if (last->value <= port.number || last->value > 65535) problem(last->position, fmt::format("{} is not the last of several ports that begin with {}", last->value, port.number), "write a larger number, at most 65535; or leave 'last' out where it is one port");
            port.last = static_cast<unsigned>(last->value);
        }
        if (const auto choice = table.choice("protocol", protocols)) port.protocol = protocols[choice->value];
        if (const auto choice = table.choice("plane", planes)) port.plane = planes[choice->value];
        if (const auto choice = table.choice("open_to", audiences)) port.open_to = audiences[choice->value];
        if (const auto text = table.required_text("summary")) port.summary = text->value;
        return port;
    }

    // ---- Observation ----

    void read_observation(toml::Table& table) {
        Observation& observation = formation_.observation;
        observation.timeout = duration(table, "timeout").value_or(default_observation_timeout);
        observation.every = duration(table, "every").value_or(default_every);
        for (auto& [name, type] : table.pairs("prints")) read_value(name, type);
        if (observation.prints.empty()) problem(table.where("prints"), "[observe] prints nothing", "name what the program prints: prints = { running = \"boolean\" }");
        // What observes knows the node and the site, and nothing that is to be found out.
        observation.argv = arguments(table, "run", site_names());
        if (observation.argv.empty() && !table.has("run")) problem(table.position(), "missing key 'run'");
    }

    void read_value(const Text& name, const Text& type) {
        if (!is_value_name(name.value)) problem(name.position, fmt::format("{} is not a name", toml::quote(name.value)), value_name_remedy);
        std::string_view word = type.value;
        const bool is_optional = word.ends_with('?');
        if (is_optional) word.remove_suffix(1);
        const auto found = std::ranges::find(value_types, word);
        if (found == value_types.end()) return problem(type.position, fmt::format("unknown type {}", toml::quote(type.value)), "known: boolean, number, text, texts; number and text may have a '?' behind them");
        const Type known = static_cast<Type>(found - value_types.begin());
        if (is_optional && (known == Type::boolean || known == Type::texts)) problem(type.position, fmt::format("{} cannot be absent", name_of(known)), known == Type::boolean ? "print false" : "print an empty list");
        formation_.observation.prints.push_back({name, {known, is_optional ? Symbol::Presence::sometimes : Symbol::Presence::always}});
    }

    // ---- Facts and secrets ----

    void read_facts(toml::Table& table) {
        for (const auto& name : names_in(table)) {
            toml::Table* entry = table.table(name.value);
            if (!entry) continue;
            const bool is_made = entry->has("once"), is_observed = entry->has("observed");
            const auto making = entry->choice("once", makings);
            const auto observed = entry->text("observed");
            if (is_made == is_observed) problem(entry->position(), "a fact is either made once or observed", "give 'once' or 'observed'");
            else if (making) formation_.facts.push_back({name, static_cast<Fact::Making>(making->value)});
            else if (observed)
                if (auto expression = Expression::read(*observed, observed_names(), Type::text, problems_)) formation_.facts.push_back({name, std::move(*expression)});
        }
    }

    void read_secrets(toml::Table& table) {
        for (const auto& name : names_in(table)) {
            toml::Table* entry = table.table(name.value);
            if (!entry) continue;
            Secret secret{.name = name, .also = {}};
            if (const auto size = entry->integer("size")) {
                if (size->value < least_secret || size->value > most_secret) problem(size->position, fmt::format("{} is not the size of a secret", size->value), fmt::format("write a number of bytes from {} to {}", least_secret, most_secret));
                else secret.size = static_cast<unsigned>(size->value);
            }
            if (const auto form = entry->choice("form", secret_forms)) secret.form = static_cast<Secret::Form>(form->value);
            if (const auto given = entry->choice("given", given_secrets)) {
                secret.given = static_cast<Secret::Given>(given->value);
                if (entry->has("size") || entry->has("form")) problem(given->position, "what a person gives has neither 'size' nor 'form'", "leave them out, or 'given'");
            }
            secret.also = valid_texts(*entry, "also", is_formation_name, "a formation", name_remedy);
            formation_.secrets.push_back(std::move(secret));
        }
    }

    void read_certificate(toml::Table& table) {
        Certificate certificate{table.position()};
        for (const auto& text : table.texts("also_for")) {
            if (std::ranges::find(served_besides, text.value) == served_besides.end()) problem(text.position, fmt::format("a certificate is for the node, and for nothing that is called {}", toml::quote(text.value)), "write \"vip\", for the site's virtual addresses, or leave it out");
            else certificate.is_for_vip = true;
        }
        if (formation_.name.ends_with('-') || formation_.name.size() > most_label) problem(table.position(), fmt::format("'{}' cannot be a host name, which it is in a certificate", formation_.name), fmt::format("a name of at most {} letters, digits and '-', which is not at its end", most_label));
        formation_.certificate = std::move(certificate);
    }

    std::vector<Text> names_in(toml::Table& table) {
        std::vector<Text> names = table.keys();
        std::erase_if(names, [&](const Text& name) {
            if (is_value_name(name.value)) return false;
            problem(name.position, fmt::format("{} is not a name", toml::quote(name.value)), value_name_remedy);
            (void)table.table(name.value);
            return true;
        });
        return names;
    }

    // ---- Names that parts may say ----

    [[nodiscard]] Scope observed_names() const {
        Scope scope;
        for (const auto& value : formation_.observation.prints) scope.add("observation." + value.name.value, value.symbol);
        return scope;
    }

    // Facts and secrets are read with what stands in them; conditions know them afterwards.
    void collect_conditions() { conditions_.add(observed_names()); }

    void collect_names() {
        texts_.add(site_names());
        texts_.add(formation_names());
        for (const auto& fact : formation_.facts) texts_.add("facts." + fact.name.value, {Type::text, Symbol::Presence::sometimes});
        texts_.allow_foreign("facts", Reference::Kind::fact);
        conditions_.add(texts_);
        for (const auto& secret : formation_.secrets) secrets_.add("secrets." + secret.name.value, {Type::text, Symbol::Presence::sometimes});
        secrets_.allow_foreign("secrets", Reference::Kind::secret);
        if (!formation_.certificate) return;
        secrets_.add(std::string(certificate_key), {Type::text, Symbol::Presence::sometimes});
        secrets_.add(std::string(certificate_chain), {Type::text, Symbol::Presence::sometimes});
    }

    // ---- Lists ----

    void read_listings(toml::Table& table) {
        for (const auto& name : names_in(table))
            if (toml::Table* entry = table.table(name.value)) read_listing(*entry, name);
        for (const auto& listing : formation_.listings) texts_.add("lists." + listing.name.value, {Type::text, Symbol::Presence::sometimes});
    }

    void read_listing(toml::Table& entry, const Text& name) {
        Scope scope = texts_;
        const auto of = entry.required_text("of");
        const auto source = of ? listing_source(*of, scope) : std::nullopt;
        const auto where = entry.text("where");
        const auto item = entry.required_text("item");
        const auto separator = entry.text("join");
        if (!source || !item) return;
        auto chosen = where ? condition(*where, scope) : std::nullopt;
        if (auto filled = Template::read(*item, scope, problems_)) {
            note(filled->references());
            formation_.listings.push_back({name, *source, std::move(chosen), std::move(*filled), separator ? separator->value : ","});
        }
    }

    std::optional<decltype(Listing::of)> listing_source(const Text& of, Scope& scope) {
        const bool is_named = of.value.find('.') != std::string::npos;
        if (is_named) {
            const Symbol* symbol = texts_.find(of.value);
            if (!symbol || symbol->type != Type::texts) {
                problem(of.position, fmt::format("{} is not a list of texts", toml::quote(of.value)), nearest(of.value, lists_of_texts(), "known"));
                return std::nullopt;
            }
            scope.add("item", {Type::text});
            return Listing::Named{of.value};
        }
        scope.add(item_names());
        if (of.value == "members") return Listing::Members{};
        if (of.value == "others") return Listing::Others{};
        if (of.value == "nodes") return Listing::All{};
        if (!is_formation_name(of.value)) {
            problem(of.position, fmt::format("{} is not a formation", toml::quote(of.value)), "write \"members\", \"others\", \"nodes\", the name of a formation, or a list such as \"site.time_servers\"");
            return std::nullopt;
        }
        formation_.references.push_back({Reference::Kind::formation, of.value, {}, of.position});
        return Listing::Placed{of.value};
    }

    [[nodiscard]] std::vector<std::string> lists_of_texts() const {
        std::vector<std::string> names = texts_.names();
        std::erase_if(names, [&](const std::string& name) { return texts_.find(name)->type != Type::texts; });
        return names;
    }

    // ---- Files ----

    Render render(toml::Table& table) {
        const auto path = table.required_text("path");
        const auto owner = table.required_text("owner"), mode = table.required_text("mode"), text = table.required_text("text");
        Scope scope = texts_;
        scope.add(secrets_);
        Render render{path.value_or(Text{{}, table.position()}), {}, {}, 0, *Template::read({}, Scope(), problems_), false, {}, {}};
        if (text)
            if (auto filled = Template::read(*text, scope, problems_)) render.text = std::move(*filled);
        note(render.text.references());
        render.has_secrets = std::ranges::any_of(render.text.names(), is_secret);
        render.reload = units_of_render(table, "reload");
        render.restart = units_of_render(table, "restart");
        if (const auto optional = table.boolean("optional")) render.is_optional = optional->value;
        if (owner) take_owner(render, *owner);
        if (mode) take_mode(render, *mode);
        if (path) check_path(render);
        return render;
    }

    std::vector<Text> units_of_render(toml::Table& table, std::string_view key) { return own_units(valid_texts(table, key, is_unit, "a unit", "write the whole name, such as \"memcached.service\"")); }

    void take_owner(Render& render, const Text& owner) {
        if (!is_owner(owner.value)) return problem(owner.position, fmt::format("{} is not an owner", toml::quote(owner.value)), "write user:group by name, such as \"root:root\"");
        const std::size_t colon = owner.value.find(':');
        render.owner = owner.value.substr(0, colon);
        render.group = owner.value.substr(colon + 1);
    }

    void take_mode(Render& render, const Text& mode) {
        const auto bits = parse_mode(mode.value);
        if (!bits || *bits > 0777) return problem(mode.position, fmt::format("{} is not a mode", toml::quote(mode.value)), "write four octal digits up to 0777, such as \"0644\"");
        render.mode = *bits;
        if (render.has_secrets && !is_secret_mode(*bits)) problem(mode.position, "a file with a secret is for its owner alone", "write \"0600\" or \"0400\"");
    }

    void check_path(const Render& render) {
        const auto& [path, position] = render.path;
        if (!is_path(path) || (!is_below(path, "/run") && !is_below(path, "/etc")))
            return problem(position, fmt::format("{} is not a place for a file that is rendered", toml::quote(path)), "write an absolute path below /run or /etc: both are made anew at each start");
        if (render.has_secrets && !is_below(path, "/run")) problem(position, "a file with a secret lies in memory only", "write a path below /run");
    }

    // ---- Steps ----

    void read_step(toml::Table& table) {
        const auto id = table.required_text("id");
        const auto kind = table.choice("kind", step_kinds);
        if (!table.has("kind")) problem(table.position(), "missing key 'kind'", "write \"local\", \"once\" or \"serial\"");
        if (id && !is_value_name(id->value)) problem(id->position, fmt::format("{} is not a name", toml::quote(id->value)), value_name_remedy);
        if (id && (id->value == "replace" || id->value == "remove")) problem(id->position, fmt::format("no step is called '{}'", id->value), fmt::format("write it as [{}]", id->value));
        Deed deed = read_deed(table, {});
        formation_.steps.push_back({id.value_or(Text{{}, table.position()}), kind ? static_cast<Step::Kind>(kind->value) : Step::Kind::local, std::move(deed)});
    }

    Deed read_deed(toml::Table& table, const Scope& more) {
        Scope conditions = conditions_, words = conditions_;
        conditions.add(more);
        words.add(more);
        words.add(texts_); // with lists
        Deed deed{table.position(), {}, nothing_read(), {}, {}, {}, nothing_read()};
        if (const auto text = table.required_text("summary")) deed.summary = text->value;
        if (auto when = condition(table, "when", conditions)) deed.when = std::move(*when);
        if (auto verify = condition(table, "verify", conditions)) deed.verify = std::move(*verify);
        deed.run = arguments(table, "run", words);
        deed.start = own_units(valid_texts(table, "start", is_unit, "a unit", "write the whole name"));
        if (table.has("run") == table.has("start")) problem(table.position(), "a step either runs a program or starts units", "give 'run' or 'start'");
        const auto timeout = duration(table, "timeout");
        if (!table.has("timeout")) problem(table.position(), "missing key 'timeout'");
        deed.timeout = timeout.value_or(Duration(0));
        return deed;
    }

    Check check(toml::Table& table) {
        Check check{table.required_text("id").value_or(Text{{}, table.position()}), {}, {}, {}};
        if (!check.id.value.empty() && !is_value_name(check.id.value)) problem(check.id.position, fmt::format("{} is not a name", toml::quote(check.id.value)), value_name_remedy);
        if (const auto text = table.required_text("summary")) check.summary = text->value;
        Scope words = conditions_;
        words.add(texts_);
        check.run = arguments(table, "run", words);
        if (!table.has("run")) problem(table.position(), "missing key 'run'", "name a program in full, and its arguments");
        if (!table.has("timeout")) problem(table.position(), "missing key 'timeout'");
        check.timeout = duration(table, "timeout").value_or(Duration(0));
        return check;
    }

    void read_states() {
        if (const auto text = root_.text("present")) formation_.present = condition(*text, conditions_);
        if (auto healthy = condition(root_, "healthy", conditions_)) formation_.healthy = std::move(*healthy);
    }

    void read_departures() {
        if (toml::Table* table = root_.table("replace")) formation_.replace = read_deed(*table, {});
        if (toml::Table* table = root_.table("remove")) formation_.remove = read_deed(*table, gone_names());
    }

    // ---- What contradicts itself ----

    void refuse_contradictions() {
        std::vector<Text> ids, paths;
        for (const auto& step : formation_.steps) ids.push_back(step.id);
        for (const auto& render : formation_.renders) paths.push_back(render.path);
        refuse_twice("step", ids);
        ids.clear();
        for (const auto& check : formation_.checks) ids.push_back(check.id);
        refuse_twice("check", ids);
        refuse_twice("path", paths);
        refuse_twice("unit", formation_.units);
        refuse_twice("requirement", formation_.requires_);
        if (formation_.present) return;
        for (const auto& step : formation_.steps)
            if (step.kind == Step::Kind::once) return problem(step.deed.position, "a step that is done once makes data, and nothing says whether a node has it", "add present = \"<condition>\"");
        if (formation_.replace) problem(formation_.replace->position, "[replace] is for data that is gone, and nothing says whether a node has it", "add present = \"<condition>\"");
    }

    // ---- Small parts ----

    std::optional<Expression> condition(toml::Table& table, std::string_view key, const Scope& scope) {
        const auto text = table.required_text(key);
        return text ? condition(*text, scope) : std::nullopt;
    }

    std::optional<Expression> condition(const Text& text, const Scope& scope) {
        auto expression = Expression::read(text, scope, Type::boolean, problems_);
        if (expression) note(expression->references());
        return expression;
    }

    std::vector<Template> arguments(toml::Table& table, std::string_view key, const Scope& scope) {
        std::vector<Template> filled;
        const auto texts = table.texts(key);
        Scope with_secrets = scope;
        with_secrets.add(secrets_);
        for (const auto& text : texts) {
            if (auto word = Template::read(text, with_secrets, problems_)) {
                refuse_secrets(text, *word);
                note(word->references());
                filled.push_back(std::move(*word));
            }
        }
        if (table.has(key) && texts.empty()) problem(table.where(key), fmt::format("'{}' must hold at least one string", key));
        if (!texts.empty() && !is_path(texts.front().value)) problem(texts.front().position, fmt::format("{} is not the path of a program", toml::quote(texts.front().value)), "write it in full, such as \"/usr/bin/etcdctl\"");
        return filled;
    }

    // Everybody on a machine sees what its programs were called with.
    void refuse_secrets(const Text& text, const Template& word) {
        for (const auto& name : word.names())
            if (is_secret(name)) problem(place_in(text, text.value.find(name), name.size()), "a secret is never an argument", "render it to a file below /run, and let the program read that");
    }

    std::optional<Duration> duration(toml::Table& table, std::string_view key) {
        const auto text = table.text(key);
        if (!text) return std::nullopt;
        const auto parsed = parse_duration(text->value);
        if (!parsed) problem(text->position, fmt::format("{} is not a time", toml::quote(text->value)), "write a whole number and ms, s, min or h, such as \"90 s\"; at most a day");
        return parsed;
    }

    toml::Table* required_table(std::string_view key) {
        if (!root_.has(key)) problem(root_.position(), fmt::format("missing table [{}]", key));
        return root_.table(key);
    }

    std::vector<Text> valid_texts(toml::Table& table, std::string_view key, bool (*is_valid)(std::string_view) noexcept, std::string_view what, std::string_view remedy) {
        auto texts = table.texts(key);
        std::erase_if(texts, [&](const Text& text) {
            if (is_valid(text.value)) return false;
            problem(text.position, fmt::format("{} is not {}", toml::quote(text.value), what), remedy);
            return true;
        });
        return texts;
    }

    // A formation touches no unit that it does not name as its own.
    std::vector<Text> own_units(std::vector<Text> texts) {
        std::vector<std::string> own;
        for (const auto& unit : formation_.units) own.push_back(unit.value);
        for (const auto& text : texts)
            if (std::ranges::find(own, text.value) == own.end()) problem(text.position, fmt::format("unit '{}' is none of the formation's", text.value), own.empty() ? "name it in 'units'" : nearest(text.value, own, "its units"));
        return texts;
    }

    void refuse_twice(std::string_view what, const std::vector<Text>& texts) {
        for (auto second = texts.begin(); second != texts.end(); ++second) {
            const auto first = std::ranges::find(texts.begin(), second, second->value, &Text::value);
            if (first == second || second->value.empty()) continue;
            problems_.add(toml::Diagnostic{second->position, fmt::format("{} {} is given twice", what, toml::quote(second->value)), {}, {{first->position, "first given here"}}});
        }
    }

    void note(const std::vector<Reference>& references) { formation_.references.insert(formation_.references.end(), references.begin(), references.end()); }
    void problem(toml::Position position, std::string message, std::string_view remedy = {}) { problems_.add(std::move(position), std::move(message), std::string(remedy)); }

    toml::Table& root_;
    Formation& formation_;
    toml::Problems& problems_;
    Scope conditions_; // of when, verify, present, healthy
    Scope texts_;      // of files and lists
    Scope secrets_;
};

} // namespace

std::string_view name_of(Step::Kind kind) noexcept { return step_kinds[static_cast<std::size_t>(kind)]; }

bool Formation::is_formed_once() const {
    return std::ranges::any_of(steps, [](const Step& step) { return step.kind == Step::Kind::once; });
}

const Fact* Formation::fact(std::string_view fact_name) const {
    const auto found = std::ranges::find_if(facts, [&](const Fact& fact) { return fact.name.value == fact_name; });
    return found == facts.end() ? nullptr : &*found;
}

const Secret* Formation::secret(std::string_view secret_name) const {
    const auto found = std::ranges::find_if(secrets, [&](const Secret& secret) { return secret.name.value == secret_name; });
    return found == secrets.end() ? nullptr : &*found;
}

Formation read_formation(const toml::SourcePtr& source, std::string name) {
    return toml::read(source, [&](toml::Table& root) {
        Formation formation{.name = std::move(name), .position = toml::Position{source}, .healthy = nothing_read()};
        FormationReader(root, formation).read();
        return formation;
    });
}

Formations read_folder(const fs::path& folder, const fs::path& shown) {
    Formations formations;
    std::error_code absent;
    std::vector<fs::path> files;
    for (const auto& entry : fs::directory_iterator(folder, absent))
        if (entry.is_regular_file() && entry.path().extension() == ".toml") files.push_back(entry.path());
    std::ranges::sort(files);
    for (const auto& file : files) {
        const std::string name = file.stem();
        if (!is_formation_name(name)) throw Error(fmt::format("cannot read '{}': {} is not the name of a formation", (shown / file.filename()).native(), toml::quote(name)), std::string(name_remedy));
        formations.emplace(name, read_formation(toml::source_from_file(file, shown / file.filename()), name));
    }
    return formations;
}

} // namespace ashlar::formation
