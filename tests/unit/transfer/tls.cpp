#include <transfer/downloader.hpp>
#include <transfer/range_reader.hpp>

#include <base/file.hpp>
#include <base/process.hpp>

#include <mirror_server.hpp>

#include <array>
#include <csignal>
#include <gmock/gmock.h>
#include <sys/prctl.h>
#include <sys/wait.h>

using namespace ashlar;
using namespace ashlar::transfer;
using testing::AllOf;
using testing::HasSubstr;
namespace fs = std::filesystem;

namespace {

// An authority, and a server on 127.0.0.1 with a certificate by it. OpenSSL's own test server serves
// the files of the directory.
class TlsServer {
public:
    explicit TlsServer(const std::string& name) {
        const auto openssl = [&](std::vector<std::string> words) {
            words.insert(words.begin(), "openssl");
            run_checked({.argv = words, .directory = dir_.path()});
        };
        write_file(dir_.path() / "extensions", "subjectAltName=IP:127.0.0.1\n");
        openssl({"req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj",
                 "/CN=" + name, "-days", "2", "-keyout", "ca.key", "-out", "ca.pem"});
        openssl({"req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=server",
                 "-keyout", "server.key", "-out", "server.csr"});
        openssl({"x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days",
                 "2", "-extfile", "extensions", "-out", "server.pem"});
        write_file(dir_.path() / "thing", "protected");
        start();
    }
    TlsServer(const TlsServer&) = delete;
    TlsServer& operator=(const TlsServer&) = delete;
    ~TlsServer() {
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
    }

    [[nodiscard]] fs::path authority() const { return dir_.path() / "ca.pem"; }
    [[nodiscard]] std::string url(const std::string& host = "127.0.0.1") const {
        return "https://" + host + ":" + port_ + "/thing";
    }

private:
    void start() {
        std::array<int, 2> ends;
        if (::pipe(ends.data()) != 0) throw system_error("create", "pipe");
        pid_ = ::fork();
        if (pid_ == 0) {
            ::prctl(PR_SET_PDEATHSIG, SIGKILL);
            ::dup2(ends[1], 1);
            if (::chdir(dir_.path().c_str()) == 0)
                ::execlp("openssl", "openssl", "s_server", "-WWW", "-accept", "127.0.0.1:0", "-cert", "server.pem",
                         "-key", "server.key", nullptr);
            ::_exit(1);
        }
        ::close(ends[1]);
        // "ACCEPT 127.0.0.1:41234"
        std::string said;
        char byte = 0;
        while (said.find("ACCEPT") == said.npos || !said.ends_with('\n')) {
            if (::read(ends[0], &byte, 1) != 1) throw Error("cannot start 'openssl s_server'");
            said += byte;
        }
        port_ = trim(said.substr(said.rfind(':') + 1));
        output_ = Fd(ends[0]);
    }

    TemporaryDirectory dir_{fs::temp_directory_path()};
    Fd output_;
    pid_t pid_ = -1;
    std::string port_;
};

struct TlsTest : testing::Test {
    void SetUp() override { test::forget_proxies(); }

    std::string fetch(const std::string& url, std::optional<fs::path> certificates) {
        const auto renderer = make_renderer(ProgressStyle::quiet, 2);
        Downloader downloader({.certificates = std::move(certificates), .tries = 1}, *renderer);
        try {
            (void)downloader.fetch_one({.name = "thing",
                                        .urls = {url},
                                        .expected = Exactly{sha256("protected"), 9},
                                        .target = [this] { return dir.path() / "thing"; }},
                                       "test");
            return read_file(dir.path() / "thing");
        } catch (const Error& error) {
            return error.render();
        }
    }
    TemporaryDirectory dir{fs::temp_directory_path()};
};

} // namespace

TEST_F(TlsTest, TrustsAPrivateAuthorityThatIsNamedAndNoOther) {
    const TlsServer ours("Our authority"), other("Another authority");
    EXPECT_EQ(fetch(ours.url(), ours.authority()), "protected");
    const auto refused =
        AllOf(HasSubstr("cannot fetch '" + ours.url() + "': SSL certificate problem"),
              HasSubstr("hint: if its certificate is signed by your own authority, name the authority's "
                        "file as 'certificates' in Ashlar's configuration"));
    fs::remove(dir.path() / "thing");
    EXPECT_THAT(fetch(ours.url(), other.authority()), refused);
    EXPECT_THAT(fetch(ours.url(), std::nullopt), refused);
}

TEST_F(TlsTest, ReadsPartsFromAServerOfAPrivateAuthority) {
    const TlsServer ours("Our authority"), other("Another authority");
    RangeReader reader(ours.url(), {.certificates = ours.authority(), .tries = 1});
    std::string text(4, ' ');
    try { // OpenSSL's server tells no size, but only who is trusted comes to hear that
        reader.read(0, std::as_writable_bytes(std::span(text.data(), text.size())));
        FAIL() << text;
    } catch (const Error& error) {
        EXPECT_EQ(error.message(), "cannot fetch '" + ours.url() + "': the server does not say how large it is");
    }
    RangeReader stranger(ours.url(), {.certificates = other.authority(), .tries = 1});
    try {
        (void)stranger.size();
        FAIL() << "trusted";
    } catch (const Error& error) {
        EXPECT_THAT(error.message(), HasSubstr("cannot fetch '" + ours.url() + "': SSL certificate problem"));
    }
}

TEST_F(TlsTest, RefusesACertificateForAnotherName) {
    const TlsServer server("Our authority");
    EXPECT_THAT(fetch(server.url("localhost"), server.authority()),
                HasSubstr("cannot fetch '" + server.url("localhost") +
                          "': SSL: no alternative certificate subject name matches"));
}

TEST_F(TlsTest, AFileThatIsNoCertificateIsNamed) {
    const TlsServer server("Our authority");
    write_file(dir.path() / "junk", "junk");
    EXPECT_THAT(fetch(server.url(), dir.path() / "junk"), HasSubstr((dir.path() / "junk").native()));
}
