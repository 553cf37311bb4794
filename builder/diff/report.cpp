#include <diff/report.hpp>

#include "document.hpp"

#include <base/text.hpp>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <map>
#include <set>

#include <fmt/format.h>

namespace ashlar::diff {

namespace {

constexpr std::size_t most_growth = 10, most_options = 25;

std::string plural(std::size_t count, std::string_view one, std::string_view many) { return fmt::format("{} {}", count, count == 1 ? one : many); }

std::string signed_bytes(std::int64_t bytes) { return fmt::format("{}{}", bytes < 0 ? "-" : "+", human_bytes(static_cast<std::uint64_t>(std::abs(bytes)))); }

// Rows that several images have are one row with their roles behind it.
class Table {
public:
    explicit Table(const ReleaseDifference& difference) : several_(difference.images.size() > 1) {}

    void add(const ImageDifference& image, Row row) {
        const auto [at, added] = index_.emplace(row, rows_.size());
        if (added) rows_.push_back({std::move(row), {}});
        auto& roles = rows_[at->second].second;
        if (std::ranges::find(roles, image.role) == roles.end()) roles.push_back(image.role);
    }
    [[nodiscard]] bool empty() const noexcept { return rows_.empty(); }

    void sort() {
        std::ranges::stable_sort(rows_, {}, &std::pair<Row, std::vector<std::string>>::first);
    }
    // A section with these columns, and one for the roles where there are several images.
    [[nodiscard]] Section section(std::string title, std::vector<std::string> head, std::vector<bool> code, Section::Kind kind = Section::Kind::shown) const {
        Section section{.kind = kind, .title = std::move(title), .lead = {}, .head = std::move(head), .rows = {}, .code = std::move(code)};
        if (several_) section.head.emplace_back("Roles");
        for (const auto& [row, roles] : rows_) {
            section.rows.push_back(row);
            if (several_) section.rows.back().push_back(join(roles, ", "));
        }
        return section;
    }
    [[nodiscard]] std::size_t size() const noexcept { return rows_.size(); }

private:
    bool several_;
    std::vector<std::pair<Row, std::vector<std::string>>> rows_;
    std::map<Row, std::size_t> index_;
};

std::string roles_of(const vulnerabilities::Finding& finding) {
    std::set<std::string> roles;
    for (const auto& place : finding.places) roles.insert(place.role);
    return join(std::vector<std::string>(roles.begin(), roles.end()), ", ");
}

void add_tracked(Document& document, std::string_view title, std::string_view lead, const std::vector<vulnerabilities::Finding>& findings, Section::Kind kind) {
    if (findings.empty()) return;
    Section section{.kind = kind, .title = fmt::format("{} ({})", title, findings.size()), .lead = std::string(lead), .head = {"Vulnerability", "Urgency", "Source package", "Version", "Fixed in", "Roles"}, .rows = {}, .code = {false, false, true, true, true, false}};
    for (const auto& one : findings) section.rows.push_back({one.id, one.urgency, one.source, one.version, one.fixed_version.value_or(""), roles_of(one)});
    document.sections.push_back(std::move(section));
}

void add_tracked(Document& document, const vulnerabilities::Step& step) {
    constexpr std::string_view lead = "By the security tracker's snapshot.";
    add_tracked(document, "Vulnerabilities opened", lead, step.opened, Section::Kind::shown);
    add_tracked(document, "Vulnerabilities closed, by the security tracker", {}, step.closed, Section::Kind::folded);
    add_tracked(document, "Vulnerabilities still open", {}, step.still_open, Section::Kind::folded);
}

std::string summary_of(const vulnerabilities::Step& step) {
    return fmt::format("By the security tracker: {} opened, {} closed, {} still open", step.opened.size(), step.closed.size(), step.still_open.size());
}

class Composer {
public:
    explicit Composer(const Report& report) : report_(report), difference_(report.difference) {}

    Document compose() && {
        document_.title = fmt::format("{} → {}", difference_.old_release, difference_.new_release);
        summarise();
        add_findings();
        add_attention();
        add_vulnerabilities();
        if (report_.tracked) add_tracked(document_, *report_.tracked);
        add_sources();
        add_privileges();
        add_units();
        add_accounts();
        add_kernel();
        add_command_line();
        add_sizes();
        add_growth();
        add_transfers();
        add_details();
        return std::move(document_);
    }

private:
    // ---- the headline ----

    void summarise() {
        summarise_roles();
        summarise_packages();
        summarise_vulnerabilities();
        if (report_.tracked) say(summary_of(*report_.tracked));
        summarise_kernel();
        for (const auto& image : difference_.images)
            for (const auto& size : image.sizes)
                if (size.name == "files of the root") say(fmt::format("Files of the root of {}: {} ({})", image.role, human_bytes(size.after), signed_bytes(size.growth())));
    }

    void say(std::string sentence) { document_.summary.push_back(std::move(sentence)); }

    void summarise_roles() {
        std::vector<std::string> roles;
        for (const auto& image : difference_.images) roles.push_back(fmt::format("{} ({})", image.role, image.architecture));
        say(fmt::format("Images: {}", join(roles, ", ")));
        if (!difference_.added_images.empty()) say(fmt::format("New images: {}", join(difference_.added_images, ", ")));
        if (!difference_.removed_images.empty()) say(fmt::format("Images that are gone: {}", join(difference_.removed_images, ", ")));
    }

    void summarise_packages() {
        std::map<std::string, PackageChange::Kind> kinds;
        for (const auto& image : difference_.images)
            for (const auto& source : image.sources) kinds.emplace(source.source, source.kind);
        if (kinds.empty()) return say("Packages: none has changed");
        std::vector<std::string> parts;
        for (const auto kind : {PackageChange::Kind::upgraded, PackageChange::Kind::downgraded, PackageChange::Kind::added, PackageChange::Kind::removed, PackageChange::Kind::rebuilt})
            if (const auto count = std::ranges::count(kinds, kind, &std::pair<const std::string, PackageChange::Kind>::second); count > 0) parts.push_back(fmt::format("{} {}", count, name_of(kind)));
        say(fmt::format("Source packages: {}", join(parts, ", ")));
    }

    void summarise_vulnerabilities() {
        std::set<std::string> ids;
        for (const auto& one : report_.closed.closed) ids.insert(one.id);
        std::string sentence = fmt::format("Vulnerabilities closed: {}", ids.size());
        if (!report_.closed.unread.empty()) sentence += fmt::format(", and {} of which nothing could be read", plural(report_.closed.unread.size(), "source package", "source packages"));
        if (report_.closed.sources > 0) say(std::move(sentence));
    }

    void summarise_kernel() {
        std::set<std::pair<std::string, std::string>> steps;
        for (const auto& image : difference_.images)
            if (image.old_kernel != image.new_kernel) steps.emplace(image.old_kernel, image.new_kernel);
        for (const auto& [before, after] : steps) say(fmt::format("Kernel: {} → {}", before, after));
    }

    // ---- what somebody has to see ----

    void add_findings() {
        if (!report_.findings || report_.findings->empty()) return;
        Section section{.title = fmt::format("Refused by the policy ({})", report_.findings->size()), .head = {"What", "Why", "Rule"}, .code = {true, false, true}};
        for (const auto& one : *report_.findings) section.rows.push_back({one.subject, one.message, one.rule});
        document_.sections.push_back(std::move(section));
    }

    void add_attention() {
        Table table(difference_);
        for (const auto& image : difference_.images) attend(image, table);
        Section section = table.section("To look at", {"What", ""}, {true, false});
        for (const auto& gap : report_.closed.unread) section.rows.push_back(padded(section, {gap.source, fmt::format("vulnerabilities closed are not known: {}", gap.reason)}));
        for (const auto& gap : report_.closed.doubtful) section.rows.push_back(padded(section, {gap.source, fmt::format("vulnerabilities closed may be more: {}", gap.reason)}));
        if (!section.rows.empty()) document_.sections.push_back(std::move(section));
    }

    static Row padded(const Section& section, Row row) {
        row.resize(section.head.size());
        return row;
    }

    static void attend(const ImageDifference& image, Table& table) {
        for (const auto& source : image.sources)
            if (source.kind == PackageChange::Kind::downgraded) table.add(image, {source.source, fmt::format("goes back from {} to {}", source.old_version, source.new_version)});
        for (const auto& one : image.privileges)
            if (!one.after.empty()) table.add(image, {"/" + one.path, one.before.empty() ? std::string("gives other rights, and did not") : std::string("gives other rights than before")});
        for (const auto& unit : image.units)
            if (unit.name.ends_with(".socket") && unit.after == "on") table.add(image, {unit.name, unit.before == "on" ? std::string("listens elsewhere") : std::string("listens, and did not")});
        for (const auto& one : image.accounts)
            if (one.moved()) table.add(image, {one.name, fmt::format("the number of the {} has changed", name_of(one.kind))});
        for (const auto& sentence : image.unknown) table.add(image, {"not compared", sentence});
    }

    // ---- vulnerabilities and packages ----

    void add_vulnerabilities() {
        if (report_.closed.closed.empty()) return;
        Section section{.title = "Vulnerabilities closed", .lead = "By the changelogs of the upgraded packages.", .head = {"Source package", "Version", "Vulnerabilities"}, .code = {true, true, false}};
        std::map<std::pair<std::string, std::string>, std::vector<std::string>> by_version;
        for (const auto& one : report_.closed.closed) by_version[{one.source, one.version}].push_back(one.id);
        for (const auto& [place, ids] : by_version) section.rows.push_back({place.first, place.second, join(ids, ", ")});
        document_.sections.push_back(std::move(section));
    }

    void add_sources() {
        Table table(difference_);
        for (const auto& image : difference_.images)
            for (const auto& one : image.sources) table.add(image, {one.source, std::string(name_of(one.kind)), one.old_version, one.new_version});
        table.sort();
        if (!table.empty()) document_.sections.push_back(table.section("Packages", {"Source package", "Change", "Old", "New"}, {true, false, true, true}));
    }

    void add_privileges() {
        Table table(difference_);
        for (const auto& image : difference_.images)
            for (const auto& one : image.privileges) table.add(image, {"/" + one.path, one.before.empty() ? "-" : one.before, one.after.empty() ? "-" : one.after, one.package});
        if (!table.empty()) document_.sections.push_back(table.section("Set-uid, set-gid, capabilities", {"File", "Old", "New", "Package"}, {true, true, true, true}));
    }

    // Units that come or go without being on are for the details.
    static bool matters(const UnitChange& unit) {
        const auto counts = [](const std::string& state) { return state == "on" || state == "masked"; };
        return counts(unit.before) || counts(unit.after);
    }

    Table units_that(bool matter) const {
        Table table(difference_);
        for (const auto& image : difference_.images)
            for (const auto& one : image.units)
                if (matters(one) == matter) table.add(image, {one.name, one.before, one.after, join(one.listens, ", ")});
        return table;
    }

    void add_units() {
        const Table table = units_that(true);
        if (!table.empty()) document_.sections.push_back(table.section("Units", {"Unit", "Old", "New", "Listens on"}, {true, false, false, true}));
    }

    void add_accounts() {
        const auto text = [](const std::optional<std::uint32_t>& id) { return id ? std::to_string(*id) : std::string("-"); };
        Table table(difference_);
        for (const auto& image : difference_.images)
            for (const auto& one : image.accounts) table.add(image, {one.name, std::string(name_of(one.kind)), text(one.before), text(one.after)});
        if (!table.empty()) document_.sections.push_back(table.section("Accounts", {"Name", "Kind", "Old", "New"}, {true, false, false, false}));
    }

    // ---- kernel ----

    void add_kernel() {
        Table table(difference_);
        for (const auto& image : difference_.images)
            for (const auto& one : image.kernel_options) table.add(image, {one.name, one.before.empty() ? "-" : one.before, one.after.empty() ? "-" : one.after});
        if (table.empty()) return;
        const auto kind = table.size() > most_options ? Section::Kind::folded : Section::Kind::shown;
        document_.sections.push_back(table.section(fmt::format("Kernel options ({})", table.size()), {"Option", "Old", "New"}, {true, true, true}, kind));
    }

    void add_command_line() {
        Table table(difference_);
        for (const auto& image : difference_.images) {
            for (const auto& word : image.words_added) table.add(image, {word, "added"});
            for (const auto& word : image.words_removed) table.add(image, {word, "removed"});
        }
        if (!table.empty()) document_.sections.push_back(table.section("Kernel command line", {"Word", "Change"}, {true, false}));
    }

    // ---- sizes ----

    void add_sizes() {
        Table table(difference_);
        for (const auto& image : difference_.images)
            for (const auto& one : image.sizes) table.add(image, {one.name, human_bytes(one.before), human_bytes(one.after), one.growth() == 0 ? "-" : signed_bytes(one.growth())});
        if (!table.empty()) document_.sections.push_back(table.section("Sizes", {"What", "Old", "New", "Change"}, {}));
    }

    void add_growth() {
        Table table(difference_);
        for (const auto& image : difference_.images)
            for (std::size_t i = 0; i < std::min(image.growth.size(), most_growth); ++i)
                table.add(image, {image.growth[i].name, signed_bytes(image.growth[i].growth())});
        if (!table.empty()) document_.sections.push_back(table.section("What grew and shrank", {"Source package", "Change"}, {true, false}));
    }

    void add_transfers() {
        Table table(difference_);
        for (const auto& image : difference_.images)
            for (const auto& one : image.transfers) table.add(image, {one.file, human_bytes(one.size)});
        if (!table.empty()) document_.sections.push_back(table.section("What nodes fetch", {"File", "Size"}, {true, false}));
    }

    // ---- the long lists ----

    void add_details() {
        add_changelog_lines();
        add_binary_packages();
        add_own_files();
        add_files_by_package();
        const Table units = units_that(false);
        if (!units.empty()) document_.sections.push_back(units.section(fmt::format("Units that came or went and are off ({})", units.size()), {"Unit", "Old", "New", ""}, {true, false, false, true}, Section::Kind::folded));
    }

    void add_changelog_lines() {
        if (report_.closed.closed.empty()) return;
        Section section{.kind = Section::Kind::folded, .title = fmt::format("What the changelogs say of the vulnerabilities ({})", report_.closed.closed.size()), .head = {"Vulnerability", "Source package", "Version", "Line", "Text"}, .code = {false, true, true, false, true}};
        for (const auto& one : report_.closed.closed) section.rows.push_back({one.id, one.source, one.version, std::to_string(one.line), one.text});
        document_.sections.push_back(std::move(section));
    }

    void add_binary_packages() {
        Table table(difference_);
        for (const auto& image : difference_.images)
            for (const auto& source : image.sources)
                for (const auto& one : source.packages) table.add(image, {one.name, std::string(name_of(one.kind)), one.old_version, one.new_version});
        table.sort();
        if (!table.empty()) document_.sections.push_back(table.section(fmt::format("Binary packages ({})", table.size()), {"Package", "Change", "Old", "New"}, {true, false, true, true}, Section::Kind::folded));
    }

    void add_own_files() {
        Table table(difference_);
        for (const auto& image : difference_.images)
            for (const auto& one : image.files)
                if (one.own) table.add(image, {"/" + one.path, one.what.empty() ? std::string(name_of(one.kind)) : join(one.what, ", "), one.package});
        if (!table.empty()) document_.sections.push_back(table.section(fmt::format("Files that changed without a change of their package ({})", table.size()), {"File", "Change", "Package"}, {true, false, true}, Section::Kind::folded));
    }

    void add_files_by_package() {
        Table table(difference_);
        for (const auto& image : difference_.images) {
            std::map<std::string, std::array<std::size_t, 3>> counts;
            for (const auto& one : image.files)
                if (!one.own) ++counts[one.package][static_cast<std::size_t>(one.kind)];
            for (const auto& [package, count] : counts) table.add(image, {package, std::to_string(count[0]), std::to_string(count[1]), std::to_string(count[2])});
        }
        if (!table.empty()) document_.sections.push_back(table.section("Files of changed packages", {"Package", "Added", "Removed", "Changed"}, {true, false, false, false}, Section::Kind::folded));
    }

    const Report& report_;
    const ReleaseDifference& difference_;
    Document document_;
};

} // namespace

std::string notes(const Report& report) { return to_markdown(Composer(report).compose()); }

std::string tracked_notes(const vulnerabilities::Step& step) {
    Document document{.title = "Security tracker", .summary = {summary_of(step)}, .sections = {}};
    add_tracked(document, step);
    return to_markdown(document);
}

std::string to_text(const Report& report) { return to_plain(Composer(report).compose()); }

} // namespace ashlar::diff
