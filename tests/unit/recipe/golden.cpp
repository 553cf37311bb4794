// The complete text of every error that a recipe can cause: tests/golden/recipe/*.txt. Each file is
//
//     load role compute
//     == recipes/roles/compute.toml
//     …
//     == error
//     …what the user reads…
//
// on top of a few files that most cases need. ASHLAR_UPDATE_GOLDEN=1 writes the last part anew.

#include <recipe/directory.hpp>

#include <base/file.hpp>
#include <base/text.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <sstream>

using namespace ashlar;
namespace fs = std::filesystem;

namespace {

const fs::path golden_directory = ASHLAR_SOURCE_DIR "/tests/golden/recipe";

const std::map<std::string, std::string> common_files{
    {"recipes/roles/initrd.toml", "kind = \"initrd\"\nsummary = \"The initrd\"\n"},
    {"recipes/roles/tools.toml", "kind = \"tools\"\nsummary = \"The tools\"\n"},
    {"recipes/roles/build.toml", "kind = \"build\"\nsummary = \"The build root\"\n"},
    {"recipes/roles/base.toml",
     "kind = \"node\"\nsummary = \"The base\"\npackages = [\"systemd\"]\nservices = [\"ssh.service\"]\n"
     "initrd = \"initrd\"\n\n[kernel]\npackage = \"linux-image-cloud-amd64\"\n"},
    {"recipes/trains/R0.toml",
     "summary = \"A train\"\nrelease = \"R0.0\"\narchitecture = \"amd64\"\nroles = [\"base\"]\n"
     "tools = \"tools\"\nbuild = \"build\"\n\n[[archive]]\nname = \"debian\"\nsuites = [\"trixie\"]\n"
     "components = [\"main\"]\nkeys = [\"debian.asc\"]\n"},
    {"recipes/keys/debian.asc", ""},
    {"overlays/base/etc/motd", ""},
};

struct Case {
    std::string command; // "load role compute", "load train R0", "load components", "fit role compute" (into R0)
    std::map<std::string, std::string> files;
    std::string error;
    std::string without_error; // the text up to the error
};

Case parse_case(const std::string& text) {
    Case result;
    std::istringstream stream(text);
    std::getline(stream, result.command);
    result.without_error = result.command + '\n';
    std::string* section = nullptr;
    for (std::string line; std::getline(stream, line);) {
        const bool heading = line.starts_with("== ");
        if (heading)
            section = line == "== error" ? &result.error : &result.files[line.substr(3)];
        else if (section)
            *section += line + '\n';
        if (section != &result.error) result.without_error += line + '\n';
    }
    return result;
}

std::string outcome(const Case& test) {
    TemporaryDirectory root(fs::temp_directory_path());
    auto files = test.files;
    files.insert(common_files.begin(), common_files.end());
    for (const auto& [path, text] : files) {
        fs::create_directories((root.path() / path).parent_path());
        write_file(root.path() / path, text);
    }
    std::string message = "(no error)";
    try {
        const recipe::RecipeDirectory directory(root.path() / "recipes");
        const std::string name = test.command.substr(test.command.rfind(' ') + 1);
        if (test.command.starts_with("load role "))
            (void)directory.load_role(name);
        else if (test.command.starts_with("load train "))
            (void)directory.load_train(name);
        else if (test.command == "load components")
            (void)directory.load_components();
        else if (test.command.starts_with("fit role "))
            recipe::require_compatible(directory.load_role(name), directory.load_train("R0"));
        else
            message = "(unknown command)";
    } catch (const Error& error) {
        message = error.what();
    }
    const std::string prefix = root.path().string() + '/';
    for (std::size_t at = message.find(prefix); at != std::string::npos; at = message.find(prefix))
        message.erase(at, prefix.size());
    return message + '\n';
}

std::vector<std::string> case_names() {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(golden_directory)) names.push_back(entry.path().stem().string());
    std::sort(names.begin(), names.end());
    return names;
}

class RecipeError : public testing::TestWithParam<std::string> {};

} // namespace

TEST_P(RecipeError, ReadsAsWritten) {
    const fs::path path = golden_directory / (GetParam() + ".txt");
    const Case test = parse_case(read_file(path));
    const std::string actual = outcome(test);
    EXPECT_NE(actual, "(no error)\n");
    if (std::getenv("ASHLAR_UPDATE_GOLDEN"))
        write_file(path, test.without_error + "== error\n" + actual);
    else
        EXPECT_EQ(actual, test.error);
}

INSTANTIATE_TEST_SUITE_P(Golden, RecipeError, testing::ValuesIn(case_names()), [](const auto& parameter) {
    std::string name = parameter.param;
    std::replace(name.begin(), name.end(), '-', '_');
    return name;
});

TEST(RecipeErrors, AreAllThere) { EXPECT_GE(case_names().size(), 50u); }
