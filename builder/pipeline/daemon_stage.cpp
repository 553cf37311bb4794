#include <pipeline/daemon_stage.hpp>

#include <pipeline/inputs.hpp>
#include <pipeline/roots.hpp>
#include <pipeline/stage_key.hpp>

#include <base/error.hpp>
#include <daemon/package.hpp>

#include <fmt/format.h>

namespace ashlar::pipeline {

namespace fs = std::filesystem;

namespace {

std::string stanza(Workshop& workshop, std::uint64_t size, const Digest& digest) {
    const std::string& architecture = workshop.train().architecture;
    return fmt::format("{}Filename: {}_{}.deb\nSize: {}\nSHA256: {}\n", daemon::control_text(workshop.source(), architecture),
                       daemon_package, architecture, size, digest.hex());
}

Digest key_of(Workshop& workshop, const lock::Lock& lock) {
    StageKey key("ashlard", daemon::procedure());
    for (const lock::Package* package : lock.packages_of(workshop.train().build)) key.add(package->name, package->sha256);
    for (const fs::path& part : daemon::source_parts()) key.add_tree(part.native(), workshop.source() / part);
    return key.finish();
}

} // namespace

DaemonPackage announce_daemon(Workshop& workshop) {
    return {.digest = std::nullopt, .stanza = stanza(workshop, 0, Digest(Digest::Bytes{}))};
}

DaemonPackage compile_daemon(Workshop& workshop, const lock::Lock& lock) {
    const std::string& build = workshop.train().build;
    const Digest key = key_of(workshop, lock);
    const StageResult result = run_stage(workshop, {"", "ashlard", "ashlard", key}, [&](const fs::path& output, StageTimer&) {
        make_fetcher(workshop).packages(workshop.train(), lock, std::vector{build});
        const StageResult root = unpacked_root(workshop, lock, build);
        const store::Workspace work = workshop.store().temporary();
        daemon::make_package({.build_root = root.output / "root", .source = workshop.source(), .architecture = workshop.train().architecture},
                             work.path(), output / "log", output / "ashlard.deb");
        // It takes minutes, and people edit meanwhile.
        if (key_of(workshop, lock) != key) throw Error("cannot keep 'ashlard': its source changed while it was compiled", "run the command again");
    });
    const fs::path package = result.output / "ashlard.deb";
    const Digest digest = workshop.store().insert(package);
    return {.digest = digest, .stanza = stanza(workshop, fs::file_size(package), digest)};
}

void require_daemon(Workshop& workshop, const lock::Lock& lock) {
    const auto wanted = lock.outputs.find(std::string(daemon_package));
    if (wanted == lock.outputs.end() || workshop.store().find(wanted->second)) return;
    const std::vector wish{shared::Wanted{std::string(daemon_package), wanted->second, std::nullopt}};
    if (auto* shared = workshop.shared()) shared->fetch(wish);
    if (workshop.store().find(wanted->second)) return;
    const DaemonPackage made = compile_daemon(workshop, lock);
    if (auto* shared = workshop.shared()) shared->put(wish);
    if (*made.digest == wanted->second) return;
    throw Error(fmt::format("cannot make 'ashlard' as the lock names it: this source gives sha256:{}, the lock has sha256:{}",
                            made.digest->hex(), wanted->second.hex()),
                "check out the source that the lock was made from, or make a new lock with `ashlar lock`");
}

} // namespace ashlar::pipeline
