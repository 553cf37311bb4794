#include "composition.hpp"

#include "check.hpp"

#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>

namespace ashlar::recipe {

namespace {

// The kernel takes 2048 bytes on amd64; the build adds the root hash, and a signed add-on may add words.
constexpr std::size_t longest_command_line = 1700;

std::string_view name_of(std::string_view wish) noexcept { return parse_wish(wish).name; }

// What differs between the lists of a role: what a problem calls an entry, and by what two entries are the same.
struct ListRule {
    Element element;
    std::string_view what;
    std::string_view (*key)(std::string_view) noexcept;
};

std::string_view whole(std::string_view text) noexcept { return text; }

class Composer {
public:
    Composer(const std::vector<RoleFile>& lineage, toml::Problems& problems) : lineage_(lineage), problems_(problems) {}

    Role compose() {
        join();
        require_parts();
        refuse_contradictions();
        refuse_disagreements();
        return std::move(role_);
    }

    void check_alone() {
        join();
        if (lineage_.back().extends.empty()) require_parts();
        refuse_contradictions();
    }

private:
    void join() {
        const RoleFile& last = lineage_.back();
        role_.name = last.name;
        role_.summary = last.summary.value;
        role_.places = Places(toml::Position{last.source});
        for (const auto& file : lineage_) add(file);
    }

    void add(const RoleFile& file) {
        role_.lineage.push_back(file.name);
        extended_ = sources_of(file);
        add_kind(file);
        add_list(role_.packages, file.packages, {Element::package, "package", name_of});
        add_list(role_.exclude, file.exclude, {Element::exclude, "excluded package", whole});
        add_list(role_.components, file.components, {Element::component, "component", whole});
        add_list(role_.services, file.services, {Element::service, "service", whole});
        add_list(role_.formations, file.formations, {Element::formation, "formation", whole});
        add_list(role_.drop, file.drop, {Element::drop, "pattern", whole});
        add_list(role_.waived_firmware, file.waived_firmware, {Element::waived_firmware, "module", whole});
        add_overlays(file);
        if (file.initrd) set(role_.initrd, *file.initrd, Element::initrd, "initrd");
        if (file.strict_providers) {
            role_.strict_providers = file.strict_providers->value;
            settle("strict_providers", file.strict_providers->value ? "true" : "false", file.strict_providers->position);
        }
        if (file.kernel) add_kernel(*file.kernel);
        if (file.limits) add_limits(*file.limits);
        for (const auto& entry : file.state) add_entry(role_.state, entry, Element::state, "state path");
        for (const auto& entry : file.files) add_entry(role_.files, entry, Element::file, "file");
        for (const auto& pair : file.providers) add_provider(pair);
    }

    // Of the role and of all that it extends.
    std::set<toml::SourcePtr> sources_of(const RoleFile& file) const {
        std::set<toml::SourcePtr> sources{file.source};
        for (const auto& parent : file.extends)
            if (const auto found = std::ranges::find(lineage_, parent.value, &RoleFile::name); found != lineage_.end()) sources.merge(sources_of(*found));
        return sources;
    }
    // It stands in the role that is being added, or in one that this one extends.
    [[nodiscard]] bool is_extended(const toml::Position& place) const { return extended_.contains(place.source); }

    void add_kind(const RoleFile& file) {
        if (!file.kind) return;
        if (kind_place_ && file.kind->value != role_.kind) {
            toml::Diagnostic diagnostic{file.kind->position,
                                        fmt::format("a role of kind {} cannot extend one of kind {}",
                                                    to_string(file.kind->value), to_string(role_.kind)),
                                        {},
                                        {}};
            diagnostic.notes.push_back({*kind_place_, "kind given here"});
            problems_.add(std::move(diagnostic));
            return;
        }
        role_.kind = file.kind->value;
        kind_place_ = file.kind->position;
    }

    void add_list(std::vector<std::string>& list, const std::vector<toml::Text>& texts, const ListRule& rule) {
        for (const auto& text : texts) {
            const std::string_view key = rule.key(text.value);
            if (const toml::Position* first = role_.places.find(rule.element, key)) {
                const bool is_same = key == text.value || std::ranges::find(list, text.value) != list.end();
                if (is_extended(*first) || !is_same) report_twice(problems_, rule.what, key, text.position, *first);
                continue;
            }
            role_.places.set(rule.element, key, text.position);
            list.push_back(text.value);
        }
    }

    void add_overlays(const RoleFile& file) {
        std::vector<std::string> names;
        add_list(names, file.overlays, {Element::overlay, "overlay", whole});
        role_.overlays.insert(role_.overlays.end(), names.begin(), names.end());
    }

    // A descendant's single value replaces that of an ancestor, and so does its place.
    void set(std::string& slot, const toml::Text& text, Element element, std::string_view what) {
        slot = text.value;
        settle(what, text.value, text.position);
        role_.places.set(element, element == Element::kernel ? name_of(text.value) : text.value, text.position);
    }

    void add_kernel(const KernelPart& part) {
        if (!role_.kernel) role_.kernel.emplace();
        if (!kernel_place_) kernel_place_ = part.position;
        if (part.package) set(role_.kernel->package, *part.package, Element::kernel, "kernel.package");
        add_list(role_.kernel->command_line, part.command_line, {Element::command_line, "word", whole});
        add_list(role_.kernel->rescue, part.rescue, {Element::rescue, "word", whole});
        add_list(role_.kernel->initrd_modules, part.initrd_modules, {Element::initrd_module, "module", whole});
        add_list(role_.kernel->microcode, part.microcode, {Element::microcode, "package", name_of});
    }

    void add_limits(const LimitsPart& part) {
        if (!limits_place_) limits_place_ = part.position;
        set_limit(role_.limits.root, part.root, "root");
        set_limit(role_.limits.uki, part.uki, "uki");
        set_limit(role_.limits.boot_partition, part.boot_partition, "boot_partition");
    }

    void set_limit(std::optional<std::uint64_t>& slot, const std::optional<toml::Located<std::uint64_t>>& limit,
                   std::string_view name) {
        if (!limit) return;
        slot = limit->value;
        settle(name, std::to_string(limit->value), limit->position);
        role_.places.set(Element::limit, name, limit->position);
    }

    template <typename Entry>
    void add_entry(std::vector<Entry>& list, const toml::Located<Entry>& entry, Element element,
                   std::string_view what) {
        if (const toml::Position* first = role_.places.find(element, entry.value.path)) {
            if (is_extended(*first) || std::ranges::find(list, entry.value) == list.end()) report_twice(problems_, what, entry.value.path, entry.position, *first);
            return;
        }
        role_.places.set(element, entry.value.path, entry.position);
        list.push_back(entry.value);
    }

    void add_provider(const toml::Table::Pair& pair) {
        role_.providers[pair.key.value] = pair.text.value;
        settle(fmt::format("provider of {}", pair.key.value), pair.text.value, pair.text.position);
        role_.places.set(Element::provider, pair.key.value, pair.key.position);
    }

    [[nodiscard]] toml::Position kind_place() const {
        return kind_place_.value_or(toml::Position{lineage_.back().source});
    }

    void require_parts() {
        if (role_.kind == Kind::node) {
            if (role_.initrd.empty())
                problems_.add(kind_place(), "a role of kind node needs an initrd",
                              "add initrd = \"<role of kind initrd>\"");
            if (!role_.kernel || role_.kernel->package.empty())
                problems_.add(kernel_place_.value_or(kind_place()), "a role of kind node needs a kernel",
                              "add [kernel] with package = \"<package>\"");
            return;
        }
        if (!role_.initrd.empty()) refuse("initrd", role_.places.where(Element::initrd, role_.initrd));
        refuse("kernel", kernel_place_);
        refuse("limits", limits_place_);
        if (!role_.state.empty()) refuse("state", role_.places.where(Element::state, role_.state.front().path));
        if (!role_.formations.empty()) refuse("formations", role_.places.where(Element::formation, role_.formations.front()));
        if (role_.kind != Kind::initrd && !role_.services.empty())
            refuse("services", role_.places.where(Element::service, role_.services.front()));
    }

    void refuse(std::string_view part, const std::optional<toml::Position>& place) {
        if (place)
            problems_.add(*place, fmt::format("a role of kind {} has no {}", to_string(role_.kind), part),
                          "leave it out");
    }

    void refuse_contradictions() {
        refuse_excluded(Element::package, role_.packages);
        if (role_.kernel) {
            refuse_excluded(Element::kernel, {role_.kernel->package});
            refuse_excluded(Element::microcode, role_.kernel->microcode);
            refuse_long_command_line();
        }
        refuse_nested_state();
    }

    void refuse_excluded(Element element, const std::vector<std::string>& wishes) {
        for (const auto& wish : wishes) {
            const std::string_view name = name_of(wish);
            const toml::Position* excluded = role_.places.find(Element::exclude, name);
            if (!excluded) continue;
            toml::Diagnostic diagnostic{
                *excluded, fmt::format("package '{}' is both wanted and excluded", name), {}, {}};
            diagnostic.notes.push_back({role_.places.where(element, name), "wanted here"});
            problems_.add(std::move(diagnostic));
        }
    }

    void refuse_long_command_line() {
        std::size_t length = 0;
        for (const auto* words : {&role_.kernel->command_line, &role_.kernel->rescue})
            for (const auto& word : *words) length += word.size() + 1;
        if (length > longest_command_line)
            problems_.add(
                role_.kernel->command_line.empty() ? role_.places.where(Element::rescue, role_.kernel->rescue.back())
                                                   : role_.places.where(Element::command_line, role_.kernel->command_line.back()),
                fmt::format("the command line has {} characters, more than {}", length, longest_command_line));
    }

    void refuse_nested_state() {
        for (const auto& inner : role_.state)
            for (std::size_t end = inner.path.rfind('/'); end != 0 && end != std::string::npos;
                 end = inner.path.rfind('/', end - 1))
                if (const auto* outer = role_.places.find(Element::state, std::string_view(inner.path).substr(0, end)))
                    report_nested(inner.path, inner.path.substr(0, end), *outer);
    }

    void report_nested(const std::string& inner, const std::string& outer, const toml::Position& outer_place) {
        toml::Diagnostic diagnostic{role_.places.where(Element::state, inner),
                                    fmt::format("state path '{}' lies inside '{}'", inner, outer),
                                    {},
                                    {}};
        diagnostic.notes.push_back({outer_place, "which is kept as a whole"});
        problems_.add(std::move(diagnostic));
    }

    // What ancestors say of it counts no more.
    void settle(std::string_view what, std::string value, const toml::Position& position) {
        auto& said = settled_[std::string(what)];
        std::erase_if(said, [&](const toml::Text& earlier) { return is_extended(earlier.position); });
        said.push_back({std::move(value), position});
    }

    void refuse_disagreements() {
        for (const auto& [what, said] : settled_)
            for (const auto& other : said) {
                if (other.value == said.front().value) continue;
                toml::Diagnostic diagnostic{other.position, fmt::format("two roles that '{}' extends disagree on '{}'", role_.name, what), fmt::format("say it in '{}'", role_.name), {}};
                diagnostic.notes.push_back({said.front().position, "which is another one here"});
                problems_.add(std::move(diagnostic));
                break;
            }
    }

    const std::vector<RoleFile>& lineage_;
    toml::Problems& problems_;
    std::set<toml::SourcePtr> extended_;
    std::map<std::string, std::vector<toml::Text>> settled_; // single values by their name: said by whom nobody who extends it corrects
    Role role_;
    std::optional<toml::Position> kind_place_, kernel_place_, limits_place_;
};

} // namespace

Role compose(const std::vector<RoleFile>& lineage, toml::Problems& problems) {
    return Composer(lineage, problems).compose();
}

void check_alone(const RoleFile& file, toml::Problems& problems) {
    const std::vector lineage{file};
    Composer(lineage, problems).check_alone();
}

} // namespace ashlar::recipe
