// Bundles that are not what they should be: refused, by name and byte; never a crash, never anything visible.

#include "workbench.hpp"

#include <algorithm>
#include <random>

#include <gmock/gmock.h>

using namespace ashlar;
using namespace ashlar::bundle;
using testing::HasSubstr;

namespace {

constexpr std::size_t at_type = 156, at_size = 124, at_checksum = 148, at_link_name = 157;

// An entry as it lies there: headers, contents with what is behind them.
struct Lying {
    std::string header, contents;
};

std::vector<Lying> entries_of(const std::string& bytes) {
    std::vector<Lying> entries;
    for (std::size_t at = 0; at + end_of_archive < bytes.size();) {
        const std::size_t head = bytes[at + at_type] == 'x' ? 3 * entry_block : entry_block;
        const auto size = std::stoull(bytes.substr(at + head - entry_block + at_size, 11), nullptr, 8);
        entries.push_back({bytes.substr(at, head), bytes.substr(at + head, size + padding_of(size))});
        at += head + entries.back().contents.size();
    }
    return entries;
}

std::string archive_of(const std::vector<Lying>& entries) {
    std::string bytes;
    for (const Lying& entry : entries) bytes += entry.header + entry.contents;
    return bytes + std::string(end_of_archive, '\0');
}

void seal(std::string& block) {
    block.replace(at_checksum, 8, 8, ' ');
    unsigned sum = 0;
    for (const char c : block) sum += static_cast<unsigned char>(c);
    block.replace(at_checksum, 8, fmt::format("{:06o}", sum) + std::string("\0 ", 2));
}

Lying made(const std::string& name, char type, const std::string& link = {}) {
    Lying entry{header_of({name, 0, 1796000000}), {}};
    entry.header[at_type] = type;
    entry.header.replace(at_link_name, link.size(), link);
    seal(entry.header);
    return entry;
}

// One for all tests of this file: nothing changes it.
const Workbench& bench() {
    static const Workbench shared;
    return shared;
}
std::vector<Lying> entries() { return entries_of(bench().bytes); }
std::size_t offset_of(std::size_t index) {
    std::size_t at = 0;
    for (const Lying& entry : entries()) {
        if (index-- == 0) break;
        at += entry.header.size() + entry.contents.size();
    }
    return at;
}
std::string place(const std::string& path) {
    return "targets/" + tuf::place_of(path, bench().repository.train.targets.at(path), tuf::Naming::consistent);
}

// Refused as a stream and as a file, in the same words.
std::string refusal(const std::string& bytes) {
    const std::string as_stream = bench().refusal_of(bytes);
    EXPECT_NE(as_stream, "");
    const fs::path file = bench().path("changed");
    write_file(file, bytes);
    EXPECT_NE(bench().refusal_of_file(file), "");
    return as_stream;
}

} // namespace

TEST(Refusal, TheEntriesAsTheyAre) { EXPECT_EQ(bench().refusal_of(archive_of(entries())), ""); }

TEST(Refusal, EveryCut) {
    for (std::size_t size = 0; size < bench().bytes.size(); size += size % 512 == 0 ? 1U : 37U)
        ASSERT_NE(bench().refusal_of(std::string_view(bench().bytes).substr(0, size)), "") << size;
    EXPECT_EQ(bench().refusal_of(""), "cannot read 'r1.bundle': byte 0, entry 'README.md': the bundle ends there");
    const std::size_t second = offset_of(1);
    EXPECT_EQ(bench().refusal_of(std::string_view(bench().bytes).substr(0, second + 600)),
              fmt::format("cannot read 'r1.bundle': byte {}, entry 'metadata/1.root.json': the bundle ends there", second + 600));
}

// What is not covered by any digest: the first entry, and how a signature is written.
TEST(Refusal, FlippedBits) {
    const std::size_t root = offset_of(1), manifest = offset_of(2), metadata = offset_of(3);
    std::mt19937 random(20261130);
    unsigned refused = 0;
    for (std::size_t at = 0; at < bench().bytes.size(); at += 1 + random() % 15) {
        std::string bytes = bench().bytes;
        bytes[at] = static_cast<char>(bytes[at] ^ (1 << random() % 8));
        const std::string said = bench().refusal_of(bytes);
        refused += said.empty() ? 0U : 1U;
        if ((at >= root && at < manifest) || at >= metadata) {
            ASSERT_NE(said, "") << at;
        }
    }
    EXPECT_GT(refused, 2000U);
}

TEST(Refusal, EntriesInAnotherOrder) {
    for (std::size_t i = 0; i + 1 < entries().size(); ++i) {
        auto changed = entries();
        std::swap(changed[i], changed[i + 1]);
        EXPECT_NE(refusal(archive_of(changed)), "") << i;
    }
    auto changed = entries();
    std::swap(changed[3], changed[4]);
    EXPECT_EQ(refusal(archive_of(changed)), fmt::format("cannot read 'r1.bundle': byte {}, entry 'metadata/1.targets.json': 'metadata/1.train-R1.json' stands in its place", offset_of(3)));
}

TEST(Refusal, EntriesThatAreMissing) {
    for (std::size_t i = 0; i < entries().size(); ++i) {
        auto changed = entries();
        changed.erase(changed.begin() + static_cast<std::ptrdiff_t>(i));
        EXPECT_NE(refusal(archive_of(changed)), "") << i;
    }
    auto changed = entries();
    changed.pop_back();
    EXPECT_EQ(refusal(archive_of(changed)), fmt::format("cannot read 'r1.bundle': byte {}, entry '{}': it is missing, the archive ends", offset_of(8), place("trains/R1/R1.0/b")));
    changed = entries();
    changed.erase(changed.begin());
    EXPECT_EQ(refusal(archive_of(changed)), "cannot read 'r1.bundle': byte 0, entry 'metadata/1.root.json': it stands where 'README.md' belongs: this is no bundle");
}

TEST(Refusal, EntriesThatStandThereTwice) {
    for (std::size_t i = 0; i < entries().size(); ++i) {
        auto changed = entries();
        changed.insert(changed.begin() + static_cast<std::ptrdiff_t>(i), changed[i]);
        EXPECT_NE(refusal(archive_of(changed)), "") << i;
    }
}

TEST(Refusal, EntriesOfOthers) {
    const std::vector<Lying> foreign{made("targets/evil", '0'),          made("/etc/passwd", '0'), made("../../etc/passwd", '0'),     made("metadata/../x", '0'),
                                     made("metadata", '5'),              made("x", '1', "y"),      made("x", '2', "/etc/passwd"),     made("x", '3'),
                                     made("x", '6'),                     made("x", 'L'),           made("x", 'x'),                    made("x", 'g'),
                                     made("metadata/timestamp.json", '0'), made("", '0'),          made("metadata/bundle-.json", '0'), made("metadata/bundle-..json", '0')};
    for (const Lying& entry : foreign)
        for (std::size_t i = 0; i <= entries().size(); ++i) {
            auto changed = entries();
            changed.insert(changed.begin() + static_cast<std::ptrdiff_t>(i), entry);
            EXPECT_NE(bench().refusal_of(archive_of(changed)), "") << claimed_name(entry.header) << " at " << i;
        }
}

// The right name and the right bytes, as another kind of entry.
TEST(Refusal, LinksAndDevicesInTheirPlace) {
    for (const char type : {'1', '2', '3', '4', '5', '6', '7', '\0'})
        for (std::size_t i = 0; i < entries().size(); ++i) {
            auto changed = entries();
            std::string block = changed[i].header.substr(changed[i].header.size() - entry_block);
            block[at_type] = type;
            seal(block);
            changed[i].header.replace(changed[i].header.size() - entry_block, entry_block, block);
            EXPECT_NE(bench().refusal_of(archive_of(changed)), "") << type << " at " << i;
        }
}

TEST(Refusal, OtherContents) {
    for (std::size_t i = 1; i < entries().size(); ++i) {
        auto changed = entries();
        changed[i].contents.front() = static_cast<char>(changed[i].contents.front() ^ 1);
        EXPECT_NE(refusal(archive_of(changed)), "") << i;
    }
    auto changed = entries();
    changed[6].contents.front() = 'A';
    EXPECT_EQ(refusal(archive_of(changed)), fmt::format("cannot read 'r1.bundle': byte {}, entry '{}': its SHA-256 is {}, not {}", offset_of(6) + changed[6].header.size(), place("trains/R1/R1.0/a"),
                                                        sha256("A" + std::string(2999, 'a')).hex(), sha256(std::string(3000, 'a')).hex()));
    changed = entries();
    changed[4].contents.front() = ' ';
    EXPECT_EQ(refusal(archive_of(changed)), fmt::format("cannot read 'r1.bundle': byte {}, entry 'metadata/1.train-R1.json': it is not what the manifest names", offset_of(4) + entry_block));
}

TEST(Refusal, WhatFollowsTheEnd) {
    EXPECT_EQ(refusal(bench().bytes + "x"),
              fmt::format("cannot read 'r1.bundle': byte {}, entry '{}': something follows the end of the archive", bench().bytes.size(), place("trains/R1/R1.0/b")));
    EXPECT_NE(refusal(bench().bytes + std::string(9216, '\0')), "");
    EXPECT_NE(refusal(bench().bytes + bench().bytes), "");
}

TEST(Refusal, WhatLiesBetween) {
    auto changed = entries();
    changed[6].contents.back() = 'x';
    EXPECT_EQ(refusal(archive_of(changed)), fmt::format("cannot read 'r1.bundle': byte {}, entry '{}': there are no zeros behind it", offset_of(7) - 1, place("trains/R1/R1.0/a")));
}

TEST(Refusal, TerminalsAreNotSpokenTo) {
    auto changed = entries();
    changed[0].contents.replace(0, 4, "\x1b[2J");
    EXPECT_EQ(refusal(archive_of(changed)), "cannot read 'r1.bundle': byte 512, entry 'README.md': there is more in it than printable ASCII");
}

namespace {

// Gives what it has, then one byte for ever.
class Endless final : public Input {
public:
    Endless(std::string bytes, std::byte then) : bytes_(std::move(bytes)), then_(then) {}
    std::string name() const override { return "r1.bundle"; }
    std::size_t read(std::span<std::byte> out) override {
        for (std::byte& byte : out) byte = given < bytes_.size() ? static_cast<std::byte>(bytes_[given++]) : (++given, then_);
        return out.size();
    }
    bool ended() override { return false; }
    std::optional<std::uint64_t> size() const override { return std::nullopt; }
    void read_at(std::uint64_t, std::span<std::byte>) override {}
    std::size_t given = 0;

private:
    std::string bytes_;
    std::byte then_;
};

} // namespace

TEST(Refusal, InputsWithoutEnd) {
    std::vector<std::string> beginnings{"", bench().bytes, header_of({"README.md", largest_small_entry, 1796000000}), header_of({"README.md", 0, 1796000000}) + header_of({"metadata/1.root.json", largest_small_entry, 1796000000})};
    for (std::size_t i = 0; i < entries().size(); ++i) beginnings.push_back(bench().bytes.substr(0, offset_of(i)));
    for (const std::string& beginning : beginnings)
        for (const std::byte then : {std::byte{}, std::byte{'x'}}) {
            Endless input(beginning, then);
            EXPECT_THROW((void)verify(input, bench().root, {.now = bench().repository.now()}, silent()), Error);
            EXPECT_LT(input.given, bench().bytes.size() + (2U << 20U));
        }
}

// ---- What the signatures are for -------------------------------------------------------------------------

TEST(Refusal, AnotherRoot) {
    const Workbench other;
    EXPECT_EQ(bench().refusal_of(other.bytes), "cannot read 'r1.bundle': its 'metadata/1.root.json' is not the root that is trusted");
}

TEST(Refusal, AManifestOfAnotherKey) {
    Workbench other;
    other.repository.write_signed("bundle-R1.json", tuf::json_of(other.repository.manifest_of(other.release)), {&other.repository.train_key});
    EXPECT_THROW(other.pack(), tuf::MetadataError);
    // By hand, since the writer makes none.
    auto changed = entries_of(other.bytes);
    const std::string text = read_file(other.repository.directory / "metadata/bundle-R1.json");
    changed[2] = {header_of({"metadata/bundle-R1.json", text.size(), 1796000000}), text + std::string(padding_of(text.size()), '\0')};
    EXPECT_THAT(other.refusal_of(archive_of(changed)), HasSubstr("bundle-R1.json"));
}

TEST(Refusal, TargetsThatNoRoleHas) {
    Workbench other;
    for (const char* path : {"trains/R1/R1.0/nothing", "trains/R1/R1.0/.hidden", "trains/R1/R1.0/../a", "/etc/passwd", "trains/R2/R2.0/a"}) {
        auto paths = other.release;
        paths.emplace_back(path);
        std::ranges::sort(paths);
        other.repository.write_manifest(other.repository.manifest_of(paths));
        EXPECT_THROW(other.pack(), Error) << path;
    }
}
