// A node goes from release to release of a repository, and nowhere that the repository does not let it.

#include "../boot/node.hpp"
#include "../boot/repository_medium.hpp"

#include <base/error.hpp>
#include <base/process.hpp>
#include <signing/cluster_release.hpp>

#include <gmock/gmock.h>

#include <cstdlib>

#include <fmt/format.h>

using namespace lab;
using testing::HasSubstr;
using testing::Not;

namespace {

// A node that its operator asks for things, until it restarts or is off.
class Operator {
public:
    // Once ashlard is there, each command in its turn; answers by command.
    std::map<std::string, std::string> ask(const std::vector<std::string>& commands, const std::vector<RepositoryMedium>& media) {
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
                for (const auto& medium : media)
                    for (auto& word : medium.arguments()) options.more_arguments.push_back(std::move(word));
            });
        transcript_ += report.transcript + "\n--------\n";
        return answers;
    }
    // Starts it until no release is under way.
    Json settled() {
        for (unsigned starts = 0; starts < 3; ++starts) {
            const auto answers = ask({"ashlarctl status --json", "uname -r", "etcd --version", "systemctl poweroff"}, {});
            const auto found = answers.find("ashlarctl status --json");
            if (found == answers.end() || found->second.find('{') == std::string::npos) continue;
            Json status = parse_json(found->second.substr(found->second.find('{')).substr(0, found->second.rfind('}') - found->second.find('{') + 1), "status");
            if (status.at("phase") != "resting") continue;
            kernel_ = answers.at("uname -r");
            etcd_ = answers.at("etcd --version");
            return status;
        }
        return {};
    }
    // What the machine does when nobody asks it for anything.
    machine::Report start() { return node_.visited([] { return true; }); }
    [[nodiscard]] const std::string& transcript() const { return transcript_; }
    [[nodiscard]] Json state() const { return node_.target.state(); }
    // When it had settled.
    [[nodiscard]] const std::string& kernel() const { return kernel_; }
    [[nodiscard]] const std::string& etcd() const { return etcd_; }

private:
    Node node_ = installed_node();
    std::string transcript_, kernel_, etcd_;
};

// What the release's document says of a component.
std::string version_of(const std::string& component, const std::string& release) {
    const char* releases = std::getenv("ASHLAR_TRAINS_RELEASES");
    if (releases == nullptr) throw ashlar::Error("cannot find the releases: ASHLAR_TRAINS_RELEASES is not set", "run these tests by tests/trains/run");
    const auto directory = std::filesystem::path(releases) / release.substr(0, release.find('.')) / release;
    for (const auto& file : std::filesystem::directory_iterator(directory))
        if (file.path().filename().native().ends_with(".release.json"))
            for (const auto& one : parse_cluster_release(read_file(file.path()), file.path().native()).components)
                if (one.name == component) return one.version;
    return {};
}

class Trains : public testing::Test {
protected:
    // Asks for a release, and for what must be refused before that.
    void take(const RepositoryMedium& from, const std::string& release, const std::vector<std::pair<std::string, std::string>>& refused = {}) {
        const auto upgrade = [&](const std::string& wanted) { return fmt::format("ashlarctl upgrade {} {} --restart", from.device(), wanted); };
        std::vector<std::string> commands;
        for (const auto& [wanted, why] : refused) commands.push_back(upgrade(wanted));
        commands.push_back(upgrade(release));
        const auto answers = site_.ask(commands, {from});
        for (const auto& [wanted, why] : refused) EXPECT_THAT(answers.at(upgrade(wanted)), HasSubstr(why)) << site_.transcript();
        status_ = site_.settled();
        ASSERT_FALSE(status_.is_null()) << answers.at(upgrade(release)) << site_.transcript();
        ASSERT_EQ(status_.at("release"), release) << answers.at(upgrade(release)) << site_.transcript();
    }
    Operator site_;
    Json status_;
};

TEST_F(Trains, ANodeGoesBelowNoSecurityFloor) {
    const RepositoryMedium floor("floor");
    take(floor, "R0.1");
    EXPECT_EQ(site_.state().at("security_floor"), (Json{{"R0", "R0.1"}}));
    EXPECT_EQ(status_.at("slots").at("menu").size(), 1U) << "what is below the security floor is not gone back to";
    const std::string back = "ashlarctl upgrade " + floor.device() + " R0.0";
    EXPECT_THAT(site_.ask({back, "systemctl poweroff"}, {floor}).at(back), HasSubstr("below the security floor")) << site_.transcript();

    // Nor by hand: somebody who stands before the machine has the old UKI, which is signed, and makes it the only one that the boot
    // loader may start.
    EXPECT_EQ(status_.at("firmware_revocations"), (Json::array({{{"train", "R0"}, {"images", 1}, {"state", "obeyed"}, {"text", ""}}}))) << site_.transcript();
    const std::string put = fmt::format("mkdir -p /run/esp /run/medium && mount -o ro {} /run/medium && mount \"$(blkid -l -o device -t TYPE=vfat)\" /run/esp && "
                                        "cp /run/medium/ashlar/targets/trains/R0/R0.0/*_R0.0_amd64.efi /run/esp/EFI/Linux/ashlar_R0.0.efi && "
                                        "mv /run/esp/EFI/Linux/ashlar_R0.1.efi /run/esp/EFI/Linux/ashlar_R0.1+0-3.efi && umount /run/esp && echo it is there",
                                        floor.device());
    ASSERT_THAT(site_.ask({put, "systemctl poweroff"}, {floor}).at(put), HasSubstr("it is there")) << site_.transcript();
    const auto report = site_.start();
    EXPECT_EQ(machine::name_of(report.verdict.outcome), "refused") << report.transcript;
    EXPECT_THAT(report.verdict.detail, testing::EndsWith("Access denied")) << report.transcript;
}

// From train to train, over none of them that must not be skipped; each brings what it says.
TEST_F(Trains, ANodeTakesOneStepAfterTheOther) {
    const RepositoryMedium trains("trains");
    take(trains, "R1.0", {{"R2.0", "R2.0 is reached through R1.0 only"}});
    const std::string kernel = site_.kernel();
    take(trains, "R2.0");
    EXPECT_NE(site_.kernel(), kernel);
    EXPECT_THAT(site_.etcd(), HasSubstr(version_of("etcd", "R2.0")));
    take(trains, "R3.0");
    EXPECT_THAT(site_.etcd(), HasSubstr(version_of("etcd", "R3.0")));
    EXPECT_NE(version_of("etcd", "R2.0"), version_of("etcd", "R3.0"));
}

} // namespace
