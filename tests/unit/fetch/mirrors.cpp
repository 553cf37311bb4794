#include <fetch/mirrors.hpp>

#include "apt.hpp"
#include "url.hpp"

#include <base/error.hpp>
#include <base/file.hpp>

#include <gmock/gmock.h>

using namespace ashlar;
using namespace ashlar::fetch;
using testing::ElementsAre;
using testing::IsEmpty;
namespace fs = std::filesystem;

namespace {

struct MirrorsTest : testing::Test {
    void write(const std::string& path, const std::string& text) {
        fs::create_directories((dir.path() / path).parent_path());
        write_file(dir.path() / path, text);
    }
    Mirrors mirrors(const std::vector<std::string>& given = {}) { return Mirrors(given, places); }
    std::string refusal(const std::function<void()>& body) {
        try {
            body();
            return "accepted";
        } catch (const Error& error) {
            return error.message();
        }
    }
    TemporaryDirectory dir{fs::temp_directory_path()};
    Places places{dir.path() / "config.toml", dir.path() / "apt", ""};
};

} // namespace

TEST(AptSources, ReadsTheOneLineStyle) {
    EXPECT_THAT(parse_one_line_sources("# deb http://commented.example/debian one main\n"
                                       "deb http://a.example/debian/ one main contrib # why\n"
                                       "  deb\t[ arch=amd64 signed-by=/k.gpg ]  https://b.example/debian two main\n"
                                       "deb-src http://source.example/debian one main\n"
                                       "deb [trusted=yes file:/broken\n"
                                       "debian http://no.example/debian\n"
                                       "deb\n"
                                       "deb file:/srv/debian one main"),
                ElementsAre("http://a.example/debian/", "https://b.example/debian", "file:/srv/debian"));
}

TEST(AptSources, ReadsTheDeb822Style) {
    EXPECT_THAT(parse_deb822_sources("# a comment\nTypes: deb deb-src\nURIs: http://a.example/debian\n"
                                     " http://b.example/debian\nSuites: one\nComponents: main\n\n"
                                     "Types: deb\nEnabled: no\nURIs: http://disabled.example/debian\nSuites: one\n\n"
                                     "Types: deb\nEnabled: False\nURIs: http://off.example/debian\nSuites: one\n\n"
                                     "Types: deb-src\nURIs: http://source.example/debian\nSuites: one\n",
                                     "x"),
                ElementsAre("http://a.example/debian", "http://b.example/debian"));
}

TEST(AptProxies, ReadsWhatAptConfigPrints) {
    const auto proxies = parse_apt_proxies("Acquire \"\";\nAcquire::http \"\";\n"
                                           "Acquire::http::Proxy \"http://proxy.example:3128/\";\n"
                                           "Acquire::http::Proxy::inside.example \"DIRECT\";\n"
                                           "Acquire::http::Proxy-Auto-Detect \"/usr/bin/detect\";\n");
    EXPECT_EQ(proxies.http, "http://proxy.example:3128/");
    EXPECT_EQ(proxies.https, "http://proxy.example:3128/") << "as APT does";
    EXPECT_THAT(proxies.hosts, ElementsAre(std::pair<const std::string, std::string>("inside.example", "DIRECT")));
    EXPECT_EQ(parse_apt_proxies("Acquire::https::Proxy \"http://b/\";\nAcquire::http::Proxy \"http://a/\";\n").https,
              "http://b/");
    EXPECT_EQ(parse_apt_proxies("Acquire::http::Proxy \"\";\n").http, std::nullopt);
    EXPECT_EQ(parse_apt_proxies("").http, std::nullopt);
}

TEST(Url, KnowsWhatAMirrorMayBe) {
    EXPECT_EQ(normal_url("http://a.example/debian//"), "http://a.example/debian");
    EXPECT_EQ(normal_url("file:/srv/debian"), "file:///srv/debian");
    EXPECT_EQ(normal_url("file:///srv/debian/"), "file:///srv/debian");
    EXPECT_EQ(normal_url("copy:/srv/debian"), "file:///srv/debian");
    EXPECT_EQ(fault_of_url("https://a.example"), std::nullopt);
    EXPECT_EQ(fault_of_url("file:/srv/debian"), std::nullopt);
    for (const char* wrong : {"", "debian", "ftp://a.example/debian", "mirror+file:/etc/mirrors", "http://",
                              "file:relative", "cdrom:[Debian]/", "/srv/debian"})
        EXPECT_EQ(fault_of_url(wrong),
                  "'" + std::string(wrong) + "' is no URL that starts with http://, https:// or file:///");
    EXPECT_EQ(last_component("http://a.example/debian"), "debian");
    EXPECT_EQ(last_component("http://a.example"), "");
    EXPECT_EQ(below("http://a.example", "pool/a b#c%d_1%3a2.deb"), "http://a.example/pool/a%20b%23c%25d_1%253a2.deb");
    EXPECT_EQ(below("http://a.example", "pool/g++_1.0+b1~x.deb"), "http://a.example/pool/g++_1.0+b1~x.deb");
}

TEST_F(MirrorsTest, FindsAnArchiveInAptsSources) {
    write("apt/sources.list", "deb http://a.example/debian one main\ndeb http://s.example/debian-security one main\n");
    write("apt/sources.list.d/b.sources",
          "Types: deb\nURIs: http://b.example/debian/ http://a.example/debian\nSuites: one\n");
    write("apt/sources.list.d/ignored.save", "deb http://ignored.example/debian one main\n");
    EXPECT_THAT(mirrors().of("debian"), ElementsAre("http://a.example/debian", "http://b.example/debian"));
    EXPECT_THAT(mirrors().of("debian-security"), ElementsAre("http://s.example/debian-security"));
}

TEST_F(MirrorsTest, AskedNoOtherThanTheOnesGiven) {
    write("apt/sources.list", "deb http://apt.example/debian one main\n");
    EXPECT_THAT(mirrors({"debian=https://one.example/x/", "http://two.example"}).of("debian"),
                ElementsAre("https://one.example/x", "http://two.example/debian"));
    EXPECT_THAT(mirrors({"other=http://one.example"}).of("debian"), ElementsAre("http://apt.example/debian"));
    EXPECT_THAT(mirrors({"http://one.example/a?b=c"}).of("debian"), ElementsAre("http://one.example/a?b=c/debian"));
}

TEST_F(MirrorsTest, TheConfigurationComesBeforeApt) {
    write("apt/sources.list", "deb http://apt.example/debian one main\ndeb http://apt.example/extra one main\n");
    write("config.toml", "[[mirror]]\narchive = \"debian\"\nurl = \"http://site.example/mirror/debian/\"\n");
    EXPECT_THAT(mirrors().of("debian"), ElementsAre("http://site.example/mirror/debian"));
    EXPECT_THAT(mirrors().of("extra"), ElementsAre("http://apt.example/extra"));
    EXPECT_THAT(mirrors({"file:///srv"}).of("debian"), ElementsAre("file:///srv/debian"));
}

TEST_F(MirrorsTest, SaysWhyAptsMirrorListIsOfNoUse) {
    write("apt/sources.list", "deb mirror+file:/etc/apt/mirrors/debian one main\n");
    const std::string apt = (dir.path() / "apt").native();
    EXPECT_EQ(
        refusal([&] { (void)mirrors().of("debian"); }),
        "cannot find the archive 'debian': no --mirror, nothing in '" + (dir.path() / "config.toml").native() +
            "', no URI that ends in '/debian' in '" + apt + "/sources.list' or '" + apt +
            "/sources.list.d'; APT's 'mirror+file:/etc/apt/mirrors/debian' is of a kind that Ashlar does not read");
}

TEST_F(MirrorsTest, RefusesAMirrorThatIsNoUrl) {
    EXPECT_EQ(refusal([&] { (void)mirrors({"debian=ftp://a.example"}); }),
              "cannot use the mirror 'debian=ftp://a.example': 'ftp://a.example' is no URL that starts with http://, "
              "https:// "
              "or file:///");
}

TEST_F(MirrorsTest, ReadsTransferOptions) {
    EXPECT_EQ(transfer_options(places).connections_per_host, 8U);
    EXPECT_EQ(transfer_options(places).certificates, std::nullopt);
    places.apt_configuration = "Acquire::http::Proxy \"http://apt.example:1\";\n";
    EXPECT_EQ(transfer_options(places).proxies.http, "http://apt.example:1");
    write("config.toml", "proxy = \"http://site.example:2\"\ncertificates = \"/etc/ssl/site.pem\"\nconnections = 3\n");
    EXPECT_EQ(transfer_options(places).proxies.http, "http://site.example:2");
    EXPECT_EQ(transfer_options(places).proxies.https, "http://site.example:2");
    EXPECT_EQ(transfer_options(places).certificates, "/etc/ssl/site.pem");
    EXPECT_EQ(transfer_options(places).connections_per_host, 3U);
    write("config.toml", "proxy = \"none\"\n");
    EXPECT_EQ(transfer_options(places).proxies.http, "DIRECT");
}

TEST_F(MirrorsTest, TheConfigurationIsStrict) {
    const std::string name = (dir.path() / "config.toml").native();
    const auto refused = [&](const std::string& text) {
        write("config.toml", text);
        return refusal([&] { (void)mirrors(); });
    };
    EXPECT_EQ(refused("prox = \"x\"\n"),
              name + ":1:1: unknown key 'prox'\n  1 | prox = \"x\"\n    | ^~~~\ndid you mean 'proxy'?");
    EXPECT_EQ(refused("connections = 0\n"),
              name + ":1:15: expected 1 to 64 connections per host\n  1 | connections = 0\n    |               ^");
    EXPECT_EQ(refused("[[mirror]]\nurl = \"a.example\"\n"),
              name + ":2:7: 'a.example' is no URL that starts with http://, https:// or file:///\n"
                     "  2 | url = \"a.example\"\n    |       ^~~~~~~~~~~");
}

TEST_F(MirrorsTest, ReadsTheSharedStore) {
    using Options = shared::Options;
    EXPECT_FALSE(shared_store_options(places, ""));
    write("config.toml", "shared_store = \"https://objects.example/team/\"\nshared_store_upload = true\nshared_store_results = true\n"
                         "shared_store_netrc = \"/etc/ashlar/netrc\"\nshared_store_headers = \"/etc/ashlar/headers\"\nshared_store_s3_region = \"site\"\n");
    const auto options = shared_store_options(places, "");
    ASSERT_TRUE(options);
    EXPECT_EQ(options->url, "https://objects.example/team");
    EXPECT_EQ(options->upload, Options::Upload::yes);
    EXPECT_EQ(options->results, Options::Results::yes);
    EXPECT_EQ(options->transfer.credentials.netrc, "/etc/ashlar/netrc");
    EXPECT_EQ(options->transfer.credentials.headers, "/etc/ashlar/headers");
    EXPECT_EQ(options->transfer.credentials.s3_region, "site");
    EXPECT_FALSE(transfer_options(places).credentials.any()) << "mirrors are nobody to prove anything to";
    EXPECT_FALSE(shared_store_options(places, "none"));
    EXPECT_EQ(shared_store_options(places, "https://objects.example/team")->results, Options::Results::yes) << "the same";

    const auto other = shared_store_options(places, "http://other.example/x");
    ASSERT_TRUE(other);
    EXPECT_EQ(other->results, Options::Results::no) << "nobody said that its owner is trusted";
    EXPECT_FALSE(other->transfer.credentials.headers) << "they are for the configured one";
    EXPECT_EQ(refusal([&] { (void)shared_store_options(places, "file:///srv"); }),
              "cannot use the shared store 'file:///srv': 'file:///srv' is no URL that starts with http:// or https://");
}

TEST_F(MirrorsTest, TheSharedStoresConfigurationIsStrict) {
    const std::string name = places.configuration.native();
    const auto said = [&](const std::string& text) {
        write("config.toml", text);
        return refusal([&] { (void)shared_store_options(places, ""); });
    };
    EXPECT_THAT(said("shared_store = \"/srv\"\n"), testing::HasSubstr(":1:16: '/srv' is no URL that starts with http:// or https://"));
    EXPECT_THAT(said("shared_store_netrc = \"netrc\"\n"), testing::HasSubstr(":1:22: expected an absolute path"));
    EXPECT_THAT(said("shared_store_s3_region = \"site\"\n"),
                testing::HasSubstr(":1:26: signed requests need 'shared_store_netrc', with the access key as login and the secret key as password"));
    EXPECT_THAT(said("shared_store_upload = \"yes\"\n"), testing::HasSubstr(":1:23: "));
}
