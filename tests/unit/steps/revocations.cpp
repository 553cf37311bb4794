// What a node hands to a firmware whose variables are files, and when it does not.

#include "../../../firstboot/steps/beliefs.hpp"
#include "../../../firstboot/steps/revocations.hpp"
#include "../signing/samples.hpp"
#include "../tuf/simulator.hpp"
#include "node.hpp"

#include <base/error.hpp>
#include <bootmenu/menu.hpp>
#include <signing/authenticode.hpp>
#include <signing/uefi_variables.hpp>
#include <state/state.hpp>

#include <gmock/gmock.h>

using namespace lab;
using steps::FirmwareRevocation;
using State = FirmwareRevocation::State;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

namespace {

const Guid owner = *Guid::from_text("00112233-4455-4677-8899-aabbccddeeff");

// R0.1 runs and has proved itself; R0.0 is what it would fall back to.
class Revoked : public testing::Test {
protected:
    static const fs::path& shared() {
        static const TemporaryDirectory directory{testing::TempDir()};
        return directory.path();
    }
    static const Release& old_release() {
        static const Release release(shared() / "R0.0", "R0.0", {"one", ""}, signer());
        return release;
    }
    static const Release& running() {
        static const Release release(shared() / "R0.1", "R0.1", {"one", "changed"}, signer());
        return release;
    }

    Revoked() {
        write_file(disk.esp() / "EFI/Linux/ashlar_R0.0.efi", text_of(old_release().uki()));
        flag("SecureBoot", 1);
        flag("SetupMode", 0);
        node.revoked = directory.path() / "revoked";
        node.firmware = variables.path();
        // As EDK II does it: the lists go behind those that are there.
        node.forbid = [this](std::string_view update) {
            ++writes;
            if (refusal) throw Error(*refusal);
            if (forgetful) return;
            const std::string before = fs::exists(dbx()) ? read_file(dbx()) : std::string("\x27\0\0\0", 4);
            write_file(dbx(), before + std::string(text_of(lists_of_update(bytes_of(update), "update"))));
        };
        node.trusted_root = "nothing that is read here";
    }

    void flag(const std::string& name, char value) const { write_file(variables.path() / (name + "-8be4df61-93ca-11d2-aa0d-00e098032b8c"), std::string("\x06\0\0\0", 4) + value); }
    [[nodiscard]] fs::path dbx() const { return variables.path() / "dbx-d719b2cb-3d3a-4596-a3bc-dad00e67656f"; }
    static Digest image(const Bytes& program) { return request_authenticode(program, "program").image; }
    static std::string update_of(const SignatureDatabase& database) {
        return std::string(text_of(sign_variable({SecureBootVariable::forbidden, VariableWrite::append, samples::start, signature_lists(database)}, signer())));
    }
    static std::string update_of(const std::vector<Digest>& images) {
        SignatureDatabase database;
        for (const auto& one : images) database.hashes.push_back({owner, one});
        return update_of(database);
    }
    void keep(const std::string& update) const { revocations().keep({{.train = "R0", .update = update, .fault = {}}}); }
    // What came of it.
    FirmwareRevocation hand_over() {
        revocations().hand_over();
        const auto all = steps::firmware_revocations(node);
        return all.empty() ? FirmwareRevocation{} : all.front();
    }
    FirmwareRevocation after(const std::string& update) {
        keep(update);
        return hand_over();
    }
    [[nodiscard]] std::vector<std::string> menu() const {
        std::vector<std::string> names;
        for (const auto& entry : bootmenu::Menu(disk.esp()).entries()) names.push_back(entry.file_name());
        return names;
    }
    [[nodiscard]] steps::Revocations revocations() const { return {node, told_}; }

    TemporaryDirectory directory{testing::TempDir()}, variables{testing::TempDir()};
    NodeDisk disk{directory.path(), running()};
    steps::Node node = disk.node(running().installed());
    std::vector<FirmwareRevocation> told;
    std::function<void(const steps::Notice&)> told_ = [this](const steps::Notice& notice) { told.push_back(std::get<FirmwareRevocation>(notice)); };
    unsigned writes = 0;
    std::optional<std::string> refusal;
    bool forgetful = false;
};

TEST_F(Revoked, GoToTheFirmwareOnceAndTheFallbackLeavesTheMenu) {
    const std::string update = update_of({image(old_release().uki()), sha256("another role's")});
    EXPECT_EQ(after(update), (FirmwareRevocation{"R0", 2, State::obeyed, ""}));
    EXPECT_THAT(menu(), ElementsAre("ashlar_R0.1.efi"));
    EXPECT_EQ(listed_hashes(bytes_of(read_file(dbx())).subspan(4), "dbx").size(), 2U);
    EXPECT_EQ(after(update).state, State::obeyed);
    EXPECT_EQ(writes, 1U);
    EXPECT_EQ(told.size(), 1U) << "nothing is said twice";
}

TEST_F(Revoked, ThatAreListedAlreadyCostNothing) {
    SignatureDatabase vendors{{{owner, signer().certificate}}, {{owner, sha256("one")}, {owner, sha256("two")}}};
    write_file(dbx(), std::string("\x27\0\0\0", 4) + std::string(text_of(signature_lists(vendors))));
    EXPECT_EQ(after(update_of({sha256("two"), sha256("one")})).state, State::obeyed);
    EXPECT_EQ(writes, 0U);
    EXPECT_EQ(after(update_of({sha256("two"), sha256("three")})).state, State::obeyed);
    EXPECT_EQ(writes, 1U);
}

// Vendors list what is known by the digest of a certificate, too.
TEST_F(Revoked, ADbxWithListsOfOtherKindsIsRead) {
    Bytes lists = signature_lists({{}, {{owner, sha256("one")}}});
    Bytes foreign = lists;
    foreign[0] = std::byte{0x50};
    append(foreign, lists);
    write_file(dbx(), std::string("\x27\0\0\0", 4) + std::string(text_of(foreign)));
    EXPECT_EQ(after(update_of({sha256("one")})).state, State::obeyed);
    EXPECT_EQ(writes, 0U);
}

TEST_F(Revoked, WhatRunsIsNeverForbidden) {
    const auto now = after(update_of({image(running().uki()), image(old_release().uki())}));
    EXPECT_EQ(now, (FirmwareRevocation{"R0", 2, State::waiting, "it forbids 'EFI/Linux/ashlar_R0.1.efi', by which this node starts"}));
    EXPECT_EQ(writes, 0U);
    EXPECT_THAT(menu(), ElementsAre("ashlar_R0.1.efi", "ashlar_R0.0.efi"));
}

TEST_F(Revoked, NorIsTheBootLoader) {
    const Bytes loader = samples::efi_image();
    fs::create_directories(disk.esp() / "EFI/BOOT");
    write_file(disk.esp() / "EFI/BOOT/BOOTX64.EFI", text_of(loader));
    EXPECT_EQ(after(update_of({image(loader)})).text, "it forbids 'EFI/BOOT/BOOTX64.EFI', by which this node starts");
    EXPECT_EQ(writes, 0U);
}

// A certificate in dbx would forbid all that its key ever signed.
TEST_F(Revoked, ACertificateIsNeverForbidden) {
    EXPECT_THAT(after(update_of({{{owner, signer().certificate}}, {{owner, sha256("one")}}})).text, HasSubstr("does not name images, and nothing but images"));
    EXPECT_EQ(writes, 0U);
}

TEST_F(Revoked, WaitUntilWhatRunsHasProvedItself) {
    fs::rename(disk.esp() / "EFI/Linux/ashlar_R0.1.efi", disk.esp() / "EFI/Linux/ashlar_R0.1+2-1.efi");
    EXPECT_EQ(after(update_of({image(old_release().uki())})).text, "'R0.1', which runs, has not proved itself yet");
    EXPECT_EQ(writes, 0U);
    EXPECT_THAT(menu(), ElementsAre("ashlar_R0.1+2-1.efi", "ashlar_R0.0.efi"));
    steps::NodeSteps(node, {}, told_).bless(running().installed());
    EXPECT_EQ(writes, 1U);
    EXPECT_THAT(menu(), ElementsAre("ashlar_R0.1.efi"));
    EXPECT_EQ(told.back().state, State::obeyed);
}

TEST_F(Revoked, AFirmwareThatRefusesIsToldOfOnceAndStopsNothing) {
    refusal = "cannot add to the firmware's dbx: Permission denied";
    const std::string update = update_of({sha256("one")});
    EXPECT_EQ(after(update), (FirmwareRevocation{"R0", 1, State::refused, *refusal}));
    steps::NodeSteps(node, {}, told_).bless(running().installed());
    EXPECT_EQ(told.size(), 1U);
    refusal.reset(); // the right KEK is enrolled
    EXPECT_EQ(hand_over().state, State::obeyed);
    EXPECT_EQ(told.size(), 2U);
}

TEST_F(Revoked, AFirmwareThatSaysYesAndForgetsIsFoundOut) {
    forgetful = true;
    EXPECT_EQ(after(update_of({sha256("one")})), (FirmwareRevocation{"R0", 1, State::refused, "the firmware took it, and does not list it in dbx"}));
}

TEST_F(Revoked, WithoutSecureBootNothingIsHandedOver) {
    flag("SecureBoot", 0);
    EXPECT_EQ(after(update_of({image(old_release().uki())})), (FirmwareRevocation{"R0", 1, State::waiting, "Secure Boot is off: the firmware starts anything"}));
    EXPECT_EQ(writes, 0U);
    EXPECT_THAT(menu(), ElementsAre("ashlar_R0.1.efi", "ashlar_R0.0.efi"));
}

// Another dbx is another register 7, and the TPM gives no key for /var.
TEST_F(Revoked, ASealedVarIsNotLockedUnasked) {
    Json content = state::read(node.state)->content;
    content["encryption"] = {{"algorithm", "rsa-oaep-sha256"}};
    state::write(node.state, content);
    const auto now = after(update_of({image(old_release().uki())}));
    EXPECT_EQ(now.state, State::waiting);
    EXPECT_THAT(now.text, HasSubstr("/var is sealed to the dbx of now"));
    EXPECT_EQ(writes, 0U);
    EXPECT_THAT(menu(), ElementsAre("ashlar_R0.1.efi", "ashlar_R0.0.efi"));
    EXPECT_THAT(steps::hand_over_revocations(node), ElementsAre(FirmwareRevocation{"R0", 1, State::obeyed, ""}));
    EXPECT_EQ(writes, 1U);
    EXPECT_EQ(hand_over().state, State::obeyed) << "what is there already locks nothing";
}

TEST_F(Revoked, WhatIsHalfWrittenIsNotUsed) {
    const std::string update = update_of({sha256("one")});
    for (const std::size_t size : {std::size_t{0}, std::size_t{10}, std::size_t{39}, std::size_t{100}, update.size() - 48, update.size() - 1}) {
        fs::create_directories(node.revoked);
        write_file(node.revoked / "R0.auth", update.substr(0, size));
        EXPECT_EQ(hand_over().state, State::refused) << size;
    }
    keep(update);
    EXPECT_EQ(hand_over().state, State::obeyed);
    write_file(dbx(), read_file(dbx()).substr(0, 40));
    EXPECT_THAT(hand_over().text, HasSubstr("the sizes of a list contradict each other"));
    write_file(dbx(), "\x27");
    EXPECT_THAT(hand_over().text, HasSubstr("it has no attributes"));
    write_file(node.revoked / "R0.json", "{");
    EXPECT_THAT(steps::firmware_revocations(node), IsEmpty());
    EXPECT_EQ(writes, 1U);
}

TEST_F(Revoked, ADiskThatFailsIsToldOfAndStopsNothing) {
    write_file(node.revoked, "a file where a directory should be");
    keep(update_of({sha256("one")}));
    ASSERT_EQ(told.size(), 1U);
    EXPECT_EQ(told.front().state, State::waiting);
    EXPECT_NO_THROW(steps::NodeSteps(node, {}, told_).bless(running().installed()));
}

// ---- From a repository ---------------------------------------------------------------------------

class FromARepository : public Revoked {
protected:
    FromARepository() {
        node.trusted_root = simulator.files.at("1.root.json");
        node.now = [] { return tuf::test::day(0); };
    }
    void publish() {
        for (const char* role : {"train-R0", "train-R1"}) simulator.publish_delegated(role);
        simulator.publish_release();
        for (const auto& [name, text] : simulator.files) put("metadata/" + name, text);
    }
    void put(const std::string& place, const std::string& text) const {
        fs::create_directories((repository() / place).parent_path());
        write_file(repository() / place, text);
    }
    void forbid(const std::string& update) {
        const std::string path = "trains/R0/revoked/dbx-append.auth";
        const auto target = tuf::test::Simulator::target(update);
        simulator.delegated.at("train-R0").targets.insert_or_assign(path, target);
        put("targets/" + tuf::place_of(path, target, tuf::Naming::consistent), update);
    }
    [[nodiscard]] fs::path repository() const { return directory.path() / "repository"; }
    [[nodiscard]] std::optional<upgrade::Target> check() { return steps::NodeSteps(node, {}, told_).check({repository().native(), "", "", ""}); }

    tuf::test::Simulator simulator;
};

TEST_F(FromARepository, WhatIsNotNewerBringsItAndHandsItOver) {
    forbid(update_of({image(old_release().uki())}));
    publish();
    EXPECT_EQ(check(), std::nullopt);
    ASSERT_EQ(told.size(), 1U);
    EXPECT_EQ(told.front(), (FirmwareRevocation{"R0", 1, State::obeyed, ""}));
    EXPECT_THAT(menu(), ElementsAre("ashlar_R0.1.efi"));
}

// The newest signed time is a floor for the clock, also when what comes behind it in the repository is broken.
TEST_F(FromARepository, TheNewestSignedTimeIsKeptWhenARefreshFailsInTheMiddle) {
    simulator.root.issued = tuf::test::day(20);
    simulator.publish_root();
    publish();
    for (const auto& file : fs::directory_iterator(repository() / "metadata"))
        if (file.path().native().ends_with("snapshot.json")) write_file(file.path(), "{}");
    EXPECT_THROW((void)check(), Error);
    EXPECT_EQ(steps::Beliefs(node.state, "").time_floor(), tuf::test::day(20));
    EXPECT_EQ(state::read(node.state)->content.at("time_floor"), tuf::text_of(tuf::test::day(20)));
}

} // namespace
