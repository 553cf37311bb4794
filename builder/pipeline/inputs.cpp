#include <pipeline/inputs.hpp>

#include <pipeline/daemon_stage.hpp>

#include <base/error.hpp>
#include <fetch/fetcher.hpp>

#include <algorithm>
#include <functional>
#include <set>

#include <fmt/format.h>

namespace ashlar::pipeline {

namespace {

std::vector<debian::Pin> pins_of(const recipe::Train& train) {
    std::vector<debian::Pin> pins;
    for (const recipe::Pin& pin : train.pins)
        pins.push_back({.packages = pin.packages, .archive = pin.archive, .suite = pin.suite, .version = pin.version, .priority = pin.priority});
    return pins;
}

lock::Package to_lock(const debian::Package& package) {
    const auto text = [](std::string_view view) { return std::string(view); };
    return {.name = text(package.name), .version = text(package.version), .architecture = text(package.architecture),
            .archive = text(package.archive), .component = text(package.component), .path = text(package.filename),
            .size = package.size, .sha256 = package.sha256, .source = text(package.source),
            .source_version = text(package.source_version), .maintainer = text(package.maintainer), .homepage = text(package.homepage)};
}

// Where the recipe says what the conflict is about; the file as a whole where it does not say it.
const toml::Position& place_of(const recipe::Role& role, const solver::Conflict& conflict) {
    if (conflict.provider) return role.where(recipe::Element::provider, *conflict.provider);
    const auto wanted = role.wanted();
    return role.where_wanted(conflict.wish ? recipe::parse_wish(wanted.at(*conflict.wish)).name : std::string_view());
}

solver::Solution solve(const debian::Universe& universe, const recipe::Role& role) {
    auto answer = solver::resolve(universe, request_for(role));
    if (auto* solution = std::get_if<solver::Solution>(&answer)) return std::move(*solution);
    const auto& conflict = std::get<solver::Conflict>(answer);
    throw toml::SourceError(place_of(role, conflict), fmt::format("role '{}' cannot be installed:\n{}", role.name, conflict.render()),
                            conflict.hint);
}

void add_role(lock::Lock& lock, const std::string& role, const solver::Solution& solution) {
    auto& indices = lock.roles[role];
    for (const solver::Choice& choice : solution.choices) {
        indices.push_back(lock.packages.size());
        lock.packages.push_back(to_lock(*choice.package));
    }
}

bool wants_daemon(const recipe::Role& role) {
    const auto wanted = role.wanted();
    return std::any_of(wanted.begin(), wanted.end(),
                       [](const std::string& wish) { return recipe::parse_wish(wish).name == daemon_package; });
}

} // namespace

solver::Request request_for(const recipe::Role& role) {
    solver::Request request{.role = role.name,
                            .excludes = role.exclude,
                            .providers = role.providers,
                            .strict_providers = role.strict_providers ? solver::StrictProviders::yes : solver::StrictProviders::no,
                            .components = debian::Components::main_and(role.components)};
    for (const std::string& wish : role.wanted()) request.packages.push_back(solver::Wanted::parse(wish));
    // What only lends its files (an initrd, tools) needs no package manager of its own; a root in which
    // scripts run or things are compiled is a whole system.
    if (role.kind == recipe::Kind::initrd || role.kind == recipe::Kind::tools) request.foundation = solver::Foundation::none;
    return request;
}

std::vector<std::string> with_helpers(Workshop& workshop, const std::vector<std::string>& roles) {
    std::set<std::string> all{workshop.train().tools};
    for (const std::string& name : roles) {
        const recipe::Role role = workshop.recipes().load_role(name);
        recipe::require_compatible(role, workshop.train());
        all.insert(name);
        if (!role.initrd.empty()) all.insert(role.initrd);
        if (wants_daemon(role)) all.insert(workshop.train().build);
    }
    return {all.begin(), all.end()};
}

namespace {

// The universe of the train's archives, and what to write into a lock about them.
struct Archives {
    std::unique_ptr<debian::Universe> universe;
    std::vector<lock::Suite> suites;
    std::vector<lock::Folder> folders;
    std::int64_t epoch = 0;
};

Archives open_archives(Workshop& workshop, const std::function<fetch::Indices(fetch::Fetcher&)>& open) {
    StageTimer timer(workshop.profile(), workshop.renderer(), "", "indices");
    fetch::Fetcher fetcher = make_fetcher(workshop);
    fetch::Indices indices = open(fetcher);
    Archives archives{.universe = std::make_unique<debian::Universe>(workshop.train().architecture, pins_of(workshop.train())),
                      .suites = std::move(indices.suites),
                      .folders = std::move(indices.folders),
                      .epoch = indices.epoch};
    for (const fetch::PackagesIndex& index : indices.packages) archives.universe->add_file(index.file, index.source);
    timer.activity().outcome(fmt::format("{} versions of packages", archives.universe->size()));
    return archives;
}

Resolved resolve_in(Archives archives, Workshop& workshop, const std::vector<std::string>& roles, Daemon daemon) {
    Resolved resolved{.universe = std::move(archives.universe)};
    resolved.lock = {.train = workshop.train().name,
                     .architecture = workshop.train().architecture,
                     .epoch = archives.epoch,
                     .suites = std::move(archives.suites),
                     .folders = std::move(archives.folders)};

    const auto take = [&](const std::string& name) {
        StageTimer timer(workshop.profile(), workshop.renderer(), name, "resolve");
        solver::Solution solution = solve(*resolved.universe, workshop.recipes().load_role(name));
        add_role(resolved.lock, name, solution);
        timer.activity().outcome(fmt::format("{} packages", solution.choices.size()));
        resolved.solutions.emplace(name, std::move(solution));
    };
    // The build root comes first: ashlard is made in it, and only then can be chosen.
    const std::string& build = workshop.train().build;
    if (std::find(roles.begin(), roles.end(), build) != roles.end()) {
        take(build);
        const DaemonPackage package = daemon == Daemon::compiled ? compile_daemon(workshop, resolved.lock) : announce_daemon(workshop);
        if (package.digest) resolved.lock.outputs.emplace(daemon_package, *package.digest);
        resolved.universe->add_text(package.stanza, "ashlard", {.archive = std::string(daemon_archive), .suite = workshop.train().name});
    }
    for (const std::string& role : roles)
        if (role != build) take(role);
    lock::normalise(resolved.lock);
    return resolved;
}

} // namespace

fetch::Fetcher make_fetcher(Workshop& workshop) {
    const fetch::Places places = fetch::places_of_this_machine();
    const auto& options = workshop.options();
    return fetch::Fetcher(
        fetch::Mirrors(options.mirrors, places), fetch::transfer_options(places), workshop.store(), workshop.renderer(),
        {.network = options.network == WorkshopOptions::Network::allowed ? fetch::Network::allowed : fetch::Network::forbidden,
         .expired = options.expired == WorkshopOptions::Expired::refused ? fetch::Expired::refused : fetch::Expired::accepted,
         .shared = workshop.shared()});
}

Resolved resolve(Workshop& workshop, const std::vector<std::string>& roles, Daemon daemon) {
    const auto known = existing_lock(workshop);
    const auto open = [&](fetch::Fetcher& fetcher) { return fetcher.refresh(workshop.train(), known ? &*known : nullptr); };
    return resolve_in(open_archives(workshop, open), workshop, roles, daemon);
}

Resolved resolve_as_locked(Workshop& workshop, const lock::Lock& lock, const std::vector<std::string>& roles, Daemon daemon) {
    const auto open = [&](fetch::Fetcher& fetcher) { return fetcher.from_lock(workshop.train(), lock); };
    return resolve_in(open_archives(workshop, open), workshop, roles, daemon);
}

std::optional<lock::Lock> existing_lock(const Workshop& workshop) {
    if (!std::filesystem::exists(workshop.lock_path())) return std::nullopt;
    return lock::read(workshop.lock_path());
}

lock::Lock restricted(const lock::Lock& lock, const std::vector<std::string>& roles) {
    lock::Lock part = lock;
    part.packages.clear();
    part.roles.clear();
    for (const std::string& role : roles) {
        auto& indices = part.roles[role];
        for (const lock::Package* package : lock.packages_of(role)) {
            indices.push_back(part.packages.size());
            part.packages.push_back(*package);
        }
    }
    lock::normalise(part);
    return part;
}

} // namespace ashlar::pipeline
