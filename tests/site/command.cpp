#include "command.hpp"

#include "bench.hpp"

#include <base/error.hpp>
#include <base/text.hpp>
#include <site/site.hpp>
#include <virtual_site/roster.hpp>

#include <cerrno>
#include <csignal>
#include <cstdlib>

#include <gmock/gmock.h>

namespace ashlar::virtual_site {

namespace fs = std::filesystem;

std::vector<Json> events_in(const std::string& output) {
    std::vector<Json> events;
    for (const auto line : split(output, '\n'))
        if (!line.empty()) events.push_back(parse_json(line, "event"));
    return events;
}

Running::Running(const Command& command, fs::path log) : log_(std::move(log)) {
    fs::remove(log_);
    Command logged = command;
    logged.log = log_;
    // Tests in the background of a shell that ignores it hand that on.
    logged.before_exec = [] { return ::signal(SIGINT, SIG_DFL) == SIG_ERR ? errno : 0; };
    child_ = std::make_unique<RunningChild>(logged);
}

bool Running::says(std::string_view text, std::chrono::seconds longest) {
    bool said = false;
    (void)wait_until(longest, [&] {
        said = output().find(text) != std::string::npos;
        return said || child_->ended();
    });
    return said;
}

int Running::end(int signal, std::chrono::seconds longest) {
    ::kill(child_->pid(), signal);
    return wait_until(longest, [&] { return child_->ended().has_value(); }) ? *child_->ended() : -1;
}

UpCommand::UpCommand() : work_(fs::temp_directory_path(), "ashlar-site-") {
    fs::create_directory(work_.path() / "tmp");
    const auto made = run({"site", "new", "demo"});
    EXPECT_EQ(made.exit_code, 0) << made.errors;
    id_ = site::load(work_.path() / "demo/site.toml", "site.toml").id->text();
    machines_ = id_.substr(0, 6) + "-";
    before_ = found();
}

Command UpCommand::command(std::vector<std::string> words) const {
    const char* program = std::getenv("ASHLAR");
    if (program == nullptr) throw Error("cannot run the program: ASHLAR is not set", "run these tests by tests/site/run");
    words.insert(words.begin(), program);
    return in_directory(std::move(words));
}

Command UpCommand::in_directory(std::vector<std::string> argv) const {
    return {.argv = std::move(argv), .environment = {{{"PATH", std::getenv("PATH")}, {"TMPDIR", (work_.path() / "tmp").native()}}}, .directory = work_.path()};
}

Outcome UpCommand::run_program(std::vector<std::string> argv) const { return ashlar::run(in_directory(std::move(argv))); }

Outcome UpCommand::run(std::vector<std::string> words) const { return ashlar::run(command(std::move(words))); }

Running UpCommand::start(std::vector<std::string> words) const { return {command(std::move(words)), work_.path() / "log"}; }

std::set<std::string> UpCommand::found() const {
    std::set<std::string> all;
    std::error_code gone;
    for (const auto& entry : fs::directory_iterator(work_.path() / "tmp")) all.insert(entry.path());
    if (const fs::path claim = fs::path(roster_directory) / id_; fs::exists(claim)) all.insert(claim);
    for (const char* tree : {"/sys/fs/cgroup", "/sys/fs/cgroup/unified", "/sys/fs/cgroup/systemd"})
        for (const auto& entry : fs::directory_iterator(tree, gone))
            if (entry.path().filename().native().starts_with("ashlar-" + machines_)) all.insert(entry.path());
    const auto read_if_there = [](const fs::path& file) {
        try {
            return read_file(file);
        } catch (const Error&) {
            return std::string();
        }
    };
    for (const auto& entry : fs::directory_iterator("/proc", gone))
        if (const auto words = read_if_there(entry.path() / "cmdline"); words.find("--machine=" + machines_) != std::string::npos || words.find("vt-" + machines_) != std::string::npos)
            all.insert(entry.path().native() + " " + words);
    for (const auto& entry : fs::directory_iterator("/sys/block", gone))
        if (const auto file = trim(read_if_there(entry.path() / "loop/backing_file")); file == std::getenv("ASHLAR_SITE_IMAGE")) all.insert(entry.path());
    return all;
}

std::vector<std::string> UpCommand::left_behind() const {
    std::vector<std::string> left;
    (void)wait_until(std::chrono::seconds(10), [&] {
        left.clear();
        for (const auto& one : found())
            if (!before_.contains(one)) left.push_back(one);
        return left.empty();
    });
    return left;
}

} // namespace ashlar::virtual_site
