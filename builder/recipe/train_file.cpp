#include "train_file.hpp"

#include "check.hpp"
#include "release_terms.hpp"
#include "words.hpp"

#include <base/text.hpp>

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace ashlar::recipe {

namespace {

// What can be built today; formats leave room for more.
constexpr std::array<std::string_view, 1> architectures{"amd64"};

constexpr std::string_view word_remedy = "write it as the archive does, such as \"trixie-updates\"";

std::vector<std::string> values(const std::vector<toml::Text>& texts) {
    std::vector<std::string> values;
    for (const auto& text : texts) values.push_back(text.value);
    return values;
}

bool is_key_file(std::string_view text) noexcept {
    return text.size() > 4 && text.ends_with(".asc") && text.find('/') == std::string_view::npos &&
           is_archive_word(text.substr(0, text.size() - 4));
}

class TrainReader {
public:
    TrainReader(toml::Table& root, Train& train) : root_(root), train_(train) {}

    void read() {
        train_.summary = summary(root_).value;
        read_release();
        read_roles();
        for (toml::Table* table : root_.tables("archive")) read_archive(*table);
        if (!root_.has("archive"))
            root_.problem(root_.position(), "a train needs at least one [[archive]]",
                          "packages have to come from somewhere");
        for (toml::Table* table : root_.tables("pin")) read_pin(*table);
        read_sbat_generation();
        read_release_terms(root_, train_);
    }

private:
    void read_release() {
        if (const auto release = root_.required_text("release")) check_release(*release);
        if (!root_.has("architecture")) root_.problem(root_.position(), "missing key 'architecture'");
        if (const auto choice = root_.choice("architecture", architectures)) {
            train_.architecture = architectures[choice->value];
            train_.places.set(Element::architecture, train_.architecture, choice->position);
        }
    }

    void check_release(const toml::Text& release) {
        train_.release = release.value;
        const std::string prefix = train_.name + ".";
        const std::string_view number =
            std::string_view(release.value).substr(std::min(prefix.size(), release.value.size()));
        const bool numeric = !number.empty() && number.size() <= 6 && number.find_first_not_of("0123456789") == number.npos &&
                             (number.size() == 1 || number.front() != '0');
        if (!release.value.starts_with(prefix) || !numeric)
            root_.problem(release.position,
                          fmt::format("{} is not a release of train '{}'", toml::quote(release.value), train_.name),
                          fmt::format("write \"{}\" and a number, such as \"{}0\"", prefix, prefix));
    }

    void read_roles() {
        const auto roles = only_valid(root_, root_.required_texts("roles"), is_name, "a role name",
                                      "write the name of a file in roles/");
        refuse_duplicates(root_.problems(), "role", roles);
        for (const auto& role : roles) train_.places.set(Element::role, role.value, role.position);
        train_.roles = values(roles);
        train_.tools = role("tools", Element::tools);
        train_.build = role("build", Element::build);
    }

    std::string role(std::string_view key, Element element) {
        const auto text = root_.required_text(key);
        if (!text) return {};
        if (!is_name(text->value))
            root_.problem(text->position, fmt::format("{} is not a role name", toml::quote(text->value)),
                          "write the name of a file in roles/");
        train_.places.set(element, text->value, text->position);
        return text->value;
    }

    void read_sbat_generation() {
        const auto number = root_.integer("sbat_generation");
        if (!number) return;
        if (number->value < 1 || number->value > 65535)
            return root_.problem(number->position, fmt::format("{} is not an SBAT generation", number->value), "write a number from 1 to 65535; it is only ever raised");
        train_.sbat_generation = static_cast<unsigned>(number->value);
    }

    void read_archive(toml::Table& table) {
        Archive archive;
        archive.position = table.position();
        if (const auto name = table.required_text("name")) take_name(table, archive, *name);
        if (const auto priority = read_priority(table)) archive.priority = *priority;
        if (const auto folder = table.text("folder"))
            read_folder(table, archive, *folder);
        else
            read_remote(table, archive);
        train_.archives.push_back(std::move(archive));
    }

    void take_name(toml::Table& table, Archive& archive, const toml::Text& name) {
        archive.name = name.value;
        archive.position = name.position;
        if (!is_name(name.value))
            table.problem(name.position, fmt::format("{} is not an archive name", toml::quote(name.value)),
                          "write lower-case letters, digits and '-'");
        for (const auto& other : train_.archives)
            if (other.name == name.value)
                report_twice(table.problems(), "archive", name.value, name.position, other.position);
    }

    void read_folder(toml::Table& table, Archive& archive, const toml::Text& folder) {
        archive.folder = folder.value;
        train_.places.set(Element::folder, archive.name, folder.position);
        if (folder.value.empty()) table.problem(folder.position, "a folder needs a name");
        for (const std::string_view key : {"suites", "components", "keys"}) {
            (void)table.texts(key);
            if (table.has(key))
                table.problem(table.where(key), fmt::format("an archive with a folder has no {}", key),
                              "leave it out, or leave out 'folder'");
        }
    }

    void read_remote(toml::Table& table, Archive& archive) {
        const auto suites = only_valid(table, table.required_texts("suites"), is_archive_word, "a suite", word_remedy);
        const auto components =
            only_valid(table, table.required_texts("components"), is_archive_word, "a component", word_remedy);
        const auto keys = only_valid(table, table.required_texts("keys"), is_key_file, "a key file",
                                     "write the name of an .asc file in recipes/keys");
        take(table, archive, suites, Element::suite, "suite");
        take(table, archive, components, Element::component, "component");
        take(table, archive, keys, Element::key, "key");
        archive.suites = values(suites);
        archive.components = values(components);
        for (const auto& key : keys) archive.keys.emplace_back(key.value);
    }

    void take(toml::Table& table, const Archive& archive, const std::vector<toml::Text>& texts, Element element,
              std::string_view what) {
        refuse_duplicates(table.problems(), what, texts);
        for (const auto& text : texts)
            train_.places.set(element, fmt::format("{}/{}", archive.name, text.value), text.position);
    }

    // apt gives 0 no meaning, and takes what fits 16 bits.
    std::optional<int> read_priority(toml::Table& table) {
        const auto number = table.integer("priority");
        if (!number) return std::nullopt;
        if (number->value == 0 || number->value < -32768 || number->value > 32767) {
            table.problem(number->position, fmt::format("{} is not a priority", number->value),
                          "write a number from -32768 to 32767 other than 0, as in apt_preferences(5)");
            return std::nullopt;
        }
        return static_cast<int>(number->value);
    }

    void read_pin(toml::Table& table) {
        Pin pin;
        pin.position = table.position();
        pin.packages =
            values(only_valid(table, table.required_texts("packages"), is_package_glob, "a package name or pattern",
                              "write a Debian package name; '*' and '?' stand for any characters"));
        if (!table.has("priority")) table.problem(table.position(), "missing key 'priority'");
        pin.priority = read_priority(table).value_or(0);
        const auto archive = table.text("archive"), suite = table.text("suite"), version = table.text("version");
        if (!table.has("archive") && !table.has("suite") && !table.has("version"))
            table.problem(table.position(), "a pin says nothing", "give 'archive', 'suite' or 'version'");
        if (archive) pin.archive = known(table, *archive, "archive", archive_names());
        if (suite) pin.suite = known(table, *suite, "suite", suite_names(pin.archive));
        if (version) pin.version = version->value;
        if (version && version->value.empty()) table.problem(version->position, "a version pattern must not be empty");
        train_.pins.push_back(std::move(pin));
    }

    static std::string known(toml::Table& table, const toml::Text& text, std::string_view what,
                             const std::vector<std::string>& names) {
        if (std::find(names.begin(), names.end(), text.value) != names.end()) return text.value;
        const auto near = did_you_mean(text.value, names);
        table.problem(text.position, fmt::format("no {} of this train is called {}", what, toml::quote(text.value)),
                      near ? fmt::format("did you mean '{}'?", *near) : fmt::format("known: {}", join(names, ", ")));
        return {};
    }

    [[nodiscard]] std::vector<std::string> archive_names() const {
        std::vector<std::string> names;
        for (const auto& archive : train_.archives) names.push_back(archive.name);
        return names;
    }

    [[nodiscard]] std::vector<std::string> suite_names(std::string_view of_archive) const {
        std::vector<std::string> names;
        for (const auto& archive : train_.archives)
            if (of_archive.empty() || archive.name == of_archive)
                names.insert(names.end(), archive.suites.begin(), archive.suites.end());
        return names;
    }

    toml::Table& root_;
    Train& train_;
};

} // namespace

Train read_train_file(const toml::SourcePtr& source, std::string name) {
    return toml::read(source, [&](toml::Table& root) {
        Train train;
        train.name = std::move(name);
        train.places = Places(toml::Position{source});
        TrainReader(root, train).read();
        return train;
    });
}

} // namespace ashlar::recipe
