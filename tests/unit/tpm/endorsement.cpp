// The endorsement key of a software TPM, as tpm2-tools say it.

#include "software_tpm.hpp"

#include <tpm/endorsement.hpp>

#include <error_of.hpp>
#include <signing/digest.hpp>

#include <gmock/gmock.h>

#include <sys/socket.h>
#include <sys/un.h>

namespace ashlar::tpm {
namespace {

using testing::HasSubstr;

class Endorsement : public testing::Test {
protected:
    [[nodiscard]] static Fd opened(const SoftwareTpm& tpm) {
        Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
        tpm.socket().native().copy(address.sun_path, sizeof address.sun_path - 1);
        EXPECT_EQ(::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
        return fd;
    }
    // What stays behind in a TPM without the kernel's manager before it is in the way of the next.
    [[nodiscard]] Digest by_tools(const SoftwareTpm& tpm) const {
        const auto key = (directory_.path() / "ek.pem").native();
        (void)run_checked({.argv = {"tpm2_createek", "-T", tpm.device(), "-G", "rsa", "-c", directory_.path() / "ek.ctx", "-u", key, "-f", "pem"}});
        return sha256(run_checked({.argv = {"openssl", "pkey", "-pubin", "-in", key, "-outform", "DER"}}));
    }
    // An answer that somebody else has written.
    [[nodiscard]] static std::string refusal_of(std::string_view answer) {
        int ends[2];
        EXPECT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
        const Fd ours(ends[0]), theirs(ends[1]);
        write_all(theirs.get(), answer, "answer");
        return error_of([&] { (void)endorsement_key(ours.get()); });
    }

    TemporaryDirectory directory_{"/tmp", "ashlar-tpm-"}; // a socket's path is short
};

TEST_F(Endorsement, IsTheSameAsToolsSayAndOfThatTpmAlone) {
    SoftwareTpm tpm(directory_.path());
    const Digest key = endorsement_key(opened(tpm).get());
    EXPECT_EQ(endorsement_key(opened(tpm).get()), key);
    EXPECT_EQ(by_tools(tpm), key);
    tpm.clear();
    EXPECT_NE(endorsement_key(opened(tpm).get()), key) << "another seed";
}

TEST_F(Endorsement, WhatIsNoAnswerIsRefused) {
    using namespace std::string_view_literals;
    EXPECT_THAT(refusal_of("\x80\x01\0\0\0\x0a\0\0\x09\x22"sv), HasSubstr("it answers with 0x922"));
    EXPECT_THAT(refusal_of("\x80"), HasSubstr("its answer is cut short"));
    EXPECT_THAT(refusal_of("\x80\x02\0\0\0\x0a\0\0\0\0\x80\0\0\0\0\0\0\x04\0\x04\0\x23\0\x0b"sv), HasSubstr("a key of another kind"));
}

} // namespace
} // namespace ashlar::tpm
