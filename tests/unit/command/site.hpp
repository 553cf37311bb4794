#pragma once

// A small site: recipes, a folder of packages as the only archive, a store. Commands run in it.

#include <base/error.hpp>
#include <base/file.hpp>
#include <base/json.hpp>
#include <base/process.hpp>

#include <handmade_deb.hpp>

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

namespace ashlar::command {

namespace fs = std::filesystem;

class Site {
public:
    Site() {
        role("base", "kind = \"node\"\nsummary = \"The base\"\npackages = [\"openssh-server\"]\ninitrd = \"initrd\"\n\n"
                     "[kernel]\npackage = \"linux\"\n");
        role("initrd", "kind = \"initrd\"\nsummary = \"The initrd\"\n");
        role("tools", "kind = \"tools\"\nsummary = \"The tools\"\n");
        role("build", "kind = \"build\"\nsummary = \"The build root\"\n");
        write("recipes/trains/R0.toml", "summary = \"A train\"\nrelease = \"R0.0\"\narchitecture = \"amd64\"\nroles = [\"base\"]\n"
                                        "tools = \"tools\"\nbuild = \"build\"\n\n[[archive]]\nname = \"local\"\nfolder = \"packages\"\n");
        write("ashlar.toml", "");
        package("linux", "6.12");
        package("openssh-server", "1", "Depends: libssl3\n");
        package("libssl3", "3.0");
    }

    void role(const std::string& name, const std::string& text) { write("recipes/roles/" + name + ".toml", text); }
    void package(const std::string& name, const std::string& version, const std::string& more = {}) {
        write("packages/" + name + ".deb",
              handmade::deb({}, "Package: " + name + "\nVersion: " + version + "\nArchitecture: all\nInstalled-Size: 100\n" + more));
    }
    void write(const fs::path& path, const std::string& text) {
        fs::create_directories((directory_.path() / path).parent_path());
        write_file(directory_.path() / path, text);
    }
    void remove(const fs::path& path) { fs::remove_all(directory_.path() / path); }

    [[nodiscard]] Outcome run(std::vector<std::string> words) const {
        words.insert(words.begin(), ASHLAR_PROGRAM);
        Outcome outcome = ashlar::run({.argv = std::move(words),
                            .environment = {{{"PATH", std::getenv("PATH")}, {"ASHLAR_STORE", (directory_.path() / "store").native()},
                                             {"ASHLAR_CONFIG", (directory_.path() / "ashlar.toml").native()}}},
                            .directory = directory_.path()});
        for (std::string* text : {&outcome.output, &outcome.errors}) forget_place(*text);
        return outcome;
    }
    // What a command answers that does what it should, and what one says that does not; without progress.
    [[nodiscard]] std::string answer(std::vector<std::string> words, int exit_code = 0) const {
        const Outcome outcome = run(quietly(std::move(words)));
        EXPECT_EQ(outcome.exit_code, exit_code) << outcome.errors;
        return outcome.output;
    }
    [[nodiscard]] std::string refusal(std::vector<std::string> words, int exit_code) const {
        const Outcome outcome = run(quietly(std::move(words)));
        EXPECT_EQ(outcome.exit_code, exit_code) << outcome.output;
        return outcome.errors;
    }
    [[nodiscard]] const fs::path& path() const noexcept { return directory_.path(); }

private:
    static std::vector<std::string> quietly(std::vector<std::string> words) {
        words.insert(words.begin(), {"--progress", "quiet"});
        return words;
    }
    // Paths below the site, as from within it.
    void forget_place(std::string& text) const {
        const std::string prefix = directory_.path().native() + "/";
        for (std::size_t at = 0; (at = text.find(prefix, at)) != text.npos;) text.erase(at, prefix.size());
    }

    TemporaryDirectory directory_{fs::temp_directory_path(), "ashlar-site-"};
};

} // namespace ashlar::command
