#include <debian/universe.hpp>

#include "mention_order.hpp"
#include "package_reader.hpp"

#include <base/error.hpp>
#include <base/mapped_file.hpp>

#include <algorithm>
#include <deque>
#include <fnmatch.h>
#include <mutex>
#include <unordered_map>

#include <fmt/format.h>

namespace ashlar::debian {

namespace {

int source_priority(const Source& source) {
    if (source.priority) return *source.priority;
    if (!source.not_automatic) return 500;
    return source.but_automatic_upgrades ? 100 : 1;
}

bool glob_matches(const std::string& glob, std::string_view text) {
    return ::fnmatch(glob.c_str(), std::string(text).c_str(), 0) == 0;
}

bool pin_matches(const Pin& pin, const Package& package) {
    if (!pin.archive.empty() && pin.archive != package.archive) return false;
    if (!pin.suite.empty() && pin.suite != package.suite) return false;
    const auto names = [&](const std::string& glob) { return glob_matches(glob, package.name); };
    if (!pin.packages.empty() && std::none_of(pin.packages.begin(), pin.packages.end(), names)) return false;
    return pin.version.empty() || glob_matches(pin.version, package.version);
}

// The rule of choice between two versions of one name.
bool is_better(const Package& one, const Package& other) {
    if (one.pin != other.pin) return one.pin > other.pin;
    return compare_versions(one.version, other.version) > 0;
}

// Text that stays where it is.
class Text {
public:
    explicit Text(MappedFile file) : file_(std::move(file)) {}
    explicit Text(std::unique_ptr<const std::string> owned) : owned_(std::move(owned)) {}
    [[nodiscard]] std::string_view view() const { return owned_ ? std::string_view(*owned_) : file_->text(); }

private:
    std::optional<MappedFile> file_;
    std::unique_ptr<const std::string> owned_;
};

} // namespace

Components Components::main_and(std::span<const std::string> names) {
    std::set<std::string, std::less<>> all(names.begin(), names.end());
    all.insert("main");
    return Components(std::move(all));
}

struct Universe::State {
    std::string architecture;
    std::vector<Pin> pins;
    std::deque<Source> sources; // packages have views of them
    std::deque<Text> texts;
    std::vector<std::vector<Package>> parts; // one for each index; never touched once it is here
    std::size_t size = 0;
    std::unordered_map<std::string_view, std::vector<const Package*>> by_name;
    std::unordered_map<std::string_view, std::vector<Provider>> by_provided;
    // Made when first asked for, by whichever thread that is.
    std::mutex mutex;
    std::optional<std::vector<std::string_view>> names;
    std::optional<MentionOrder> mentions;

    void load(std::string_view text, std::string_view name, const Source& source);
    [[nodiscard]] std::vector<Package> read(std::string_view text, std::string_view name, const Source& source) const;
    [[nodiscard]] int pin_of(const Package& package, const Source& source) const;
    void index(const Package& package);
};

std::vector<Package> Universe::State::read(std::string_view text, std::string_view name, const Source& source) const {
    ControlReader reader(text, std::string(name));
    Paragraph paragraph;
    std::vector<Package> packages;
    packages.reserve(text.size() / 700); // somewhat below the usual size of a paragraph
    while (reader.next(paragraph)) {
        Package package = read_package(paragraph, reader);
        if (package.architecture != architecture && package.architecture != "all") continue;
        package.archive = source.archive;
        package.suite = source.suite;
        package.component = source.component;
        package.pin = pin_of(package, source);
        packages.push_back(package);
    }
    return packages;
}

int Universe::State::pin_of(const Package& package, const Source& source) const {
    const auto pin = std::find_if(pins.begin(), pins.end(), [&](const Pin& p) { return pin_matches(p, package); });
    return pin == pins.end() ? source_priority(source) : pin->priority;
}

void Universe::State::index(const Package& package) {
    by_name[package.name].push_back(&package);
    if (package.provides.empty()) return;
    for (const Alternative& provided : parse_list(package.provides))
        by_provided[provided.name].push_back({&package, provided.version});
}

void Universe::State::load(std::string_view text, std::string_view name, const Source& source) {
    const auto& packages = parts.emplace_back(read(text, name, source));
    by_name.reserve(by_name.size() + packages.size());
    for (const Package& package : packages)
        while_doing(fmt::format("reading package '{}' in '{}'", package.name, name), [&] { index(package); });
    size += packages.size();
    names.reset();
    mentions.reset();
}

Universe::Universe(std::string architecture, std::vector<Pin> pins) : state_(std::make_unique<State>()) {
    state_->architecture = std::move(architecture);
    state_->pins = std::move(pins);
}

Universe::Universe(Universe&&) noexcept = default;
Universe& Universe::operator=(Universe&&) noexcept = default;
Universe::~Universe() = default;

void Universe::add_file(const std::filesystem::path& packages, const Source& source) {
    state_->texts.emplace_back(MappedFile(packages));
    state_->load(state_->texts.back().view(), packages.native(), state_->sources.emplace_back(source));
}

void Universe::add_text(std::string packages, std::string name, const Source& source) {
    state_->texts.emplace_back(std::make_unique<const std::string>(std::move(packages)));
    state_->load(state_->texts.back().view(), name, state_->sources.emplace_back(source));
}

const std::string& Universe::architecture() const noexcept { return state_->architecture; }

std::size_t Universe::size() const noexcept { return state_->size; }

std::span<const Package* const> Universe::versions(std::string_view name) const {
    const auto found = state_->by_name.find(name);
    if (found == state_->by_name.end()) return {};
    return found->second;
}

const Package* Universe::candidate(std::string_view name, const Components& components) const {
    const Package* best = nullptr;
    for (const Package* package : versions(name)) {
        if (package->pin < 1 || !components.allows(package->component)) continue;
        if (best == nullptr || is_better(*package, *best)) best = package;
    }
    return best;
}

std::span<const Provider> Universe::providers(std::string_view name) const {
    const auto found = state_->by_provided.find(name);
    if (found == state_->by_provided.end()) return {};
    return found->second;
}

const std::vector<std::string_view>& Universe::names() const {
    const std::lock_guard lock(state_->mutex);
    if (!state_->names) {
        auto& names = state_->names.emplace();
        for (const auto& [name, versions] : state_->by_name) names.push_back(name);
        std::sort(names.begin(), names.end());
    }
    return *state_->names;
}

std::size_t Universe::mention_rank(std::string_view name) const {
    const std::lock_guard lock(state_->mutex);
    if (!state_->mentions) {
        auto& mentions = state_->mentions.emplace();
        for (const Text& text : state_->texts) mentions.add_index(text.view(), state_->architecture);
    }
    return state_->mentions->rank(name);
}

std::size_t Universe::parts() const noexcept { return state_->parts.size(); }

std::span<const Package> Universe::packages_of(std::size_t part) const noexcept { return state_->parts[part]; }

} // namespace ashlar::debian
