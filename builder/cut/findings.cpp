#include <cut/findings.hpp>

#include <base/text.hpp>
#include <debian/package.hpp>

#include <algorithm>
#include <iterator>
#include <set>
#include <tuple>

#include <fmt/format.h>

namespace ashlar::cut {

namespace {

// Findings that are the same but for their roles become one.
class Findings {
public:
    // `text`: the cause, in which {} stands for the roles.
    struct Key {
        std::string subject, before, after, remedy;
        auto operator<=>(const Key&) const = default;
    };
    void add(Key key, const std::string& role) { roles_[std::move(key)].insert(role); }

    [[nodiscard]] std::vector<Finding> of(rules::CutRule rule) const {
        std::vector<Finding> findings;
        for (const auto& [key, roles] : roles_) {
            const std::vector<std::string> names(roles.begin(), roles.end());
            findings.push_back({rule, key.subject, fmt::format("{} in {}{}", key.before, join(names, ", "), key.after), key.remedy});
        }
        return findings;
    }

private:
    std::map<Key, std::set<std::string>> roles_;
};

// The images that a node of this role may come from: its own, or all where the role is new.
std::vector<const facts::ImageFacts*> images_before(const ReleaseFacts& from, const std::string& role) {
    std::vector<const facts::ImageFacts*> same, all;
    for (const auto& image : from.images) {
        all.push_back(&image);
        if (image.manifest.role == role) same.push_back(&image);
    }
    return same.empty() ? all : same;
}

const facts::ImageFacts* image_of(const ReleaseFacts& release, const std::string& role) {
    const auto found = std::ranges::find_if(release.images, [&](const facts::ImageFacts& image) { return image.manifest.role == role; });
    return found == release.images.end() ? nullptr : &*found;
}

const evidence::ManifestPackage* first_package(const facts::ImageFacts& image, const std::vector<std::string>& names) {
    for (const std::string& name : names)
        if (const auto* package = image.package(name)) return package;
    return nullptr;
}

void append(std::vector<Finding>& all, std::vector<Finding> more) { std::ranges::move(more, std::back_inserter(all)); }

const ReleaseComponent* find(const Reading& reading, std::string_view name) {
    const auto found = std::ranges::find(reading.components, name, &ReleaseComponent::name);
    return found == reading.components.end() ? nullptr : &*found;
}

} // namespace

// ---- Components -----------------------------------------------------------------------------------

namespace {

constexpr const char* step_advice = "databases and files on disk do not go back: take a version of the line before, or a newer one";

class ComponentReader {
public:
    ComponentReader(const rules::Component& component, const rules::Rule& rule, const ReleaseFacts& release)
        : component_(component), rule_(rule), release_(release) {}

    void read(Reading& reading) {
        for (const auto& image : release_.images)
            if (const auto* package = first_package(image, component_.packages)) take(*package, image.manifest.role, reading);
        if (!found_) return;
        std::ranges::sort(found_->roles);
        const auto line = line_of(component_, rule_, found_->version);
        if (line)
            found_->maintained_until = maintained_until(component_, rule_, *line);
        else
            reading.findings.push_back(unknown_line());
        reading.components.push_back(*found_);
    }

private:
    void take(const evidence::ManifestPackage& package, const std::string& role, Reading& reading) {
        const std::string version = rules::upstream_version(package.version);
        if (!found_)
            found_ = {.name = component_.name, .version = version, .package = package.name, .package_version = package.version, .maintainer = component_.maintainer};
        else if (version != found_->version)
            reading.findings.push_back(mixed(version, role));
        found_->roles.push_back(role);
    }

    [[nodiscard]] Finding mixed(const std::string& version, const std::string& role) const {
        return {rules::CutRule::component_mixed, component_.name,
                fmt::format("{} has {} in {}, and {} in {}", release_.release, found_->version, found_->roles.front(), version, role),
                "build all roles from one lock"};
    }
    [[nodiscard]] Finding unknown_line() const {
        return {rules::CutRule::component_line, component_.name,
                fmt::format("the line of {} {} in {} is not known", found_->package, found_->package_version, release_.release),
                fmt::format("add it to recipes/components.toml, at component '{}'", component_.name)};
    }

    const rules::Component& component_;
    const rules::Rule& rule_;
    const ReleaseFacts& release_;
    std::optional<ReleaseComponent> found_;
};

std::optional<Finding> step_finding(const rules::Component& component, const rules::Rule& rule, std::string_view release, const ReleaseComponent& from,
                                    const ReleaseComponent& to) {
    const auto finding = [&](std::string_view cause, std::string remedy) {
        return Finding{rules::CutRule::component_step, component.name, fmt::format("from {}: {}", release, cause), std::move(remedy)};
    };
    const auto from_line = line_of(component, rule, from.version), to_line = line_of(component, rule, to.version);
    if (from_line && to_line)
        if (auto forbidden = forbidden_step(rule, *from_line, *to_line)) return finding(forbidden->cause, std::move(forbidden->remedy));
    if (debian::compare_versions(to.version, from.version) < 0) return finding(fmt::format("it goes back from {} to {}", from.version, to.version), step_advice);
    return std::nullopt;
}

} // namespace

Reading read_components(const rules::Components& components, const ReleaseFacts& release) {
    Reading reading;
    for (const auto& component : components.components) ComponentReader(component, components.rule_of(component), release).read(reading);
    std::ranges::sort(reading.components, {}, &ReleaseComponent::name);
    return reading;
}

std::vector<Finding> component_findings(const rules::Components& components, const ReleaseFacts& from, const ReleaseFacts& to) {
    std::vector<Finding> findings;
    const Reading before = read_components(components, from), after = read_components(components, to);
    for (const ReleaseComponent& old_one : before.components) {
        const auto& component = *components.component(old_one.name);
        const auto* new_one = find(after, old_one.name);
        if (!new_one)
            findings.push_back({rules::CutRule::component_gone, old_one.name, fmt::format("from {}: it has {} {} in {}, and no role has it now", from.release, old_one.package, old_one.package_version, join(old_one.roles, ", ")),
                                "what it stored is left behind on nodes: move it before, or keep the component"});
        else if (auto step = step_finding(component, components.rule_of(component), from.release, old_one, *new_one))
            findings.push_back(std::move(*step));
    }
    // Without the old line nothing can be said of the step.
    append(findings, before.findings);
    std::erase_if(findings, [](const Finding& finding) { return finding.rule == rules::CutRule::component_mixed; });
    return findings;
}

std::vector<Finding> hyperconverged_findings(const rules::Components& components, const ReleaseFacts& from, const ReleaseFacts& to) {
    std::vector<Finding> findings;
    const Reading before = read_components(components, from), after = read_components(components, to);
    for (const auto& component : components.components) {
        const auto *old_one = find(before, component.name), *new_one = find(after, component.name);
        if (component.in_turn.empty() || !old_one || !new_one || old_one->version == new_one->version) continue;
        for (const auto& image : to.images)
            if (std::ranges::all_of(component.in_turn, [&](const std::string& name) { return image.package(name) != nullptr; }))
                findings.push_back({rules::CutRule::hyperconverged, image.manifest.role,
                                    fmt::format("from {}: {} goes from {} to {}, and the image has {} together, which upstream upgrades one after the other over all nodes", from.release,
                                                component.name, old_one->version, new_one->version, join(component.in_turn, ", ")),
                                    fmt::format("keep {} at {}, or take the parts apart into roles of their own", component.name, old_one->version)});
    }
    return findings;
}

std::vector<Finding> end_findings(const rules::Components& components, const ReleaseFacts& release, Day day) {
    std::vector<Finding> findings;
    for (const ReleaseComponent& found : read_components(components, release).components) {
        const auto& component = *components.component(found.name);
        const auto& rule = components.rule_of(component);
        const auto line = line_of(component, rule, found.version);
        if (!line || (found.maintained_until && day <= *found.maintained_until)) continue;
        const std::string titled = rule.titled(*line);
        findings.push_back({rules::CutRule::component_end, found.name,
                            found.maintained_until ? fmt::format("{} was maintained until {}, and it is {}", titled, to_text(*found.maintained_until), to_text(day))
                                                   : fmt::format("nobody says until when {} is maintained", titled),
                            found.maintained_until ? "take a newer line, or say who keeps it" : fmt::format("add the day to recipes/components.toml, or say who keeps it")});
    }
    return findings;
}

// ---- Accounts -------------------------------------------------------------------------------------

Accounts accounts_of(const root::Ledger& ledger) {
    Accounts accounts;
    for (const auto& account : ledger.accounts()) accounts[account.name] = {account.uid, account.gid};
    return accounts;
}

namespace {

using Number = std::optional<std::uint32_t> AccountNumbers::*;
constexpr const char* account_advice = "files under /var would belong to somebody else: keep the number";

std::map<std::uint32_t, std::string> owners(const Accounts& accounts, Number number) {
    std::map<std::uint32_t, std::string> owners;
    for (const auto& [name, numbers] : accounts)
        if (numbers.*number) owners.emplace(*(numbers.*number), name);
    return owners;
}

void compare_ledgers(std::vector<Finding>& findings, const ReleaseFacts& from, const ReleaseFacts& to, Number number, std::string_view word) {
    const auto before = owners(*from.accounts, number), after = owners(*to.accounts, number);
    for (const auto& [name, numbers] : *to.accounts) {
        if (!(numbers.*number)) continue;
        const auto old_one = from.accounts->find(name);
        const auto old_number = old_one == from.accounts->end() ? std::nullopt : old_one->second.*number;
        const auto old_owner = before.find(*(numbers.*number));
        if (old_number && old_number != numbers.*number)
            findings.push_back({rules::CutRule::account, name, fmt::format("its {} was {} in {}, and is {} now", word, *old_number, from.release, *(numbers.*number)), account_advice});
        else if (!old_number && old_owner != before.end() && old_owner->second != name)
            findings.push_back({rules::CutRule::account, name, fmt::format("its {} {} was that of '{}' in {}", word, *(numbers.*number), old_owner->second, from.release),
                                "a number that was used is not given again: take a new one"});
    }
}

// A path whose owner moved: the first one of each move, and how many there are.
struct Move {
    std::string path, role;
    std::size_t paths = 0;
};

void compare_owners(std::vector<Finding>& findings, const ReleaseFacts& from, const ReleaseFacts& to, std::uint32_t pipeline::EntryRecord::*number, std::string_view word) {
    std::map<std::pair<std::uint32_t, std::uint32_t>, Move> moves;
    for (const auto& image : to.images) {
        const auto* before = image_of(from, image.manifest.role);
        if (!before) continue;
        for (const auto& entry : image.tree) {
            const auto* old_entry = before->entry(entry.path);
            // Root's files that get an owner, and others that become root's, are a package's matter.
            if (!old_entry || old_entry->*number == entry.*number || old_entry->*number == 0 || entry.*number == 0) continue;
            Move& move = moves[{old_entry->*number, entry.*number}];
            if (move.paths++ == 0) move = {entry.path, image.manifest.role, 1};
        }
    }
    for (const auto& [numbers, move] : moves)
        findings.push_back({rules::CutRule::account, fmt::format("{} {}", word, numbers.first),
                            fmt::format("/{} had {} {} in {}, and has {} now in {}{}", move.path, word, numbers.first, from.release, numbers.second, move.role,
                                        move.paths > 1 ? fmt::format(", and {} more", move.paths - 1) : ""),
                            account_advice});
}

} // namespace

std::vector<Finding> account_findings(const ReleaseFacts& from, const ReleaseFacts& to) {
    std::vector<Finding> findings;
    if (from.accounts && to.accounts) {
        compare_ledgers(findings, from, to, &AccountNumbers::uid, "uid");
        compare_ledgers(findings, from, to, &AccountNumbers::gid, "gid");
    }
    compare_owners(findings, from, to, &pipeline::EntryRecord::uid, "uid");
    compare_owners(findings, from, to, &pipeline::EntryRecord::gid, "gid");
    return findings;
}

// ---- Set-uid files and what listens ---------------------------------------------------------------

namespace {

constexpr unsigned set_uid = 04000, set_gid = 02000;

std::string_view bits_of(unsigned mode) {
    if ((mode & set_uid) && (mode & set_gid)) return "set-uid and set-gid";
    return mode & set_uid ? "set-uid" : "set-gid";
}

bool is_as_trusted(const pipeline::EntryRecord& before, const pipeline::EntryRecord& now) {
    const unsigned bits = now.mode & (set_uid | set_gid);
    const bool owner = !(bits & set_uid) || before.uid == now.uid, group = !(bits & set_gid) || before.gid == now.gid;
    return before.type == root::EntryType::file && (before.mode & bits) == bits && owner && group;
}

// What there was in place of a file; nothing: the same.
std::optional<std::string> difference(const std::vector<const facts::ImageFacts*>& before, const pipeline::EntryRecord& now, std::string_view release) {
    std::string difference = fmt::format("; {} has no such file", release);
    for (const auto* image : before) {
        const auto* old_entry = image->entry(now.path);
        if (!old_entry) continue;
        if (is_as_trusted(*old_entry, now)) return std::nullopt;
        difference = fmt::format("; {} has it with mode {:04o} and owner {}:{}", release, old_entry->mode, old_entry->uid, old_entry->gid);
    }
    return difference;
}

std::string described(const pipeline::EntryRecord& file) {
    return fmt::format("{}, mode {:04o}, owner {}:{}{},", bits_of(file.mode), file.mode, file.uid, file.gid, file.package.empty() ? "" : fmt::format(", package '{}'", file.package));
}

} // namespace

std::vector<Finding> set_id_findings(const ReleaseFacts& from, const ReleaseFacts& to) {
    Findings findings;
    for (const auto& image : to.images) {
        const auto before = images_before(from, image.manifest.role);
        for (const auto* file : image.set_id_files())
            if (const auto changed = difference(before, *file, from.release))
                findings.add({fmt::format("/{}", file->path), described(*file), *changed, "look why it needs that; drop it by the role's 'drop', or give it another mode"}, image.manifest.role);
    }
    return findings.of(rules::CutRule::set_id);
}

std::vector<Finding> listener_findings(const ReleaseFacts& from, const ReleaseFacts& to) {
    Findings findings;
    for (const auto& image : to.images) {
        std::set<std::string> known;
        for (const auto* before : images_before(from, image.manifest.role))
            for (auto& unit : before->started_units()) known.insert(std::move(unit));
        for (const std::string& unit : image.started_units())
            if (!known.contains(unit))
                findings.add({unit, "it starts by itself", fmt::format("; in {} it does not", from.release), "look whether it listens, and for whom; take it out of the role's 'services', or mask it"}, image.manifest.role);
    }
    return findings.of(rules::CutRule::listener);
}

// ---- All together ---------------------------------------------------------------------------------

namespace {

std::vector<Finding> each_once(std::vector<Finding> findings) {
    const auto key = [](const Finding& finding) { return std::tie(finding.rule, finding.subject, finding.cause); };
    std::ranges::sort(findings, {}, key);
    const auto same = std::ranges::unique(findings);
    findings.erase(same.begin(), same.end());
    return findings;
}

} // namespace

std::vector<Finding> package_findings(const rules::Components& components, const ReleaseFacts& release, const std::vector<ReleaseFacts>& previous, Day day) {
    std::vector<Finding> findings = read_components(components, release).findings;
    append(findings, end_findings(components, release, day));
    for (const ReleaseFacts& from : previous) {
        append(findings, component_findings(components, from, release));
        append(findings, hyperconverged_findings(components, from, release));
    }
    return each_once(std::move(findings));
}

std::vector<Finding> all_findings(const rules::Components& components, const ReleaseFacts& release, const std::vector<ReleaseFacts>& previous, Day day) {
    std::vector<Finding> findings = package_findings(components, release, previous, day);
    for (const ReleaseFacts& from : previous) {
        append(findings, account_findings(from, release));
        append(findings, set_id_findings(from, release));
        append(findings, listener_findings(from, release));
    }
    return each_once(std::move(findings));
}

Verdict judge(const std::vector<Finding>& findings, const std::vector<Acceptance>& accept) {
    Verdict verdict;
    std::set<std::size_t> used;
    for (const Finding& finding : findings) {
        const auto word = std::ranges::find_if(accept, [&](const Acceptance& each) { return each.rule == to_string(finding.rule) && each.subject == finding.subject; });
        if (word == accept.end()) {
            verdict.refused.push_back(finding);
            continue;
        }
        verdict.accepted.push_back(finding);
        used.insert(static_cast<std::size_t>(word - accept.begin()));
    }
    for (std::size_t i = 0; i < accept.size(); ++i)
        if (used.contains(i))
            verdict.used.push_back(accept[i]);
        else
            verdict.unused.push_back(i);
    return verdict;
}

namespace {

// As a TOML string: names of units have backslashes in them.
std::string toml_string(std::string_view text) {
    std::string string = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') string += '\\';
        string += c;
    }
    return string + '"';
}

} // namespace

Error refusal(std::string_view release, const std::vector<Finding>& refused, std::string_view train_file) {
    std::string text = fmt::format("cannot cut '{}': it changes what nobody has agreed to", release);
    std::string words;
    std::set<std::pair<rules::CutRule, std::string>> seen;
    for (const Finding& finding : refused) {
        text += fmt::format("\n    {} {}: {}\n        {}", to_string(finding.rule), finding.subject, finding.cause, finding.remedy);
        if (seen.emplace(finding.rule, finding.subject).second)
            words += fmt::format("\n    [[accept]]\n    rule = \"{}\"\n    subject = {}\n    reason = \"\"", to_string(finding.rule), toml_string(finding.subject));
    }
    return Error(text, fmt::format("change that, or add to {} what may be, and why:{}", train_file, words));
}

std::string unused_warning(const Acceptance& word) { return fmt::format("the accepted word '{} {}' lets nothing pass: remove it", word.rule, word.subject); }

} // namespace ashlar::cut
