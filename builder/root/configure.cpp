#include <root/configure.hpp>

#include "installed.hpp"

#include <base/error.hpp>
#include <base/file.hpp>
#include <base/process.hpp>
#include <base/text.hpp>

#include <algorithm>
#include <array>
#include <set>

#include <fmt/format.h>

namespace ashlar::root {

namespace fs = std::filesystem;

namespace {

// ---- Programs that are answered for ---------------------------------------------------------------

constexpr std::array silent_programs{
    "usr/bin/deb-systemd-helper", "usr/bin/deb-systemd-invoke", "usr/sbin/update-rc.d",   "usr/bin/py3clean",
    "usr/bin/pypy3compile",       "usr/sbin/update-initramfs",  "usr/bin/ssh-keygen",     "usr/bin/mariadb-install-db",
};

constexpr std::string_view do_nothing = "#!/bin/sh\nexit 0\n";
// `py3compile -p package [directory…]`: which directories, is known only here.
constexpr std::string_view note_request = "#!/bin/sh\nprintf '%s\\n' \"$*\" >> /run/ashlar/python-requests\n";

void answer_for_programs(Sandbox& sandbox, const fs::path& scratch) {
    const auto answer = [&](const char* program, std::string_view script) {
        if (!fs::exists(sandbox.root / program)) return;
        const fs::path stand_in = scratch / fs::path(program).filename();
        write_file(stand_in, script, 0755);
        sandbox.binds.push_back({stand_in, fs::path("/") / program});
    };
    for (const char* program : silent_programs) answer(program, do_nothing);
    answer("usr/bin/py3compile", note_request);
    // What the interpreter's own packages compile their library with.
    for (const auto& library : fs::directory_iterator(sandbox.root / "usr/lib"))
        if (const fs::path compiler = library.path().filename() / "py_compile.py";
            library.path().filename().native().starts_with("python3.") && fs::exists(sandbox.root / "usr/lib" / compiler))
            answer(("usr/lib" / compiler).c_str(), "");
    write_file(scratch / "python-requests", "");
    sandbox.binds.push_back({scratch / "python-requests", "/run/ashlar/python-requests", Access::read_write});
}

// invoke-rc.d(8): 101 = the action is forbidden. It asks at this path only.
class PolicyRcD {
public:
    explicit PolicyRcD(const fs::path& root) : file_(root / "usr/sbin/policy-rc.d") {
        write_file(file_, "#!/bin/sh\nexit 101\n", 0755);
    }
    PolicyRcD(const PolicyRcD&) = delete;
    PolicyRcD& operator=(const PolicyRcD&) = delete;
    ~PolicyRcD() {
        std::error_code ignored;
        fs::remove(file_, ignored);
    }

private:
    fs::path file_;
};

// ---- Scripts -------------------------------------------------------------------------------------

std::string last_lines(std::string_view text, std::size_t count) {
    text = trim(text);
    std::size_t start = text.size();
    while (count-- > 0 && start != std::string_view::npos && start > 0) start = text.rfind('\n', start - 1);
    return std::string(start == std::string_view::npos ? text : trim(text.substr(start)));
}

constexpr std::size_t quoted_lines = 15;

class Scripts {
public:
    Scripts(const ConfigureInputs& inputs, const Sandbox& sandbox) : inputs_(inputs), sandbox_(sandbox) {}

    void preinst(const InstalledPackage& package) {
        const std::string script = fmt::format("{}/info/{}.preinst", database_folder, package.info_name);
        if (!fs::exists(inputs_.root / script)) return;
        Command command = in_root({"/" + script, "install"});
        // dpkg(1), "Internal environment", as dpkg sets it.
        for (const auto& [name, value] : std::initializer_list<std::pair<std::string, std::string>>{
                 {"DPKG_MAINTSCRIPT_PACKAGE", package.name},
                 {"DPKG_MAINTSCRIPT_ARCH", package.architecture},
                 {"DPKG_MAINTSCRIPT_NAME", "preinst"},
                 {"DPKG_MAINTSCRIPT_PACKAGE_REFCOUNT", "1"},
                 {"DPKG_MAINTSCRIPT_DEBUG", "0"},
                 {"DPKG_ADMINDIR", "/" + std::string(database_folder)},
                 {"DPKG_ROOT", ""}})
            command.environment->emplace_back(name, value);
        const std::size_t before = log_size();
        const Outcome outcome = run(command);
        if (!outcome.ok()) fail(package.name, "preinst", outcome.exit_code, read_file(inputs_.log).substr(before));
    }

    void configure_all() {
        const std::size_t before = log_size();
        const Outcome outcome = run(in_root({"dpkg", "--force-unsafe-io", "--force-confold", "--configure", "--pending"}));
        const std::string said = read_file(inputs_.log).substr(before);
        if (!outcome.ok()) explain(said, outcome.exit_code);
    }

    [[nodiscard]] Command in_root(std::vector<std::string> argv) const {
        Command command = sandbox_.enter(std::move(argv));
        command.environment = script_environment(inputs_.epoch);
        command.log = inputs_.log;
        return command;
    }

private:
    [[nodiscard]] std::size_t log_size() const { return fs::exists(inputs_.log) ? static_cast<std::size_t>(fs::file_size(inputs_.log)) : 0; }

    [[noreturn]] void fail(std::string_view package, std::string_view script, int exit_code, std::string_view said) const {
        throw Error(fmt::format("cannot configure '{}': its {} ended with exit code {}\n{}", package, script, exit_code, last_lines(said, quoted_lines)),
                    fmt::format("everything it said is in '{}'", inputs_.log.native()));
    }

    // dpkg goes on after a failure and ends with a summary; the first one is the cause:
    //   dpkg: error processing package keystone (--configure):
    //    installed keystone package post-installation script subprocess returned error exit status 1
    [[noreturn]] void explain(std::string_view said, int exit_code) const {
        constexpr std::string_view mark = "dpkg: error processing package ";
        const std::size_t at = said.find(mark);
        if (at == std::string_view::npos) {
            throw Error(fmt::format("cannot configure the root: dpkg ended with exit code {}\n{}", exit_code, last_lines(said, quoted_lines)),
                        fmt::format("everything it said is in '{}'", inputs_.log.native()));
        }
        const auto name = said.substr(at + mark.size(), said.substr(at + mark.size()).find(' '));
        const auto rest = said.substr(said.find('\n', at) + 1);
        const auto cause = trim(rest.substr(0, rest.find('\n')));
        throw Error(fmt::format("cannot configure '{}': {}\n{}", name, cause, last_lines(said.substr(0, at), quoted_lines)),
                    fmt::format("everything it said is in '{}'", inputs_.log.native()));
    }

    const ConfigureInputs& inputs_;
    const Sandbox& sandbox_;
};

// ---- Afterwards ----------------------------------------------------------------------------------

void require_installed(const fs::path& root) {
    for (const auto& package : read_installed(root))
        if (package.status != "install ok installed")
            throw Error(fmt::format("cannot configure '{}': dpkg left it '{}'", package.info_name, package.status),
                        "a package that it depends on is missing from the root, or a trigger was left pending");
}

std::vector<fs::path> requested_directories(const std::string& requests) {
    std::set<fs::path> directories{"usr/lib/python3/dist-packages"};
    for (const auto line : split(requests, '\n'))
        for (const auto word : split(line, ' '))
            if (word.size() > 1 && word[0] == '/') directories.insert(fs::path(word.substr(1)));
    return {directories.begin(), directories.end()};
}

} // namespace

std::vector<std::pair<std::string, std::string>> script_environment(std::int64_t epoch) {
    auto environment = sandbox_environment();
    for (const auto& [name, value] : std::initializer_list<std::pair<std::string, std::string>>{
             {"DEBIAN_FRONTEND", "noninteractive"},
             {"DEBCONF_NONINTERACTIVE_SEEN", "true"},
             {"INITRD", "No"},
             {"PYTHONHASHSEED", "0"},
             {"PYTHONDONTWRITEBYTECODE", "1"},
             {"SYSTEMD_OFFLINE", "1"},
             {"SOURCE_DATE_EPOCH", std::to_string(epoch)}})
        environment.emplace_back(name, value);
    return environment;
}

std::vector<fs::path> configure(const ConfigureInputs& inputs, const Ledger& ledger, Renderer& progress) {
    Sandbox sandbox{.root = inputs.root};
    give_ids(ledger, sandbox, inputs.scratch);
    answer_for_programs(sandbox, inputs.scratch);
    Scripts scripts(inputs, sandbox);
    {
        const PolicyRcD policy(inputs.root);
        const auto packages = read_installed(inputs.root);
        {
            Activity activity(progress, "preparing packages");
            for (const auto* package : script_order(packages)) scripts.preinst(*package);
        }
        Activity activity(progress, "configuring packages");
        activity.outcome(fmt::format("{} packages", packages.size()));
        scripts.configure_all();
    }
    require_installed(inputs.root);
    check_accounts(ledger, inputs.root);
    return requested_directories(read_file(inputs.scratch / "python-requests"));
}

} // namespace ashlar::root
