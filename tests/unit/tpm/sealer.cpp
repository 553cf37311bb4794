// systemd-creds with a software TPM of its own, where this machine has both.

#include "software_tpm.hpp"

#include <tpm/sealer.hpp>

#include <base/error.hpp>
#include <base/file.hpp>
#include <base/process.hpp>

#include <gmock/gmock.h>

#include <cstdio>
#include <memory>

#include <fmt/format.h>

namespace ashlar::tpm {
namespace {

using testing::HasSubstr;
using testing::Not;

// That of Debian 12 does not open what it has sealed to no register.
constexpr int first_version = 257;
int version_of_systemd_creds() {
    const auto outcome = run({.argv = {"sh", "-c", "systemd-creds --version"}}); // "systemd 257 (257.13-1)"
    int version = 0;
    return outcome.ok() && std::sscanf(outcome.output.c_str(), "systemd %d", &version) == 1 ? version : 0;
}

class Sealing : public testing::Test {
protected:
    void SetUp() override {
        if (!there_is("swtpm") || version_of_systemd_creds() < first_version) GTEST_SKIP() << "needs swtpm, and systemd-creds as images have it";
        device_ = std::make_unique<SoftwareTpm>(directory_.path());
    }
    [[nodiscard]] SystemdSealer sealer() const { return SystemdSealer(device_->device()); }
    template <typename Act> std::string refusal(const Act& act) const {
        try {
            (void)act();
        } catch (const Error& error) {
            return error.message();
        }
        return "no error";
    }

    TemporaryDirectory directory_{"/tmp", "ashlar-tpm-"}; // a socket's path is short
    std::unique_ptr<SoftwareTpm> device_;
    const std::string secret_ = "-----BEGIN PRIVATE KEY-----\n\nMIGH\n-----END PRIVATE KEY-----\n";
};

TEST_F(Sealing, GivesOutWhatItWasGivenByteForByte) {
    const std::string sealed = seal_surely(sealer(), "ashlar-node-key", secret_);
    EXPECT_THAT(sealed, Not(HasSubstr("\n")));
    EXPECT_THAT(sealed, Not(HasSubstr("PRIVATE")));
    EXPECT_EQ(sealer().open("ashlar-node-key", sealed), secret_);
    EXPECT_NE(sealer().seal("ashlar-node-key", secret_), sealed);
}

TEST_F(Sealing, OpensUnderItsNameAlone) {
    const std::string sealed = sealer().seal("ashlar-node-key", secret_);
    EXPECT_EQ(refusal([&] { return sealer().open("ashlar-site-key", sealed); }),
              "cannot open 'ashlar-site-key': Embedded credential name 'ashlar-node-key' does not match filename 'ashlar-site-key', refusing.");
}

TEST_F(Sealing, OpensOnNoOtherTpmAndNotWhenItWasCleared) {
    const std::string sealed = sealer().seal("ashlar-node-key", secret_);
    std::filesystem::create_directories(directory_.path() / "other");
    const SoftwareTpm other(directory_.path() / "other");
    EXPECT_THAT(refusal([&] { return SystemdSealer(other.device()).open("ashlar-node-key", sealed); }), HasSubstr("cannot open 'ashlar-node-key': Failed to unseal secret using TPM2"));
    device_->clear();
    EXPECT_THAT(refusal([&] { return sealer().open("ashlar-node-key", sealed); }), HasSubstr("cannot open 'ashlar-node-key': Failed to unseal secret using TPM2"));
}

TEST_F(Sealing, SaysWhenThereIsNoTpm) {
    EXPECT_THAT(refusal([&] { return SystemdSealer("swtpm:path=/nowhere").seal("ashlar-node-key", secret_); }), HasSubstr("cannot seal 'ashlar-node-key': "));
    EXPECT_THAT(refusal([&] { return sealer().open("ashlar-node-key", "AAAA"); }), HasSubstr("cannot open 'ashlar-node-key': "));
}

} // namespace
} // namespace ashlar::tpm
