#include <virtual_site/roster.hpp>

#include <base/error.hpp>
#include <base/text.hpp>

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <iterator>
#include <optional>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

namespace ashlar::virtual_site {

namespace fs = std::filesystem;

namespace {

// Of the whole file. It is this process's, and the kernel tells others which one that is, by the number that they know it by.
struct flock whole_file() {
    struct flock lock {};
    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;
    return lock;
}

bool is_there(const Fd& file, const fs::path& path) {
    struct stat opened {}, found {};
    return ::fstat(file.get(), &opened) == 0 && ::stat(path.c_str(), &found) == 0 && opened.st_ino == found.st_ino;
}

Error runs_already(const std::string& name) {
    return Error(fmt::format("cannot start site '{}': it runs on this machine already", name), "end it where it runs, by Ctrl-C; `ashlar enter` gets into its nodes");
}

std::string read_if_there(const fs::path& file) {
    try {
        return read_file(file);
    } catch (const Error&) {
        return {};
    }
}

std::vector<pid_t> children_of(pid_t process) {
    std::vector<pid_t> all;
    std::error_code gone;
    for (const auto& task : fs::directory_iterator(fmt::format("/proc/{}/task", process), gone)) {
        const std::string children = read_if_there(task.path() / "children");
        for (const auto word : split(trim(children), ' '))
            if (!word.empty()) all.push_back(static_cast<pid_t>(std::stol(std::string(word))));
    }
    return all;
}

// The first process of a container that `keeper` started.
std::optional<pid_t> first_process(pid_t keeper, const std::string& machine) {
    const std::string wanted = "--machine=" + machine;
    for (const pid_t child : children_of(keeper)) {
        const std::string words = read_if_there(fmt::format("/proc/{}/cmdline", child));
        const auto argv = split(words, '\0');
        if (std::ranges::find(argv, wanted) == argv.end()) continue;
        const auto inside = children_of(child);
        return inside.size() == 1 ? std::optional(inside.front()) : std::nullopt;
    }
    return std::nullopt;
}

// As a shell reads it as one word.
std::string shell_word(std::string_view text) {
    std::string out = "'";
    for (const char letter : text) out += letter == '\'' ? std::string("'\\''") : std::string(1, letter);
    return out + "'";
}

} // namespace

Claim::Claim(const SiteId& id, const std::string& name, fs::path directory) : file_(std::move(directory) / id.text()) {
    fs::create_directories(file_.parent_path());
    fs::permissions(file_.parent_path(), fs::perms::owner_all);
    do {
        lock_ = open_file(file_, O_RDWR | O_CREAT, 0600);
        auto lock = whole_file();
        if (::fcntl(lock_.get(), F_SETLK, &lock) == 0) continue;
        if (errno == EACCES || errno == EAGAIN) throw runs_already(name);
        throw system_error("lock", file_.native());
    } while (!is_there(lock_, file_)); // whoever had it has just ended
    tell(Json::object());
}

Claim::~Claim() {
    ::unlink(file_.c_str());
    ::rmdir(file_.parent_path().c_str()); // when it was the last
}

void Claim::tell(const Json& ways) const {
    const std::string text = ways.dump();
    if (::ftruncate(lock_.get(), 0) != 0 || ::pwrite(lock_.get(), text.data(), text.size(), 0) != static_cast<ssize_t>(text.size())) throw system_error("write", file_.native());
}

std::vector<std::string> way_into(const SiteId& id, const std::string& site, const std::string& node, const std::vector<std::string>& program, const fs::path& directory) {
    const auto refuse = [&](std::string_view cause, std::string hint) { return Error(fmt::format("cannot enter '{}': {}", node, cause), std::move(hint)); };
    const fs::path file = directory / id.text();
    auto lock = whole_file();
    lock.l_type = F_RDLCK;
    Fd opened(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
    if (!opened && errno == EACCES) throw refuse("it is root's", "run the command as root, as `ashlar up` was");
    if (!opened || ::fcntl(opened.get(), F_GETLK, &lock) != 0 || lock.l_type == F_UNLCK)
        throw refuse(fmt::format("site '{}' does not run on this machine", site), "start it with `ashlar up`");
    const Json ways = Json::parse(read_file(file), nullptr, false);
    if (!ways.is_object() || !ways.contains(node)) {
        std::vector<std::string> known;
        if (ways.is_object())
            for (const auto& [name, way] : ways.items()) known.push_back(name);
        throw refuse(fmt::format("no node of site '{}' that runs here is called so", site), known.empty() ? "the site is just being started" : fmt::format("there are {}", join(known, ", ")));
    }
    const Json& way = ways.at(node);
    if (way.contains("machine")) {
        const auto process = first_process(lock.l_pid, way.at("machine").get<std::string>());
        if (!process) throw refuse("it is off", "what it said last is in its console.log");
        std::vector<std::string> argv{"nsenter", "--target", std::to_string(*process), "--mount", "--uts", "--ipc", "--net", "--pid", "--root", "--wdns=/", "--"};
        if (program.empty()) argv.insert(argv.end(), {"/bin/bash", "--login"});
        argv.insert(argv.end(), program.begin(), program.end());
        return argv;
    }
    std::vector<std::string> argv{"nsenter", "--target", std::to_string(lock.l_pid), "--net", "--"};
    for (const auto& word : way.at("ssh")) argv.push_back(word.get<std::string>());
    if (program.empty()) return argv;
    std::vector<std::string> words;
    std::ranges::transform(program, std::back_inserter(words), shell_word);
    argv.push_back(join(words, " "));
    return argv;
}

} // namespace ashlar::virtual_site
