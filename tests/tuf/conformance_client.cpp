// The client that the conformance suite of The Update Framework drives (its CLIENT-CLI.md): init, refresh and download, by
// the same code as on a node. Exit code 0 or 1.

#include <base/error.hpp>
#include <base/file.hpp>
#include <base/progress.hpp>
#include <transfer/downloader.hpp>
#include <tuf/updater.hpp>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

#include <fmt/format.h>

using namespace ashlar;
namespace fs = std::filesystem;

namespace {

struct Arguments {
    std::map<std::string, std::string, std::less<>> options;
    std::vector<std::string> targets, rest;

    explicit Arguments(std::span<char*> words) {
        for (std::size_t i = 1; i < words.size(); ++i) {
            const std::string word = words[i];
            if (!word.starts_with("--")) rest.push_back(word);
            else if (i + 1 == words.size()) throw Error(fmt::format("cannot use '{}': its value is missing", word));
            else if (word == "--target-name") targets.emplace_back(words[++i]);
            else options[word] = words[++i];
        }
    }
    [[nodiscard]] const std::string& at(std::string_view option) const {
        const auto found = options.find(option);
        if (found == options.end()) throw Error(fmt::format("cannot start 'conformance client': {} is missing", option));
        return found->second;
    }
};

std::string below(const std::string& url, std::string_view name) { return fmt::format("{}{}{}", url, url.ends_with('/') ? "" : "/", name); }

class Web {
public:
    // Nothing when it is not there. The first `most` bytes are all that it may have.
    [[nodiscard]] std::optional<std::string> get(const std::string& url, std::uint64_t most) {
        const fs::path file = scratch_.path() / "file";
        fs::remove(file);
        const transfer::Request request{.name = url, .urls = {url}, .expected = transfer::AtMost{most}, .target = [&] { return file; }};
        const auto results = downloader_.fetch(std::span(&request, 1), "fetching");
        if (const auto* failed = std::get_if<transfer::Failed>(&results.front())) {
            if (failed->absent()) return std::nullopt;
            throw transfer::error_of(*failed);
        }
        return read_file(file);
    }

private:
    TemporaryDirectory scratch_{fs::temp_directory_path()};
    std::unique_ptr<Renderer> renderer_ = make_renderer(ProgressStyle::quiet, 2);
    transfer::Downloader downloader_{{.tries = 1}, *renderer_};
};

class WebRepository final : public tuf::Repository {
public:
    WebRepository(Web& web, std::string url) : web_(web), url_(std::move(url)) {}
    [[nodiscard]] std::optional<std::string> metadata(std::string_view name, std::uint64_t most) override { return web_.get(below(url_, name), most); }

private:
    Web& web_;
    std::string url_;
};

void check(const std::string& path, const tuf::Target& target, std::string_view bytes) {
    tuf::TargetCheck check(path, target);
    check.update(bytes_of(bytes));
    check.finish();
}

bool is_there(const fs::path& file, const std::string& path, const tuf::Target& target) try {
    if (!fs::exists(file)) return false;
    check(path, target, read_file(file));
    return true;
} catch (const tuf::MetadataError&) {
    return false;
}

struct Client {
    const Arguments& arguments;
    Web web;
    WebRepository repository{web, arguments.at("--metadata-url")};
    tuf::DirectoryStore store{arguments.at("--metadata-dir")};
    tuf::Updater updater{repository, store, {.now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now())}};

    void download(const std::string& path) {
        const auto found = updater.find(path);
        if (!found) throw Error(fmt::format("cannot find '{}': no trusted role names it", path));
        const fs::path file = fs::path(arguments.at("--target-dir")) / tuf::file_name_of(path);
        if (is_there(file, path, found->target)) return;
        const auto naming = updater.trusted().root().consistent_snapshot ? tuf::Naming::consistent : tuf::Naming::plain;
        const auto bytes = web.get(below(arguments.at("--target-base-url"), tuf::place_of(path, found->target, naming)), found->target.length);
        if (!bytes) throw Error(fmt::format("cannot download '{}': the repository does not have it", path));
        check(path, found->target, *bytes);
        write_file(file, *bytes);
    }
};

void run(const Arguments& arguments) {
    const std::string command = arguments.rest.empty() ? "" : arguments.rest.front();
    if (command == "init") return tuf::DirectoryStore(arguments.at("--metadata-dir")).save("root", read_file(arguments.rest.at(1)));
    if (command != "refresh" && command != "download") throw Error(fmt::format("cannot run '{}': it is none of init, refresh and download", command));
    Client client{.arguments = arguments, .web = {}};
    client.updater.refresh();
    for (const auto& path : arguments.targets) client.download(path);
}

} // namespace

int main(int argc, char** argv) try {
    run(Arguments(std::span(argv, static_cast<std::size_t>(argc))));
    return 0;
} catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 1;
}
