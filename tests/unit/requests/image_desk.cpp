// A build that asks, somebody who answers, and everything that may be wrong with what comes back.

#include "../signing/samples.hpp"

#include <requests/image_desk.hpp>
#include <requests/request.hpp>

#include <base/file.hpp>
#include <signing/authenticode.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <sys/resource.h>

using namespace ashlar;
using namespace ashlar::requests;
using samples::error_of;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
namespace fs = std::filesystem;

namespace {

constexpr auto policy = ImageSignature::pcr_policy;
constexpr auto program = ImageSignature::authenticode;

class Images : public testing::Test {
protected:
    [[nodiscard]] ImageDesk desk() const { return {directory, keys}; }
    // Who has the keys of both, elsewhere.
    void answer(std::string_view name) const {
        const fs::path file = directory / (std::string(name) + ".request.json");
        const std::string text = read_file(file);
        const auto kind = parse_request(text, "a").kind;
        const Holder holder = std::shared_ptr<const Signer>(samples::key(kind == Kind::authenticode ? 0 : 1));
        write_file(answer_path(file), text_of(make_answer(text, holder, "a")));
    }
    void answer_all() const {
        for (const auto& name : names())
            if (name.ends_with(".request.json")) answer(name.substr(0, name.size() - 13));
    }
    [[nodiscard]] std::vector<std::string> names() const {
        std::vector<std::string> all;
        if (fs::exists(directory))
            for (const auto& entry : fs::directory_iterator(directory)) all.push_back(entry.path().filename());
        std::ranges::sort(all);
        return all;
    }
    static Bytes policy_message(unsigned char which) { return Bytes(32, std::byte{which}); }
    static std::vector<Bytes> policies(unsigned char first = 1) { return {policy_message(first), policy_message(static_cast<unsigned char>(first + 1))}; }
    static Bytes program_message() { return request_authenticode(samples::efi_image(), "a").message; }
    [[nodiscard]] std::string refused() const {
        return error_of([&] { (void)desk().sign(program, "R1.0 compute: UKI", {program_message()}); });
    }
    [[nodiscard]] std::string refusal(std::string_view cause) const {
        return fmt::format("cannot use the answer '{}': {}\n  hint: sign the request again", (directory / "image_R1.0_compute_UKI.answer.json").native(), cause);
    }

    TemporaryDirectory place{testing::TempDir()};
    fs::path directory = place.path() / "desk/requests";
    BuildKeys keys{.db = samples::identity(0).certificate, .pcr = samples::key(1)->public_key(), .db_key = {}, .pcr_key = {}};
};

} // namespace

TEST_F(Images, AskForAllThatIsWantedAndTakeWhatIsAnswered) {
    const ImageDesk first = desk();
    EXPECT_EQ(first.sign(policy, "R1.0 compute: PCR policies", policies()), std::nullopt);
    EXPECT_EQ(first.sign(program, "R1.0: systemd-boot", {program_message()}), std::nullopt);
    EXPECT_THAT(names(), ElementsAre("image_R1.0_compute_PCR-policies.1.request.json", "image_R1.0_compute_PCR-policies.2.request.json", "image_R1.0_systemd-boot.request.json"));
    ASSERT_EQ(first.wanted().size(), 3U);
    EXPECT_EQ(first.wanted().front().subject, "R1.0 compute: PCR policies");
    EXPECT_EQ(first.wanted().front().key, "pcr");
    EXPECT_EQ(first.wanted().back().key, "db");
    EXPECT_EQ(parse_request(read_file(first.wanted().front().request), "a"), make_request(Kind::pcr_policy, "R1.0 compute: PCR policies", keys.pcr, "pcr", policy_message(1)));

    answer_all();
    const ImageDesk second = desk();
    const auto signatures = second.sign(policy, "R1.0 compute: PCR policies", policies());
    ASSERT_TRUE(signatures);
    for (std::size_t i = 0; i < 2; ++i) EXPECT_TRUE(keys.pcr.verifies(sha256(policies()[i]), signatures->at(i))) << i;
    EXPECT_TRUE(second.sign(program, "R1.0: systemd-boot", {program_message()}));
    EXPECT_THAT(second.wanted(), IsEmpty());
}

TEST_F(Images, AreNotSignedInPart) {
    (void)desk().sign(policy, "R1.0 compute: PCR policies", policies());
    answer("image_R1.0_compute_PCR-policies.2");
    const ImageDesk again = desk();
    EXPECT_EQ(again.sign(policy, "R1.0 compute: PCR policies", policies()), std::nullopt);
    ASSERT_EQ(again.wanted().size(), 1U);
    EXPECT_EQ(again.wanted().front().request, directory / "image_R1.0_compute_PCR-policies.1.request.json");
}

TEST_F(Images, KeysAtHandSignWithoutAsking) {
    keys.pcr_key = samples::key(1);
    EXPECT_TRUE(desk().sign(policy, "R1.0 compute: PCR policies", policies()));
    EXPECT_THAT(names(), IsEmpty());
    EXPECT_EQ(desk().sign(program, "R1.0 compute: UKI", {program_message()}), std::nullopt);
    EXPECT_THAT(names(), ElementsAre("image_R1.0_compute_UKI.request.json"));
}

// ---- What comes back ------------------------------------------------------------------------------

TEST_F(Images, AnAnswerByAnotherKeyIsRefused) {
    (void)desk().sign(program, "R1.0 compute: UKI", {program_message()});
    const fs::path file = directory / "image_R1.0_compute_UKI.request.json";
    const std::string text = read_file(file);
    const Digest mine = keys.db.public_key().fingerprint(), other = samples::key(1)->public_key().fingerprint();
    const Bytes signature = samples::key(1)->sign(sha256(program_message()));
    write_file(answer_path(file), text_of(SigningAnswer{sha256(text), other, signature}));
    EXPECT_EQ(refused(), refusal(fmt::format("it is by the key {}, not {}", other.hex(), mine.hex())));
    write_file(answer_path(file), text_of(SigningAnswer{sha256(text), mine, signature}));
    EXPECT_EQ(refused(), refusal("its signature is not right"));
    answer("image_R1.0_compute_UKI"); // as `ashlar sign` does
    EXPECT_EQ(refused(), "no error");
}

TEST_F(Images, AnAnswerToAnotherRequestIsRefused) {
    (void)desk().sign(program, "R1.0 compute: UKI", {program_message()});
    (void)desk().sign(program, "R1.0 control: UKI", {program_message()});
    answer("image_R1.0_control_UKI");
    fs::rename(directory / "image_R1.0_control_UKI.answer.json", directory / "image_R1.0_compute_UKI.answer.json");
    EXPECT_EQ(refused(), refusal("it is for another request, or the request was changed"));
}

TEST_F(Images, ATruncatedAnswerIsRefusedAtEachLength) {
    (void)desk().sign(program, "R1.0 compute: UKI", {program_message()});
    answer("image_R1.0_compute_UKI");
    const fs::path file = directory / "image_R1.0_compute_UKI.answer.json";
    const std::string whole = read_file(file);
    for (std::size_t size = 0; size < whole.size(); ++size) {
        write_file(file, whole.substr(0, size));
        EXPECT_THAT(refused(), testing::StartsWith("cannot read the signing answer '")) << size;
    }
}

TEST_F(Images, AChangedAnswerIsRefusedAtEachByte) {
    (void)desk().sign(program, "R1.0 compute: UKI", {program_message()});
    answer("image_R1.0_compute_UKI");
    const fs::path file = directory / "image_R1.0_compute_UKI.answer.json";
    const std::string whole = read_file(file);
    for (std::size_t at = 0; at < whole.size(); ++at) {
        std::string changed = whole;
        changed[at] = static_cast<char>(changed[at] ^ 1);
        write_file(file, changed);
        EXPECT_THAT(refused(), testing::StartsWith("cannot ")) << at;
    }
}

// Whoever signed it signed what an earlier build wanted.
TEST_F(Images, AnAnswerOfAnEarlierBuildWithOtherBytesGoes) {
    (void)desk().sign(policy, "R1.0 compute: PCR policies", policies(1));
    answer_all();
    const ImageDesk later = desk();
    EXPECT_EQ(later.sign(policy, "R1.0 compute: PCR policies", policies(7)), std::nullopt);
    EXPECT_EQ(later.wanted().size(), 2U);
    EXPECT_THAT(names(), ElementsAre("image_R1.0_compute_PCR-policies.1.request.json", "image_R1.0_compute_PCR-policies.2.request.json"));
    EXPECT_EQ(parse_request(read_file(later.wanted().front().request), "a").message, policy_message(7));
}

// It is carried back from a stick after the request has become another.
TEST_F(Images, AStaleAnswerThatComesBackIsRefused) {
    (void)desk().sign(program, "R1.0 compute: UKI", {request_authenticode(samples::addon_stub(), "a").message});
    answer("image_R1.0_compute_UKI");
    const std::string stale = read_file(directory / "image_R1.0_compute_UKI.answer.json");
    EXPECT_EQ(refused(), "no error") << "it is asked for again";
    write_file(directory / "image_R1.0_compute_UKI.answer.json", stale);
    EXPECT_EQ(refused(), refusal("it is for another request, or the request was changed"));
}

TEST_F(Images, ARequestThatSomebodyChangedIsWrittenAgainAndItsAnswerGoes) {
    (void)desk().sign(program, "R1.0 compute: UKI", {program_message()});
    const fs::path file = directory / "image_R1.0_compute_UKI.request.json";
    const std::string right = read_file(file);
    const Bytes evil = request_authenticode(samples::addon_stub(), "a").message;
    for (const std::string& text : {text_of(make_request(Kind::authenticode, "R1.0 compute: UKI", keys.db.public_key(), "db", evil)), std::string("{}"), std::string(9 << 20, ' ')}) {
        write_file(file, text);
        write_file(answer_path(file), text_of(SigningAnswer{sha256(text), keys.db.public_key().fingerprint(), samples::key(0)->sign(sha256(evil))}));
        const ImageDesk again = desk();
        EXPECT_EQ(again.sign(program, "R1.0 compute: UKI", {program_message()}), std::nullopt);
        EXPECT_EQ(again.wanted().size(), 1U);
        EXPECT_TRUE(read_file(file) == right);
        EXPECT_FALSE(fs::exists(answer_path(file)));
    }
}

TEST_F(Images, ARotatedKeyIsAskedAnew) {
    (void)desk().sign(program, "R1.0 compute: UKI", {program_message()});
    answer_all();
    keys.db = samples::identity(1).certificate;
    const ImageDesk later = desk();
    EXPECT_EQ(later.sign(program, "R1.0 compute: UKI", {program_message()}), std::nullopt);
    EXPECT_EQ(parse_request(read_file(directory / "image_R1.0_compute_UKI.request.json"), "a").key, samples::key(1)->public_key().fingerprint());
}

// ---- What may not stay ----------------------------------------------------------------------------

TEST_F(Images, WhatIsNotWantedAnyMoreDoesNotStay) {
    const ImageDesk first = desk();
    for (const char* subject : {"R1.0 compute: UKI", "R1.0 compute-gpu: UKI", "R1.0: systemd-boot", "R1.1 compute: UKI"}) (void)first.sign(program, subject, {program_message()});
    (void)first.sign(policy, "R1.0 compute: PCR policies", policies());
    answer_all();
    write_file(directory / "train-R1.train-R1-1.request.json", "metadata");
    const ImageDesk second = desk();
    (void)second.sign(program, "R1.0 compute: UKI", {program_message()});
    second.remove_others("R1.0 compute");
    EXPECT_THAT(names(), ElementsAre("image_R1.0_compute-gpu_UKI.answer.json", "image_R1.0_compute-gpu_UKI.request.json", "image_R1.0_compute_UKI.answer.json", "image_R1.0_compute_UKI.request.json",
                                     "image_R1.0_systemd-boot.answer.json", "image_R1.0_systemd-boot.request.json", "image_R1.1_compute_UKI.answer.json", "image_R1.1_compute_UKI.request.json",
                                     "train-R1.train-R1-1.request.json"));
    second.remove_others("R1.0");
    remove_image_requests(directory, "R1.1");
    EXPECT_THAT(names(), ElementsAre("image_R1.0_compute_UKI.answer.json", "image_R1.0_compute_UKI.request.json", "train-R1.train-R1-1.request.json"));
}

TEST_F(Images, AreCountedByRelease) {
    const ImageDesk first = desk();
    (void)first.sign(policy, "R1.0 compute: PCR policies", policies());
    (void)first.sign(program, "R2.0: systemd-boot", {program_message()});
    answer("image_R1.0_compute_PCR-policies.1");
    const auto waiting = waiting_images(directory);
    ASSERT_EQ(waiting.size(), 2U);
    EXPECT_EQ(waiting[0].release, "R1.0");
    EXPECT_EQ(waiting[0].requests, 2U);
    EXPECT_EQ(waiting[0].answered, 1U);
    EXPECT_EQ(waiting[1].release, "R2.0");
    EXPECT_THAT(waiting_images(place.path() / "nowhere"), IsEmpty());
}

TEST_F(Images, TwoThatWouldShareANameAreRefused) {
    const ImageDesk first = desk();
    (void)first.sign(policy, "R1.0 a_b: PCR policies", {policy_message(1)});
    EXPECT_THAT(error_of([&] { (void)first.sign(policy, "R1.0 a-b: PCR policies", {policy_message(1)}); }),
                HasSubstr("cannot ask for a signature of 'R1.0 a-b: PCR policies': something else has the same name, '"));
    EXPECT_EQ(error_of([&] { (void)first.sign(policy, "UKI", {policy_message(1)}); }), "cannot ask for a signature of 'UKI': it does not say whose it is");
    (void)first.sign(policy, "R1.0 ../../../evil: UKI", {policy_message(1)});
    EXPECT_TRUE(fs::exists(directory / "image_R1.0_..-..-..-evil_UKI.request.json"));
}

// ---- Faults ---------------------------------------------------------------------------------------

// Killed between two requests: some are there, and some of them are answered already.
TEST_F(Images, WhatAKilledBuildLeftIsCompleted) {
    (void)desk().sign(policy, "R1.0 compute: PCR policies", policies());
    answer_all();
    fs::remove(directory / "image_R1.0_compute_PCR-policies.2.request.json");
    write_file(directory / ".image_R1.0_compute_PCR-policies.2.request.json.a1b2c3", "{");
    const ImageDesk again = desk();
    EXPECT_EQ(again.sign(policy, "R1.0 compute: PCR policies", policies()), std::nullopt) << "an answer without its request is none";
    EXPECT_EQ(again.wanted().size(), 1U);
    answer_all();
    EXPECT_TRUE(desk().sign(policy, "R1.0 compute: PCR policies", policies()));
}

// As on a full disk: an error, and no request of which a part is missing.
TEST_F(Images, NoSpaceLeavesNothingHalfWritten) {
    rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
    const auto handler = std::signal(SIGXFSZ, SIG_IGN);
    rlimit small = before;
    small.rlim_cur = 64;
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
    const std::string error = refused();
    ::setrlimit(RLIMIT_FSIZE, &before);
    std::signal(SIGXFSZ, handler);
    EXPECT_THAT(error, HasSubstr("cannot write '"));
    EXPECT_THAT(names(), IsEmpty());
    EXPECT_EQ(refused(), "no error");
    EXPECT_EQ(names().size(), 1U);
}
