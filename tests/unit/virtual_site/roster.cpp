// Which sites run here, and how somebody gets into their nodes.

#include <virtual_site/roster.hpp>

#include <base/error.hpp>
#include <base/file.hpp>
#include <base/process.hpp>

#include <error_of.hpp>

#include <gmock/gmock.h>

#include <sys/wait.h>
#include <unistd.h>

using namespace ashlar;
using namespace ashlar::virtual_site;
namespace fs = std::filesystem;
using testing::ElementsAre;

namespace {

class Roster : public testing::Test {
protected:
    // A process that runs the site for as long as the test wants; its own locks nobody would see.
    class Keeper {
    public:
        Keeper(const SiteId& id, const fs::path& directory, const Json& ways) {
            int ready[2], go[2];
            if (::pipe(ready) != 0 || ::pipe(go) != 0) throw system_error("create", "pipe");
            pid_ = ::fork();
            if (pid_ == 0) {
                ::close(go[1]);
                int code = 1;
                try {
                    const Claim claim(id, "berlin-1", directory);
                    claim.tell(ways);
                    char token = 'r';
                    code = ::write(ready[1], &token, 1) == 1 && ::read(go[0], &token, 1) == 0 ? 0 : 1;
                } catch (const std::exception&) {
                }
                ::_exit(code);
            }
            ::close(ready[1]);
            ::close(go[0]);
            go_ = Fd(go[1]);
            char token;
            ready_ = ::read(ready[0], &token, 1) == 1;
            ::close(ready[0]);
        }
        Keeper(const Keeper&) = delete;
        Keeper& operator=(const Keeper&) = delete;
        ~Keeper() {
            go_ = Fd();
            int status = 0;
            ::waitpid(pid_, &status, 0);
            EXPECT_EQ(status, 0);
        }
        [[nodiscard]] bool is_ready() const { return ready_; }
        [[nodiscard]] pid_t pid() const { return pid_; }

    private:
        pid_t pid_;
        Fd go_;
        bool ready_ = false;
    };

    [[nodiscard]] std::vector<std::string> way(const std::string& node, const std::vector<std::string>& program = {}) const { return way_into(id_, "berlin-1", node, program, directory_); }
    [[nodiscard]] std::string refusal(const std::string& node) const {
        return error_of([&] { (void)way(node); });
    }

    const SiteId id_ = SiteId::random();
    const TemporaryDirectory work_{fs::temp_directory_path()};
    const fs::path directory_ = work_.path() / "roster";
};

TEST_F(Roster, ASiteRunsOnceAndLeavesNothing) {
    const std::string not_there = "cannot enter 'n01': site 'berlin-1' does not run on this machine\n  hint: start it with `ashlar up`";
    EXPECT_EQ(refusal("n01"), not_there);
    {
        const Keeper keeper(id_, directory_, Json::object());
        ASSERT_TRUE(keeper.is_ready());
        EXPECT_EQ(error_of([&] { const Claim second(id_, "berlin-1", directory_); }),
                  "cannot start site 'berlin-1': it runs on this machine already\n  hint: end it where it runs, by Ctrl-C; `ashlar enter` gets into its nodes");
        EXPECT_EQ(refusal("n01"), "cannot enter 'n01': no node of site 'berlin-1' that runs here is called so\n  hint: the site is just being started");
        const Claim other(SiteId::random(), "berlin-2", directory_);
    }
    EXPECT_EQ(refusal("n01"), not_there);
    EXPECT_FALSE(fs::exists(directory_));
}

// Whoever was killed left a file that nobody holds.
TEST_F(Roster, AFileThatNobodyHoldsIsNoSite) {
    fs::create_directories(directory_);
    write_file(directory_ / id_.text(), "{\"n01\": {\"machine\": \"x-1\"}}");
    EXPECT_EQ(refusal("n01"), "cannot enter 'n01': site 'berlin-1' does not run on this machine\n  hint: start it with `ashlar up`");
    const Keeper keeper(id_, directory_, Json::object());
    EXPECT_TRUE(keeper.is_ready());
}

TEST_F(Roster, IntoAMachineItIsSshFromTheNamespaceOfTheSite) {
    const Keeper keeper(id_, directory_, {{"n01", {{"ssh", {"ssh", "root@fe80::1%site0"}}}}});
    ASSERT_TRUE(keeper.is_ready());
    EXPECT_THAT(way("n01"), ElementsAre("nsenter", "--target", std::to_string(keeper.pid()), "--net", "--", "ssh", "root@fe80::1%site0"));
    EXPECT_EQ(way("n01", {"sh", "-c", "echo 'a b'"}).back(), "'sh' '-c' 'echo '\\''a b'\\'''");
    EXPECT_EQ(refusal("n02"), "cannot enter 'n02': no node of site 'berlin-1' that runs here is called so\n  hint: there are n01");
}

TEST_F(Roster, AContainerThatIsOffIsSaidToBe) {
    const Keeper keeper(id_, directory_, {{"n01", {{"machine", "9f2c00-1"}}}});
    ASSERT_TRUE(keeper.is_ready());
    EXPECT_EQ(refusal("n01"), "cannot enter 'n01': it is off\n  hint: what it said last is in its console.log");
}

} // namespace
