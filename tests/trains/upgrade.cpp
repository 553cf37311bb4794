// A node goes from release to release of a repository, and nowhere that the repository does not let it.

#include "../boot/node.hpp"

#include <base/error.hpp>
#include <base/process.hpp>

#include <gmock/gmock.h>

#include <cstdlib>

#include <fmt/format.h>

using namespace lab;
using testing::HasSubstr;
using testing::Not;

namespace {

// What tests/trains/run made: repositories by name, and the image that the first node has.
std::filesystem::path place(const std::string& name) {
    if (const char* root = std::getenv("ASHLAR_TRAINS")) return std::filesystem::path(root) / name;
    throw ashlar::Error("cannot find the repositories: ASHLAR_TRAINS is not set", "run these tests by tests/trains/run");
}

// A repository as a medium, "/dev/disk/by-id/virtio-<name>".
class RepositoryMedium {
public:
    explicit RepositoryMedium(std::string name) : name_(std::move(name)) {
        std::filesystem::create_directory(directory_.path() / "files");
        std::filesystem::create_directory_symlink(place(name_), directory_.path() / "files/ashlar");
        run_checked({.argv = {"sh", "-c", fmt::format("cp -rL {0}/files {0}/copy && {1} -q -t ext4 -d {0}/copy {2} 2G && rm -r {0}/copy", directory_.path().native(), program("mke2fs"), path().native())}});
    }
    [[nodiscard]] std::vector<std::string> arguments() const {
        return {"-drive", fmt::format("if=none,id={0},format=raw,readonly=on,file={1}", name_, path().native()), "-device", fmt::format("virtio-blk-pci,drive={0},serial={0}", name_)};
    }
    [[nodiscard]] std::string device() const { return "/dev/disk/by-id/virtio-" + name_; }

private:
    [[nodiscard]] std::filesystem::path path() const { return directory_.path() / "medium.raw"; }
    std::string name_;
    TemporaryDirectory directory_{std::filesystem::temp_directory_path(), "ashlar-trains-"};
};

// A node that its operator asks for things, until it restarts or is off.
class Operator {
public:
    // Once ashlard is there, each command in its turn; answers by command.
    std::map<std::string, std::string> ask(const std::vector<std::string>& commands, const std::vector<const RepositoryMedium*>& media) {
        std::map<std::string, std::string> answers;
        const auto report = node_.visited(
            [&] {
                if (!node_.visitor.run("ashlarctl status >/dev/null").ok()) return false;
                for (const auto& command : commands) {
                    const auto answer = node_.visitor.run(command);
                    answers[command] = answer.output + answer.errors;
                }
                return true;
            },
            [&](auto& options) {
                for (const auto* medium : media)
                    for (auto& word : medium->arguments()) options.more_arguments.push_back(std::move(word));
            });
        transcript_ += report.transcript + "\n--------\n";
        return answers;
    }
    // Starts it until no release is under way.
    Json settled() {
        for (unsigned starts = 0; starts < 3; ++starts) {
            const auto answers = ask({"ashlarctl status --json", "systemctl poweroff"}, {});
            const auto found = answers.find("ashlarctl status --json");
            if (found == answers.end() || found->second.find('{') == std::string::npos) continue;
            Json status = parse_json(found->second.substr(found->second.find('{')).substr(0, found->second.rfind('}') - found->second.find('{') + 1), "status");
            if (status.at("phase") == "resting") return status;
        }
        return {};
    }
    [[nodiscard]] const std::string& transcript() const { return transcript_; }
    [[nodiscard]] Json state() const { return node_.target.state(); }

private:
    Node node_ = installed_node();
    std::string transcript_;
};

TEST(Trains, ANodeTakesWhatItsRepositorySignsAndNothingElse) {
    Operator site;
    const RepositoryMedium mirror("mirror"), tampered("tampered"), older("older");
    const std::string unknown = "ashlarctl upgrade " + mirror.device() + " R0.7", damaged = "ashlarctl upgrade " + tampered.device() + " R0.1", newest = "ashlarctl upgrade " + mirror.device() + " --restart";
    const auto first = site.ask({damaged, unknown, newest}, {&mirror, &tampered});
    EXPECT_THAT(first.at(damaged), HasSubstr("cannot trust")) << site.transcript();
    EXPECT_THAT(first.at(unknown), HasSubstr("cannot upgrade to 'R0.7': there is no such release"));
    const Json status = site.settled();
    ASSERT_FALSE(status.is_null()) << first.at(newest) << site.transcript();
    EXPECT_EQ(status.at("release"), "R0.1") << first.at(newest) << site.transcript();

    // The repository of before the release: what was seen does not come undone.
    const std::string back = "ashlarctl upgrade " + older.device();
    EXPECT_THAT(site.ask({back, "systemctl poweroff"}, {&older}).at(back), HasSubstr("cannot trust 'bundle-R0.json': its version is 1, after 2 was seen")) << site.transcript();
    const Json state = site.state();
    EXPECT_EQ(state.at("security_floor"), (Json{{"R0", "R0.1"}}));
    EXPECT_TRUE(state.at("metadata_floor").contains("targets"));
    EXPECT_EQ(status.at("slots").at("menu").size(), 1U) << "what is below the security floor is not gone back to";
}

// From train to train, and over none of them that must not be skipped.
TEST(Trains, ANodeTakesOneStepAfterTheOther) {
    Operator site;
    const RepositoryMedium mirror("trains");
    const auto upgrade = [&](const char* release) { return fmt::format("ashlarctl upgrade {} {} --restart", mirror.device(), release); };
    const std::string skipping = upgrade("R2.0"), first = upgrade("R1.0");
    EXPECT_THAT(site.ask({skipping, first}, {&mirror}).at(skipping), HasSubstr("R2.0 is reached through R1.0 only")) << site.transcript();
    Json status = site.settled();
    ASSERT_FALSE(status.is_null()) << site.transcript();
    EXPECT_EQ(status.at("release"), "R1.0") << site.transcript();
    (void)site.ask({skipping}, {&mirror});
    status = site.settled();
    ASSERT_FALSE(status.is_null()) << site.transcript();
    EXPECT_EQ(status.at("release"), "R2.0") << site.transcript();
}

} // namespace
