// What people's browsers are shown: certificates that openssl(1) makes, as a customer's authority would.

#include <signing/served_certificate.hpp>

#include <base/error.hpp>
#include <base/file.hpp>
#include <base/process.hpp>
#include <error_of.hpp>

#include <gmock/gmock.h>

using namespace ashlar;
using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;

namespace {

class Customer : public testing::Test {
protected:
    Customer() {
        authority("root");
        (void)request("between");
        openssl({"x509", "-req", "-in", file("between.csr"), "-CA", file("root.pem"), "-CAkey", file("root.key"), "-days", "300", "-extfile", written("ca.conf", "basicConstraints=critical,CA:true\n"), "-out", file("between.pem")});
        cloud_ = signed_by("between", "cloud", "subjectAltName=DNS:cloud.example.org,IP:192.0.2.10,IP:2001:db8::a");
    }

    static void openssl(std::vector<std::string> arguments) {
        arguments.insert(arguments.begin(), "openssl");
        (void)run_checked({.argv = std::move(arguments)});
    }
    [[nodiscard]] std::string file(const std::string& name) const { return directory_.path() / name; }
    [[nodiscard]] std::string text(const std::string& name) const { return read_file(file(name)); }
    [[nodiscard]] std::string written(const std::string& name, const std::string& text) const {
        write_file(file(name), text);
        return file(name);
    }
    void authority(const std::string& name) const {
        openssl({"req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=" + name, "-days", "3650", "-keyout", file(name + ".key"), "-out", file(name + ".pem")});
    }
    [[nodiscard]] std::string request(const std::string& name) const {
        openssl({"req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=" + name, "-keyout", file(name + ".key"), "-out", file(name + ".csr")});
        return file(name + ".csr");
    }
    [[nodiscard]] std::string signed_by(const std::string& authority, const std::string& name, const std::string& extensions) const {
        openssl({"x509", "-req", "-in", request(name), "-CA", file(authority + ".pem"), "-CAkey", file(authority + ".key"), "-days", "30", "-extfile", written(name + ".conf", extensions + "\n"), "-out", file(name + ".pem")});
        return text(name + ".pem");
    }
    [[nodiscard]] static std::string refusal(const std::string& pem, const std::string& authorities, std::chrono::seconds later = 0s) {
        return error_of([&] { (void)check_served_certificate(pem, authorities, now() + later); });
    }
    [[nodiscard]] static std::chrono::sys_seconds now() { return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()); }

    const TemporaryDirectory directory_{std::filesystem::temp_directory_path(), "ashlar-test-"};
    std::string cloud_;
};

TEST_F(Customer, ACertificateThatLeadsToTheAuthorityIsServed) {
    const auto served = check_served_certificate(text("cloud.key") + cloud_ + text("between.pem"), text("root.pem"), now());
    EXPECT_THAT(served.names, ElementsAre("cloud.example.org", "192.0.2.10", "2001:db8::a"));
    EXPECT_GT(served.expires, now() + 29 * 24h);
    EXPECT_EQ(check_served_certificate(cloud_ + text("cloud.key"), text("between.pem"), now()).names.size(), 3U) << "the key behind it; the one in between is trusted";
    EXPECT_EQ(check_served_certificate(text("cloud.key") + cloud_, "", now()).names.size(), 3U) << "where the site names no authority";
}

TEST_F(Customer, WhatDoesNotLeadThereIsRefused) {
    EXPECT_THAT(refusal(text("cloud.key") + cloud_, text("root.pem")), HasSubstr("it does not lead to an authority of the site's [trust] ca: unable to get local issuer certificate"));
    authority("other");
    EXPECT_THAT(refusal(text("cloud.key") + cloud_ + text("between.pem"), text("other.pem")), HasSubstr("it does not lead to an authority"));
    const std::string client = signed_by("root", "client", "subjectAltName=DNS:a\nextendedKeyUsage=clientAuth");
    EXPECT_THAT(refusal(text("client.key") + client, text("root.pem")), HasSubstr("certificate purpose"));
}

TEST_F(Customer, KeyAndCertificateBelongTogether) {
    EXPECT_THAT(refusal(text("root.key") + cloud_, ""), HasSubstr("the first certificate is not that of the key"));
    EXPECT_THAT(refusal(text("cloud.key") + text("between.pem") + cloud_, ""), HasSubstr("the server's own certificate comes first"));
    EXPECT_THAT(refusal(cloud_, ""), HasSubstr("there is no private key with it"));
    EXPECT_THAT(refusal(text("cloud.key"), ""), HasSubstr("there is a key, and no certificate"));
    EXPECT_THAT(refusal("nothing", ""), HasSubstr("there is no private key"));
    openssl({"ec", "-aes256", "-passout", "pass:x", "-in", file("cloud.key"), "-out", file("locked.key")});
    EXPECT_THAT(refusal(text("locked.key") + cloud_, ""), HasSubstr("without a passphrase"));
    std::string damaged = cloud_;
    damaged[damaged.size() / 2] = '!';
    EXPECT_THAT(refusal(text("cloud.key") + damaged, ""), HasSubstr("one of the certificates is damaged"));
}

TEST_F(Customer, OneThatNobodyCanUseIsRefused) {
    EXPECT_THAT(refusal(text("cloud.key") + cloud_, "", 31 * 24h), HasSubstr("it ended at "));
    EXPECT_THAT(refusal(text("cloud.key") + cloud_, "", -48h), HasSubstr("it begins at "));
    const std::string nameless = signed_by("root", "nameless", "basicConstraints=CA:false");
    EXPECT_THAT(refusal(text("nameless.key") + nameless, ""), HasSubstr("it is for no name"));
}

} // namespace
