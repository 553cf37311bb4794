// /var that only the TPM of its node opens, or the site's recovery key.

#include "node.hpp"

#include <base/process.hpp>
#include <base/text.hpp>
#include <signing/authenticode.hpp>
#include <signing/base64.hpp>
#include <signing/pcr.hpp>
#include <signing/pe.hpp>

#include <algorithm>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

using namespace lab;
using testing::HasSubstr;

namespace {

// A stick with a file ashlar/recovery-key.
Target key_stick(std::string_view key) {
    Target stick(std::uint64_t{64} << 20U);
    const std::string image = fmt::format("{}@@1M", stick.path().native());
    run_checked({.argv = {program("sfdisk"), "--quiet", stick.path().native()}, .input = "label: gpt\nstart=1MiB, type=EBD0A0A2-B9E5-4433-87C0-68B6B72699C7\n"});
    run_checked({.argv = {"mformat", "-i", image, "-F", "-T", "120000", "-h", "64", "-s", "32", "::"}});
    run_checked({.argv = {"mmd", "-i", image, "::/ashlar"}});
    const TemporaryDirectory directory{testing::TempDir()};
    write_file(directory.path() / "key", key);
    run_checked({.argv = {"mcopy", "-i", image, (directory.path() / "key").native(), "::/ashlar/recovery-key"}});
    return stick;
}

std::span<std::byte> writable(Bytes& image, std::string_view section) {
    const auto content = find_section(image, parse_pe(image, "uki"), section).value();
    return std::span(image).subspan(static_cast<std::size_t>(content.data() - image.data()), content.size());
}

// What a later release would be: other content, and policies by the same key for what it measures to.
Bytes next_release(Bytes uki) {
    const auto now = std::chrono::time_point_cast<std::chrono::seconds>(std::chrono::system_clock::now());
    const auto keys = load_build_keys(Lab::get().keys, now);
    uki = without_certificates(std::move(uki), "uki");
    constexpr std::string_view pretty = "PRETTY_NAME=\"Ashlar";
    const auto os_release = writable(uki, ".osrel");
    const auto at = text_of(os_release).find(pretty);
    EXPECT_NE(at, std::string_view::npos);
    os_release[at + pretty.size() - 1] = std::byte{'R'};
    const std::string signatures = sign_pcr_policies(pcr_policies(uki, "uki"), *keys.pcr_key);
    const auto place = writable(uki, ".pcrsig");
    EXPECT_EQ(signatures.size(), place.size());
    std::ranges::copy(bytes_of(signatures), place.begin());
    EXPECT_EQ(pcr_signature_fault(uki, "uki"), std::nullopt);
    return sign_authenticode(std::move(uki), {keys.db_key, keys.db}, "uki");
}

void replace_uki(const Target& target, const Disk& stick) {
    const TemporaryDirectory directory{testing::TempDir()};
    write_file(directory.path() / "uki", text_of(next_release(stick.read_boot_file(stick.uki_path()))));
    run_checked({.argv = {"mcopy", "-D", "o", "-i", fmt::format("{}@@{}", target.path().native(), target.partition("esp").offset),
                          (directory.path() / "uki").native(), "::/" + stick.uki_path()}});
}

// As docs/guides/recovery.md has it.
std::string recovery_key(const PrivateKey& site, const Json& state) {
    const TemporaryDirectory directory{testing::TempDir()};
    site.save_new(directory.path() / "SITE.key");
    write_file(directory.path() / "sealed", state.at("encryption").at("recovery").get<std::string>() + "\n");
    return run_checked({.argv = {"sh", "-c", "base64 -d sealed | openssl pkeyutl -decrypt -inkey SITE.key -pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:sha256"},
                        .directory = directory.path()});
}

machine::Report boot(const Target& target, const Board& board, const std::vector<const Target*>& sticks, machine::Until until) {
    return target.boot([&](auto& options) {
        board.in(options);
        options.until = until;
        for (std::size_t i = 0; i < sticks.size(); ++i)
            for (auto& argument : sticks[i]->arguments(fmt::format("stick{}", i))) options.more_arguments.push_back(argument);
    });
}

TEST(Encryption, IsOpenedByItsTpmInEachReleaseAndElsewhereByTheRecoveryKey) {
    const Target target;
    const Board board, other_board;
    const auto site = PrivateKey::generate(RsaBits::rsa3072);
    const Disk stick = medium("encryption = \"require\"\nrecovery_key = '''\n" + site.public_key().pem() + "'''\n[install.disk]\nserial = \"target\"\n");
    expect_installed(start(stick, target.arguments(), machine::Until::power_off, board));
    if (HasFatalFailure()) return;
    const Json state = target.state();
    EXPECT_EQ(state.at("encryption").at("key"), "sha256:" + site.public_key().fingerprint().hex());
    {
        std::array<char, 4> magic{};
        const Fd file = open_file(target.path(), O_RDONLY);
        ASSERT_EQ(::pread(file.get(), magic.data(), magic.size(), static_cast<off_t>(target.partition("var").offset)), 4);
        EXPECT_EQ(std::string_view(magic.data(), 4), "LUKS");
    }

    replace_uki(target, stick);
    expect_node(boot(target, board, {}, machine::Until::shut_down), state);

    // The disk in another board: nothing opens it but the key, and that once.
    const Target wrong = key_stick("00000000-00000000\n"), right = key_stick(recovery_key(site, state) + "\n");
    const auto recovered = boot(target, other_board, {&wrong, &right}, machine::Until::power_off);
    EXPECT_EQ(machine::name_of(recovered.verdict.outcome), "reset") << recovered.verdict.detail << '\n' << recovered.transcript;
    EXPECT_THAT(recovered.transcript, HasSubstr("/var is locked: the TPM of this machine does not open it"));
    EXPECT_THAT(recovered.transcript, HasSubstr(state.at("encryption").at("recovery").get<std::string>()));
    EXPECT_THAT(recovered.transcript, HasSubstr("the key on '/dev/vdb1' does not help"));
    EXPECT_THAT(recovered.transcript, HasSubstr("this machine's TPM opens /var from now on; starting again"));
    EXPECT_THAT(recovered.transcript, testing::Not(HasSubstr(recovery_key(site, state))));
    expect_node(boot(target, other_board, {}, machine::Until::shut_down), state);

    // Another dbx is another Secure Boot, to a TPM: the same way out.
    other_board.revoke(sha256("an image of which nothing is known"));
    const auto revoked = boot(target, other_board, {&right}, machine::Until::power_off);
    EXPECT_EQ(machine::name_of(revoked.verdict.outcome), "reset") << revoked.verdict.detail << '\n' << revoked.transcript;
    EXPECT_THAT(revoked.transcript, HasSubstr("/var is locked: the TPM of this machine does not open it"));
    expect_node(boot(target, other_board, {}, machine::Until::shut_down), state);
}

} // namespace
