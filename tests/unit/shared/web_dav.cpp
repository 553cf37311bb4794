// A real WebDAV server: Apache's, started here on a port of its own.

#include "team.hpp"

#include <base/text.hpp>

#include <array>
#include <csignal>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>

using namespace ashlar;
using namespace ashlar::shared;
using testing::ElementsAre;
using testing::IsEmpty;

namespace {

constexpr const char* program = "/usr/sbin/apache2";

// A port that nobody has at the moment.
std::uint16_t free_port() {
    const Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    if (::bind(socket.get(), generic, size) != 0 || ::getsockname(socket.get(), generic, &size) != 0) throw system_error("find", "free port");
    return ntohs(address.sin_port);
}

class Apache {
public:
    Apache() {
        fs::permissions(dir_.path(), fs::perms(0755)); // as root it becomes another user
        for (const char* name : {"www", "state"}) {
            fs::create_directory(dir_.path() / name);
            fs::permissions(dir_.path() / name, fs::perms(0777));
        }
        // team / "open sesame", as SHA-1, which needs no program
        write_file(dir_.path() / "users", "team:{SHA}W8r/fyL/UzygmbNAjq2HbA67qac=\n");
        for (int attempt = 0; attempt < 5 && !start(); ++attempt) stop();
        if (pid_ < 0) throw Error("cannot start 'apache2': " + said_);
    }
    Apache(const Apache&) = delete;
    Apache& operator=(const Apache&) = delete;
    ~Apache() { stop(); }

    [[nodiscard]] std::string url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/team"; }
    [[nodiscard]] fs::path www() const { return dir_.path() / "www"; }

private:
    [[nodiscard]] std::string configuration() const {
        std::string text = "ServerRoot \"" + dir_.path().native() + "\"\nServerName localhost\nListen 127.0.0.1:" + std::to_string(port_) +
                           "\nPidFile state/pid\nErrorLog /dev/stderr\nLogLevel notice\nUser nobody\nGroup nogroup\n";
        for (const char* name : {"mpm_event", "authn_core", "authn_file", "authz_core", "authz_user", "auth_basic", "dav", "dav_fs"})
            text += std::string("LoadModule ") + name + "_module /usr/lib/apache2/modules/mod_" + name + ".so\n";
        return text + "DavLockDB state/locks\nDocumentRoot www\n<Directory \"" + www().native() +
               "\">\nDav On\nAuthType Basic\nAuthName team\nAuthUserFile users\nRequire valid-user\n</Directory>\n";
    }

    // False when somebody else took the port meanwhile.
    bool start() {
        port_ = free_port();
        write_file(dir_.path() / "conf", configuration());
        std::array<int, 2> ends;
        if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw system_error("create", "pipe");
        pid_ = ::fork();
        if (pid_ == 0) {
            ::prctl(PR_SET_PDEATHSIG, SIGTERM);
            ::dup2(ends[1], 2);
            ::execl(program, program, "-DFOREGROUND", "-f", (dir_.path() / "conf").c_str(), nullptr);
            ::_exit(1);
        }
        ::close(ends[1]);
        errors_ = Fd(ends[0]);
        said_.clear();
        for (std::byte byte; said_.find("resuming normal operations") == said_.npos;) {
            if (read_some(errors_.get(), {&byte, 1}, "pipe") == 0) return false;
            said_ += static_cast<char>(byte);
        }
        return true;
    }
    void stop() {
        if (pid_ < 0) return;
        ::kill(pid_, SIGTERM); // its children go with it
        ::waitpid(pid_, nullptr, 0);
        pid_ = -1;
    }

    TemporaryDirectory dir_{fs::temp_directory_path()};
    Fd errors_;
    pid_t pid_ = -1;
    std::uint16_t port_ = 0;
    std::string said_;
};

struct WebDavTest : TeamTest {
    void SetUp() override {
        TeamTest::SetUp();
        ASSERT_TRUE(fs::exists(program)) << "Debian's apache2-bin is missing: scripts/setup.sh";
    }
    Options with(const Apache& server, const std::string& password) const {
        Options options = this->options(server.url());
        options.transfer.credentials.netrc = secret("netrc-" + password.substr(0, 3), "machine 127.0.0.1 login team password \"" + password + "\"\n");
        return options;
    }
};

} // namespace

TEST_F(WebDavTest, ATeamSharesBlobsAndResults) {
    const Apache server;
    Builder anna(store("anna"), with(server, "open sesame")), bert(store("bert"), with(server, "open sesame"));
    const std::string large(3'000'000, 'x');
    anna.store.insert_text("one");
    anna.store.insert_text(large);
    const fs::path made = anna.store.stage("unpacked", sha256("key"), [](const fs::path& output) { write_file(output / "file", "made"); });
    EXPECT_TRUE(anna.shared.put(std::vector{Builder::wanted("one"), Builder::wanted(large)})) << "it makes the collections around";
    anna.shared.put_result("unpacked", sha256("key"), made);
    EXPECT_THAT(anna.notes.lines, IsEmpty());
    EXPECT_EQ(read_file(server.www() / ("team" + blob("one"))), "one");

    bert.fetch({Builder::wanted("one"), Builder::unsized(large), Builder::wanted("nowhere")});
    EXPECT_TRUE(bert.has("one") && bert.has(large));
    const fs::path arrived = bert.store.stage("unpacked", sha256("key"), [&](const fs::path& output) {
        EXPECT_TRUE(bert.shared.fetch_result("unpacked", sha256("key"), output));
    });
    EXPECT_EQ(read_file(arrived / "file"), "made");
    EXPECT_THAT(bert.notes.lines, IsEmpty());
}

TEST_F(WebDavTest, BytesThatRottedThereAreRefused) {
    const Apache server;
    Builder anna(store("anna"), with(server, "open sesame")), bert(store("bert"), with(server, "open sesame"));
    anna.store.insert_text("one");
    EXPECT_TRUE(anna.shared.put(std::vector{Builder::wanted("one")}));
    write_file(server.www() / ("team" + blob("one")), "eno");
    bert.fetch({Builder::wanted("one")});
    EXPECT_FALSE(bert.has("one"));
    EXPECT_THAT(bert.notes.lines, ElementsAre("cannot verify '" + server.url() + blob("one") + "': SHA-256 is " + sha256("eno").hex() + ", expected " + sha256("one").hex()));
}

TEST_F(WebDavTest, AWrongPasswordIsALine) {
    const Apache server;
    Builder anna(store("anna"), with(server, "wrong"));
    anna.fetch({Builder::wanted("one")});
    EXPECT_THAT(anna.notes.lines, ElementsAre("cannot fetch '" + server.url() + blob("one") + "': HTTP status 401; the shared store is left out"));
}
