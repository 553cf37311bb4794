// From a repository into a bundle, and from there into a mirror.

#include "workbench.hpp"

#include <base/process.hpp>
#include <base/text.hpp>

#include <gmock/gmock.h>

using namespace ashlar;
using namespace ashlar::bundle;
using testing::HasSubstr;

TEST(RoundTrip, AMirrorHoldsWhatTheRepositoryHeld) {
    const Workbench bench;
    const ImportReport report = bench.import_file();
    EXPECT_EQ(report.change, ImportReport::Change::made);
    EXPECT_EQ(report.arrived, 4U);
    EXPECT_EQ(report.contents.serial, 1U);
    EXPECT_EQ(tree_of(bench.mirror / "targets"), tree_of(bench.repository.directory / "targets"));
    EXPECT_EQ(tree_of(bench.mirror / "metadata"), tree_of(bench.repository.directory / "metadata"));
    EXPECT_FALSE(fs::exists(bench.mirror / "incoming"));
    EXPECT_EQ(seen_by_client(bench.mirror, bench.root, bench.repository.now()), 1U);
}

TEST(RoundTrip, AStreamGivesTheSameMirror) {
    const Workbench bench;
    EXPECT_EQ(bench.import_bytes(bench.bytes).arrived, 4U);
    EXPECT_EQ(tree_of(bench.mirror / "targets"), tree_of(bench.repository.directory / "targets"));
    EXPECT_EQ(tree_of(bench.mirror / "metadata"), tree_of(bench.repository.directory / "metadata"));
}

TEST(RoundTrip, TheSameRepositoryGivesTheSameBytes) {
    Workbench bench;
    const std::string first = bench.bytes;
    fs::last_write_time(bench.repository.root_file(), fs::file_time_type::clock::now() + std::chrono::hours(5));
    bench.pack();
    EXPECT_EQ(bench.bytes, first);
}

TEST(RoundTrip, APipeTakesTheSameBytes) {
    const Workbench bench;
    Fd pipe(::memfd_create("pipe", MFD_CLOEXEC));
    Output output(Fd(::dup(pipe.get())), "standard output");
    (void)write({bench.repository.directory, "R1", bench.repository.now()}, output, silent());
    std::string bytes(bench.bytes.size() + 1, '\0');
    EXPECT_EQ(::pread(pipe.get(), bytes.data(), bytes.size(), 0), static_cast<ssize_t>(bench.bytes.size()));
    EXPECT_EQ(bytes.substr(0, bench.bytes.size()), bench.bytes);
}

TEST(RoundTrip, TarListsIt) {
    const Workbench bench;
    const std::string listed = run_checked({.argv = {"tar", "--list", "--verbose", "--numeric-owner", "--utc", "--full-time", "--file", bench.file}});
    const auto lines = split(trim(listed), '\n');
    ASSERT_EQ(lines.size(), 9U);
    EXPECT_THAT(lines[0], testing::MatchesRegex("-rw-r--r-- 0/0 +[0-9]+ 2026-11-30 [0-9:]+ README.md"));
    std::vector<std::string> names;
    for (const auto line : lines) names.emplace_back(line.substr(line.rfind(' ') + 1));
    const auto place = [&](const std::string& path) { return std::string("targets/") + tuf::place_of(path, bench.repository.train.targets.at(path), tuf::Naming::consistent); };
    EXPECT_THAT(names, testing::ElementsAre("README.md", "metadata/1.root.json", "metadata/bundle-R1.json", "metadata/1.targets.json", "metadata/1.train-R1.json",
                                            place("trains/R1/R1.0/release.json"), place("trains/R1/R1.0/a"), place("trains/R1/R1.0/ashlar_base_R1.0_amd64.manifest.json"),
                                            place("trains/R1/R1.0/b")));
}

TEST(RoundTrip, AnyTarReadsWhatIsInIt) {
    const Workbench bench;
    fs::create_directories(bench.path("unpacked"));
    run_checked({.argv = {"tar", "--extract", "--directory", bench.path("unpacked"), "--file", bench.file}});
    EXPECT_EQ(tree_of(bench.path("unpacked") / "targets"), tree_of(bench.repository.directory / "targets"));
}

TEST(RoundTrip, TheFirstEntrySaysWhatItIs) {
    const Workbench bench;
    const std::string readme = run_checked({.argv = {"tar", "--extract", "--to-stdout", "--file", bench.file, "README.md"}});
    EXPECT_THAT(readme, HasSubstr("# Ashlar bundle: R1.0\n\nTrain R1, serial 1, 4 targets, "));
    EXPECT_THAT(readme, HasSubstr("## R1.0\n\nSupported until 2028-06-30. From: R0.\n"));
    EXPECT_THAT(readme, HasSubstr(sha256(bench.root).hex()));
}

TEST(RoundTrip, ImportedTwiceNothingChanges) {
    const Workbench bench;
    (void)bench.import_file();
    const auto before = tree_of(bench.mirror);
    for (const bool stream : {false, true}) {
        std::vector<std::string> operations;
        ImportOrder order = bench.order();
        order.before = [&](std::string_view operation, const fs::path& path) { operations.push_back(fmt::format("{} {}", operation, path.native())); };
        const auto input = stream ? stream_of(bench.bytes) : open_input(bench.file, {});
        EXPECT_EQ(import(*input, order, silent()).change, ImportReport::Change::none);
        EXPECT_THAT(operations, testing::IsEmpty());
        EXPECT_EQ(tree_of(bench.mirror), before);
    }
}

TEST(RoundTrip, ADamagedFileOfTheMirrorIsReplaced) {
    const Workbench bench;
    (void)bench.import_file();
    const auto before = tree_of(bench.mirror / "targets");
    const fs::path victim = bench.mirror / "targets" / before.begin()->first;
    std::string contents = read_file(victim);
    contents.front() = static_cast<char>(contents.front() ^ 1);
    write_file(victim, contents);
    EXPECT_EQ(bench.import_file().repaired.size(), 1U);
    EXPECT_EQ(tree_of(bench.mirror / "targets"), before);
}

TEST(RoundTrip, EmptyAndLargeTargets) {
    const Workbench bench({{"empty", ""}, {"full", std::string(5'000'000, 'f')}, {"half", std::string(2'500'000, 'h')}});
    (void)bench.import_file();
    EXPECT_EQ(tree_of(bench.mirror / "targets"), tree_of(bench.repository.directory / "targets"));
    fs::remove_all(bench.mirror);
    (void)bench.import_bytes(bench.bytes);
    EXPECT_EQ(tree_of(bench.mirror / "targets"), tree_of(bench.repository.directory / "targets"));
}

// ---- The writer refuses what an import would ------------------------------------------------------------

TEST(Export, ADamagedTargetIsNamedAndNothingIsLeftBehind) {
    Workbench bench;
    fs::remove(bench.file);
    const fs::path target = bench.repository.directory / "targets" / tuf::place_of("trains/R1/R1.0/b", bench.repository.train.targets.at("trains/R1/R1.0/b"), tuf::Naming::consistent);
    write_file(target, "x");
    try {
        bench.pack();
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.message(), fmt::format("cannot export '{}': it is not what its role has signed", target.native()));
    }
    EXPECT_THAT(tree_of(bench.directory.path()), testing::Not(testing::Contains(testing::Key(testing::StartsWith("r1.bundle")))));
}

TEST(Export, AMissingManifest) {
    Workbench bench;
    fs::remove(bench.repository.directory / "metadata/bundle-R1.json");
    try {
        bench.pack();
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.message(), "cannot export: the repository has no 'metadata/bundle-R1.json'");
        EXPECT_EQ(error.hint(), "is this a repository, with metadata/ and targets/?");
    }
}

TEST(Export, TooManyPieces) {
    const Workbench bench;
    Output output(bench.path("r2.bundle"), 16);
    EXPECT_THROW((void)write({bench.repository.directory, "R1", bench.repository.now()}, output, silent()), Error);
}

// ---- Pieces ---------------------------------------------------------------------------------------------

namespace {

// In pieces of 2000 bytes; the bundle itself is gone.
std::vector<fs::path> cut(const Workbench& bench) {
    fs::remove(bench.file);
    Output output(bench.file, 2000);
    (void)write({bench.repository.directory, "R1", bench.repository.now()}, output, silent());
    return output.pieces();
}

} // namespace

TEST(Pieces, TogetherTheyAreTheBundle) {
    const Workbench bench;
    const auto pieces = cut(bench);
    ASSERT_EQ(pieces.size(), (bench.bytes.size() + 1999) / 2000);
    std::string together;
    for (const fs::path& piece : pieces) together += read_file(piece);
    EXPECT_EQ(together, bench.bytes);
    EXPECT_EQ(bench.refusal_of_file(pieces.front()), "");
    (void)import(*open_input(pieces.front(), {}), bench.order(), silent());
    EXPECT_EQ(tree_of(bench.mirror / "targets"), tree_of(bench.repository.directory / "targets"));
}

TEST(Pieces, OnMediaOfTheirOwn) {
    const Workbench bench;
    const auto pieces = cut(bench);
    fs::create_directories(bench.path("away"));
    for (std::size_t i = 1; i < pieces.size(); ++i) fs::rename(pieces[i], bench.path("away") / pieces[i].filename());
    std::vector<fs::path> asked;
    const AskForPiece bring = [&](const fs::path& piece) {
        asked.push_back(piece);
        fs::remove(pieces[asked.size() - 1]); // the medium before is taken out
        fs::rename(bench.path("away") / piece.filename(), piece);
        return true;
    };
    (void)import(*open_input(pieces.front(), bring), bench.order(), silent());
    EXPECT_EQ(asked, std::vector(pieces.begin() + 1, pieces.end()));
    EXPECT_EQ(tree_of(bench.mirror / "targets"), tree_of(bench.repository.directory / "targets"));
}

TEST(Pieces, OneIsMissing) {
    const Workbench bench;
    const auto pieces = cut(bench);
    fs::remove(pieces[1]);
    EXPECT_THAT(bench.refusal_of_file(pieces[0]), HasSubstr("the bundle ends there"));
    EXPECT_EQ(bench.refusal_of_file(bench.path("r9.bundle.001")), fmt::format("cannot open '{}': No such file or directory", bench.path("r9.bundle.001").native()));
}

TEST(Pieces, TwoAreSwappedOrTheSame) {
    const Workbench bench;
    const auto pieces = cut(bench);
    fs::rename(pieces[2], bench.path("x"));
    fs::rename(pieces[3], pieces[2]);
    fs::rename(bench.path("x"), pieces[3]);
    EXPECT_NE(bench.refusal_of_file(pieces[0]), "");
    fs::copy_file(pieces[3], pieces[2], fs::copy_options::overwrite_existing);
    EXPECT_NE(bench.refusal_of_file(pieces[0]), "");
}

TEST(Pieces, OneTooMany) {
    const Workbench bench;
    const auto pieces = cut(bench);
    write_file(piece_name(bench.file, static_cast<unsigned>(pieces.size()) + 1), "x");
    EXPECT_THAT(bench.refusal_of_file(pieces[0]), HasSubstr("something follows the end of the archive"));
}
