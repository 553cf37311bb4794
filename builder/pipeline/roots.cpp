#include <pipeline/roots.hpp>

#include <pipeline/daemon_stage.hpp>
#include <pipeline/inputs.hpp>
#include <pipeline/stage_key.hpp>

#include <base/error.hpp>
#include <root/accounts.hpp>
#include <root/byte_code.hpp>
#include <root/configure.hpp>
#include <root/dpkg_database.hpp>
#include <root/normalise.hpp>
#include <root/unpack.hpp>
#include <root/verify.hpp>

#include <algorithm>

#include <fmt/format.h>

namespace ashlar::pipeline {

namespace fs = std::filesystem;

namespace {

std::vector<root::PackageFile> package_files(Workshop& workshop, const lock::Lock& lock, const std::string& role) {
    std::vector<root::PackageFile> files;
    for (const lock::Package* package : lock.packages_of(role)) {
        const auto blob = workshop.store().find(package->sha256);
        if (!blob) throw Error(fmt::format("cannot unpack '{} {}': it is not in the store", package->name, package->version));
        files.push_back({.path = *blob, .name = package->name, .version = package->version, .architecture = package->architecture});
    }
    return files;
}

void add_packages(StageKey& key, const lock::Lock& lock, const std::string& role) {
    key.add("architecture", lock.architecture);
    key.add("epoch", lock.epoch);
    for (const lock::Package* package : lock.packages_of(role)) key.add(package->name, package->sha256);
}

root::Unpacked unpack(Workshop& workshop, const lock::Lock& lock, const std::string& role, const fs::path& destination) {
    fs::create_directory(destination);
    auto unpacked = root::unpack(package_files(workshop, lock, role), destination, {.epoch = lock.epoch}, workshop.renderer());
    root::write_dpkg_database(destination, unpacked, lock.architecture);
    return unpacked;
}

bool has_daemon(const lock::Lock& lock, const std::string& role) {
    const auto packages = lock.packages_of(role);
    return std::any_of(packages.begin(), packages.end(), [](const lock::Package* package) { return package->name == daemon_package; });
}

root::Ledger read_ledger(Workshop& workshop) {
    return root::Ledger::read(workshop.recipes().path() / "accounts.toml", "recipes/accounts.toml");
}

} // namespace

StageResult unpacked_root(Workshop& workshop, const lock::Lock& lock, const std::string& role) {
    StageKey key("unpacked");
    add_packages(key, lock, role);
    return run_stage(workshop, {role, "unpack", "unpacked", key.finish()},
                     [&](const fs::path& output, StageTimer&) { (void)unpack(workshop, lock, role, output / "root"); });
}

StageResult configured_root(Workshop& workshop, const lock::Lock& lock, const recipe::Role& role) {
    const root::Ledger ledger = read_ledger(workshop);
    StageKey key("configured");
    add_packages(key, lock, role.name);
    key.add("accounts", ledger.text());
    return run_parts(workshop, {role.name, "configure", "configured", key.finish()}, [&](const fs::path& output) {
        const fs::path root = output / "root";
        {
            StageTimer timer(workshop.profile(), workshop.renderer(), role.name, "unpack");
            (void)unpack(workshop, lock, role.name, root);
        }
        StageTimer timer(workshop.profile(), workshop.renderer(), role.name, "configure");
        const store::Workspace scratch = workshop.store().temporary();
        const auto python = root::configure({.root = root, .epoch = lock.epoch, .log = output / "log", .scratch = scratch.path()}, ledger,
                                            workshop.renderer());
        root::compile_python(root, python, lock.epoch, workshop.renderer());
        root::normalise(root, lock.epoch);
        root::verify_packages(root);
    });
}

root::ToolsRoot tools_root(Workshop& workshop, const lock::Lock& lock) {
    return root::ToolsRoot(unpacked_root(workshop, lock, workshop.train().tools).output / "root");
}

void fetch_packages(Workshop& workshop, const lock::Lock& lock, const std::vector<std::string>& roles) {
    StageTimer timer(workshop.profile(), workshop.renderer(), "", "fetch");
    if (std::any_of(roles.begin(), roles.end(), [&](const std::string& role) { return has_daemon(lock, role); })) require_daemon(workshop, lock);
    make_fetcher(workshop).packages(workshop.train(), lock, roles);
}

} // namespace ashlar::pipeline
