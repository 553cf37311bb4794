#pragma once

// Running the maintainer scripts of an unpacked root: `preinst` of each package, then one
// `dpkg --configure -a` of the root's own dpkg, all in a sandbox (no network, fixed environment,
// nothing synced). Wants dpkg's database with every package "install ok unpacked".
//
// Some programs are answered for while scripts run, because what they do is done later, once and
// reproducibly, or must not be done at all:
//
//   deb-systemd-helper, deb-systemd-invoke, update-rc.d   presets decide what is on (presets.hpp)
//   py3compile, py3clean, pypy3compile                    compile_python() (byte_code.hpp)
//   update-initramfs                                      the initrd has a recipe of its own
//   ssh-keygen, mariadb-install-db                        keys and databases are made on the node
//
// and policy-rc.d forbids every service to start.

#include <root/accounts.hpp>

#include <base/progress.hpp>

#include <cstdint>
#include <filesystem>
#include <vector>

namespace ashlar::root {

struct ConfigureInputs {
    std::filesystem::path root;
    std::int64_t epoch = 0; // SOURCE_DATE_EPOCH of the scripts
    std::filesystem::path log; // appended to: everything the scripts and dpkg said
    // A directory for what is seen in place of the root's own programs; may be removed afterwards.
    std::filesystem::path scratch;
};

// A script that fails is an Error that names package and script and quotes the last lines it said.
// Afterwards every package is "install ok installed", no trigger is pending, and the accounts are the
// ledger's. Returns the directories that packages asked to have compiled for Python, inside the root,
// sorted: for compile_python().
std::vector<std::filesystem::path> configure(const ConfigureInputs& inputs, const Ledger& ledger, Renderer& progress);

// A sandbox in `root` with the environment of maintainer scripts.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> script_environment(std::int64_t epoch);

} // namespace ashlar::root
