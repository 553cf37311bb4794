// Imports that go on, that must not, and that are cut off.

#include "workbench.hpp"

#include <base/process.hpp>
#include <bundle/stale_media.hpp>

#include <algorithm>
#include <csignal>
#include <sched.h>
#include <set>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <gmock/gmock.h>

using namespace ashlar;
using namespace ashlar::bundle;
using testing::HasSubstr;

namespace {

// Runs in a process of its own; its exit code, or 128 + signal.
template <typename Body> int in_child(const Body& body) {
    const pid_t child = ::fork();
    if (child == 0) {
        int code = 99;
        try {
            code = body();
        } catch (...) {
        }
        ::_exit(code);
    }
    int status = 0;
    EXPECT_EQ(::waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

// In which this process may mount.
bool enter_namespaces() {
    const std::string user = fmt::format("0 {} 1", ::getuid()), group = fmt::format("0 {} 1", ::getgid());
    if (::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return false;
    for (const auto& [file, text] : {std::pair{"/proc/self/uid_map", user}, {"/proc/self/setgroups", "deny"}, {"/proc/self/gid_map", group}}) {
        const Fd fd = open_file(file, O_WRONLY);
        write_all(fd.get(), text, file);
    }
    return true;
}

// Release R1.1 with `files`, of which the next bundle carries `carried` and release.json.
std::vector<std::string> add_next(Workbench& bench, const HandmadeRepository::Files& files) { return bench.repository.add_release("R1.1", files); }

void copy_tree(const fs::path& from, const fs::path& to) {
    fs::remove_all(to);
    if (fs::exists(from)) fs::copy(from, to, fs::copy_options::recursive);
}

std::map<std::string, std::string> visible(const fs::path& mirror) { return tree_of(mirror / "metadata"); }

} // namespace

// ---- What is trusted ------------------------------------------------------------------------------------

TEST(Import, TheFirstNeedsARoot) {
    const Workbench bench;
    ImportOrder order = bench.order();
    order.root.reset();
    try {
        (void)import(*stream_of(bench.bytes), order, silent());
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.message(), fmt::format("cannot import into '{}': it trusts no root yet", bench.mirror.native()));
        EXPECT_EQ(error.hint(), "give the one that you were handed: --root FILE");
    }
    (void)bench.import_file();
    EXPECT_EQ(bench.import_refusal(*stream_of(bench.bytes), order), "");
}

TEST(Import, ARootThatIsGivenAgainIsOfTheSameChain) {
    const Workbench bench, other;
    (void)bench.import_file();
    ImportOrder order = bench.order();
    order.root = other.repository.root_file();
    EXPECT_EQ(bench.import_refusal(*stream_of(bench.bytes), order),
              fmt::format("cannot import into '{}': '{}' is not a root that led to the one it trusts", bench.mirror.native(), order.root->native()));
}

TEST(Import, AnOlderSerialIsRefused) {
    Workbench bench;
    const std::string first = bench.bytes;
    bench.repository.publish(bench.release);
    bench.pack();
    (void)bench.import_file();
    const auto before = visible(bench.mirror);
    EXPECT_THAT(bench.import_refusal(*stream_of(first), bench.order()), HasSubstr("bundle-R1.json"));
    EXPECT_EQ(visible(bench.mirror), before);
}

TEST(Import, ASerialIsOneBundle) {
    Workbench bench;
    (void)bench.import_file();
    bench.repository.write_manifest(bench.repository.manifest_of({bench.release.front()}));
    bench.pack();
    EXPECT_NE(bench.import_refusal(*stream_of(bench.bytes), bench.order()), "");
}

TEST(Import, TheChainGoesOn) {
    Workbench bench;
    (void)bench.import_file();
    const std::string old = bench.bytes;
    bench.repository.rotate_bundle_key();
    bench.repository.publish(bench.release);
    bench.pack();
    ImportOrder order = bench.order();
    order.root.reset();
    EXPECT_EQ(import(*stream_of(bench.bytes), order, silent()).contents.root_version, 2U);
    EXPECT_EQ(trusted_root(bench.mirror), read_file(bench.repository.root_file(2)));
    EXPECT_EQ(seen_by_client(bench.mirror, bench.root, bench.repository.now()), 2U);
    EXPECT_NE(bench.import_refusal(*stream_of(old), bench.order()), ""); // by a key that is no more
}

TEST(Import, ANewerRootIsLearnedBeforeTargetsArrive) {
    Workbench bench;
    (void)bench.import_file();
    const auto before = visible(bench.mirror);
    bench.repository.next_root();
    (void)add_next(bench, {{"c", "c"}});
    bench.repository.publish({"trains/R1/R1.1/c", "trains/R1/R1.1/release.json"});
    bench.pack();
    EXPECT_NE(bench.import_refusal(*stream_of(std::string_view(bench.bytes).substr(0, bench.bytes.size() - 1600)), bench.order()), "");
    EXPECT_EQ(trusted_root(bench.mirror), read_file(bench.repository.root_file(2)));
    EXPECT_EQ(visible(bench.mirror), before);
    EXPECT_EQ(seen_by_client(bench.mirror, bench.root, bench.repository.now()), 1U);
}

TEST(Import, WhatIsPublishedStays) {
    const Workbench bench;
    (void)bench.import_file();
    write_file(bench.mirror / "metadata/1.targets.json", "{}");
    EXPECT_EQ(bench.import_refusal(*stream_of(bench.bytes), bench.order()),
              fmt::format("cannot import into '{}': its 'metadata/1.targets.json' is another than the bundle's", bench.mirror.native()));
}

TEST(Import, AClockThatIsBehindIsNotBelieved) {
    Workbench bench;
    (void)bench.import_file();
    bench.repository.targets.version = 2;
    bench.repository.targets.issued = bench.repository.issued + std::chrono::days(190); // the bundle before had expired then
    tuf::Bundle next = bench.repository.manifest_of(bench.release);
    next.version = 2;
    next.issued = bench.repository.issued + std::chrono::days(190);
    next.expires = *next.issued + std::chrono::days(180);
    bench.repository.write_manifest(next);
    Output output(bench.path("r2.bundle"), std::nullopt);
    (void)write({bench.repository.directory, "R1", *next.issued + std::chrono::days(1)}, output, silent());
    ImportOrder order = bench.order();
    order.now = Time{}; // 1970
    EXPECT_EQ(import(*open_input(bench.path("r2.bundle"), {}), order, silent()).contents.serial, 2U);
}

// ---- Incremental ----------------------------------------------------------------------------------------

TEST(Import, WhatTheMirrorHasIsNotCarried) {
    Workbench bench;
    (void)bench.import_file();
    (void)add_next(bench, {{"a", std::string(3000, 'a')}, {"c", "c"}}); // "a" as in R1.0
    bench.repository.publish({"trains/R1/R1.1/c", "trains/R1/R1.1/release.json"});
    bench.pack();
    const ImportReport report = bench.import_file();
    EXPECT_EQ(report.arrived, 2U);
    EXPECT_EQ(report.shared, 1U);
    EXPECT_EQ(read_file(bench.mirror / "targets" / tuf::place_of("trains/R1/R1.1/a", bench.repository.train.targets.at("trains/R1/R1.1/a"), tuf::Naming::consistent)), std::string(3000, 'a'));
    EXPECT_EQ(seen_by_client(bench.mirror, bench.root, bench.repository.now()), 2U);
}

TEST(Import, WhatIsMissingIsSaidBeforeAnythingChanges) {
    Workbench bench;
    (void)add_next(bench, {{"a", std::string(3000, 'a')}, {"c", "c"}});
    bench.repository.publish({"trains/R1/R1.1/c", "trains/R1/R1.1/release.json"});
    bench.pack();
    EXPECT_EQ(bench.import_refusal(*stream_of(bench.bytes), bench.order()),
              fmt::format("cannot import into '{}': the bundle does not carry what it should have already: 'trains/R1/R1.1/a'", bench.mirror.native()));
    EXPECT_THAT(tree_of(bench.mirror), testing::ElementsAre(testing::Pair("import.lock", "")));
}

TEST(Import, RolesThatAreNotMeant) {
    Workbench bench;
    (void)add_next(bench, {{"c", "c"}});
    Json manifest = tuf::json_of(bench.repository.manifest_of({"trains/R1/R1.1/release.json"}));
    manifest["version"] = 2;
    manifest["roles"] = Json::array({"control"});
    bench.repository.write_signed("bundle-R1.json", manifest, {&bench.repository.bundle_key});
    bench.pack();
    EXPECT_EQ(bench.import_file().arrived, 1U);
}

// ---- Sources --------------------------------------------------------------------------------------------

namespace {

// R1.0 of the workbench, with two source files.
void add_sources(Workbench& bench) {
    std::vector<std::string> sources{bench.repository.add_target("trains/R1/sources/a_1.dsc", "dsc"), bench.repository.add_target("trains/R1/sources/a_1.tar.xz", std::string(2000, 's'))};
    bench.repository.more["sources"] = sources;
    std::vector<std::string> paths = bench.release;
    paths.insert(paths.end(), sources.begin(), sources.end());
    bench.repository.publish(paths);
    bench.pack();
}
fs::path source_in(const Workbench& bench, const std::string& path) { return bench.mirror / "targets" / tuf::place_of(path, bench.repository.train.targets.at(path), tuf::Naming::consistent); }

} // namespace

TEST(Import, SourcesArriveLikeEverythingElse) {
    Workbench bench;
    add_sources(bench);
    const ImportReport report = bench.import_file();
    EXPECT_EQ(report.contents.sources.value().size(), 2U);
    EXPECT_EQ(report.left, 0U);
    EXPECT_EQ(read_file(source_in(bench, "trains/R1/sources/a_1.tar.xz")), std::string(2000, 's'));
    EXPECT_EQ(seen_by_client(bench.mirror, bench.root, bench.repository.now()), 2U);
    const std::string readme = run_checked({.argv = {"tar", "--extract", "--to-stdout", "--file", bench.file, "README.md"}});
    EXPECT_THAT(readme, HasSubstr("## Sources\n\n2 files of source packages, of which 2 are carried, 2.0 kB."));
}

TEST(Import, SourcesThatWereChangedAreRefused) {
    Workbench bench;
    add_sources(bench);
    const auto at = bench.bytes.find(std::string(2000, 's'));
    ASSERT_NE(at, std::string::npos);
    bench.bytes[at + 7] = 'x';
    EXPECT_THAT(bench.import_refusal(*stream_of(bench.bytes), bench.order()), HasSubstr("a_1.tar.xz': its SHA-256 is"));
}

TEST(Import, WhoWantsNoSourcesPassesOverThemAndMayTakeThemLater) {
    for (const bool stream : {false, true}) {
        Workbench bench;
        add_sources(bench);
        ImportOrder order = bench.order();
        order.sources = ImportOrder::Sources::left;
        const auto open = [&] { return stream ? stream_of(bench.bytes) : open_input(bench.file, {}); };
        const ImportReport report = import(*open(), order, silent());
        EXPECT_EQ(report.left, 2U);
        EXPECT_EQ(report.arrived, bench.release.size());
        EXPECT_FALSE(fs::exists(source_in(bench, "trains/R1/sources/a_1.dsc")));
        EXPECT_EQ(import(*open(), order, silent()).change, ImportReport::Change::none);
        const ImportReport later = import(*open(), bench.order(), silent());
        EXPECT_EQ(later.arrived, 2U);
        EXPECT_EQ(seen_by_client(bench.mirror, bench.root, bench.repository.now()), 2U);
    }
}

TEST(Import, SourcesThatAreNotCarriedMustBeThere) {
    Workbench bench;
    (void)bench.import_file();
    const std::vector<std::string> sources{bench.repository.add_target("trains/R1/sources/a_1.dsc", "dsc"), bench.repository.add_target("trains/R1/sources/b_1.dsc", "other")};
    bench.repository.more["sources"] = sources;
    bench.repository.publish({"trains/R1/R1.0/release.json", sources.back()});
    bench.pack();
    EXPECT_EQ(bench.import_refusal(*stream_of(bench.bytes), bench.order()),
              fmt::format("cannot import into '{}': the bundle does not carry what it should have already: 'trains/R1/sources/a_1.dsc'", bench.mirror.native()));
    // A mirror without sources does not miss them.
    ImportOrder order = bench.order();
    order.sources = ImportOrder::Sources::left;
    EXPECT_EQ(import(*stream_of(bench.bytes), order, silent()).left, 1U);
}

// ---- Stale media ----------------------------------------------------------------------------------------

namespace {

struct Stale {
    Workbench bench;
    StaleMedia word{.train = "R1", .serial = 1, .site = "north", .issued = bench.repository.issued + std::chrono::days(199), .expires = bench.repository.issued + std::chrono::days(201), .reason = "the courier was late"};
    Time now = bench.repository.issued + std::chrono::days(200);

    ImportOrder order(std::optional<std::string> text) const {
        ImportOrder order = bench.order();
        order.now = now;
        if (text) order.stale_media = ReaderOptions::Word{*text, "stale.json"};
        return order;
    }
    std::string text() const { return HandmadeRepository::signed_text(json_of(word), {&bench.repository.site_key}); }
    std::string refusal(std::optional<std::string> text) const { return bench.import_refusal(*stream_of(bench.bytes), order(std::move(text))); }
};

} // namespace

TEST(StaleMedia, ASiteLetsOnePass) {
    const Stale stale;
    EXPECT_THAT(stale.refusal(std::nullopt), HasSubstr("expired"));
    const ImportReport report = import(*stream_of(stale.bench.bytes), stale.order(stale.text()), silent());
    EXPECT_EQ(report.contents.stale->reason, "the courier was late");
    const Json logged = Json::parse(read_file(stale.bench.mirror / "import.log"));
    EXPECT_EQ(logged.at("stale").at("site"), "north");
    EXPECT_EQ(logged.at("stale").at("reason"), "the courier was late");
    EXPECT_EQ(logged.at("serial"), 1);
}

// Nodes judge for themselves, so they must find it.
TEST(StaleMedia, TheWordIsPublishedWithWhatItLetsPass) {
    const Stale stale;
    const fs::path published = stale.bench.mirror / "metadata/stale-media-R1.json";
    (void)stale.bench.import_file();
    EXPECT_FALSE(fs::exists(published));
    EXPECT_EQ(import(*stream_of(stale.bench.bytes), stale.order(stale.text()), silent()).change, ImportReport::Change::made);
    EXPECT_EQ(read_file(published), stale.text());
    EXPECT_EQ(import(*stream_of(stale.bench.bytes), stale.order(stale.text()), silent()).change, ImportReport::Change::none);
}

TEST(StaleMedia, ThatIsAllItDoes) {
    Stale stale;
    stale.word.serial = 2;
    EXPECT_EQ(stale.refusal(stale.text()), "cannot use 'stale.json': it is for serial 2 of train R1, and this is serial 1 of train R1");
    stale.word.serial = 1;
    stale.word.train = "R2";
    EXPECT_EQ(stale.refusal(stale.text()), "cannot use 'stale.json': it is for serial 1 of train R2, and this is serial 1 of train R1");
    stale.word.train = "R1";
    stale.word.site = "south";
    EXPECT_EQ(stale.refusal(stale.text()), "cannot use 'stale.json': there is no role 'site-south'");
    stale.word.site = "north";
    stale.word.expires = stale.now;
    EXPECT_EQ(stale.refusal(stale.text()), fmt::format("cannot use 'stale.json': it has expired: {}", tuf::text_of(stale.now)));
}

TEST(StaleMedia, AnotherKeyOrForm) {
    const Stale stale;
    const auto by = [&](const Json& part, const SigningKey& key) { return HandmadeRepository::signed_text(part, {&key}); };
    const Json right = json_of(stale.word);
    EXPECT_THAT(stale.refusal(by(right, stale.bench.repository.train_key)), HasSubstr("stale.json"));
    Json long_lived = right, more = right, typed = right;
    long_lived["expires"] = tuf::text_of(stale.word.issued + std::chrono::days(31));
    EXPECT_EQ(stale.refusal(by(long_lived, stale.bench.repository.site_key)), "cannot use 'stale.json': it is not valid for more than no time and at most 30 days");
    more["floor"] = "none";
    EXPECT_EQ(stale.refusal(by(more, stale.bench.repository.site_key)), "cannot use 'stale.json': it has not the members of a word on stale media, and no others");
    typed["_type"] = "targets";
    EXPECT_EQ(stale.refusal(by(typed, stale.bench.repository.site_key)), "cannot use 'stale.json': it is of type 'targets', not 'stale-media'");
    for (const auto& [key, value] : right.items()) {
        Json less = right, other = right;
        less.erase(key);
        other[key] = Json::array();
        EXPECT_NE(stale.refusal(by(less, stale.bench.repository.site_key)), "") << key;
        EXPECT_NE(stale.refusal(by(other, stale.bench.repository.site_key)), "") << key;
    }
}

TEST(StaleMedia, NoSerialThatWasSeenIsUndercut) {
    Stale stale;
    const std::string first = stale.bench.bytes;
    stale.bench.repository.publish(stale.bench.release);
    stale.bench.pack();
    (void)stale.bench.import_file();
    EXPECT_THAT(stale.bench.import_refusal(*stream_of(first), stale.order(stale.text())), HasSubstr("bundle-R1.json"));
}

// ---- Cut off --------------------------------------------------------------------------------------------

TEST(Import, CutAnywhereItGoesOn) {
    const Workbench bench;
    for (std::size_t size = 0; size < bench.bytes.size(); size += 211) {
        ASSERT_NE(bench.import_refusal(*stream_of(std::string_view(bench.bytes).substr(0, size)), bench.order()), "") << size;
        ASSERT_THAT(visible(bench.mirror), testing::IsEmpty()) << size;
        ASSERT_EQ(fs::exists(bench.mirror / "incoming") && !fs::is_empty(bench.mirror / "incoming"), false) << size;
    }
    const ImportReport last = bench.import_bytes(bench.bytes);
    EXPECT_EQ(last.arrived, 0U); // all had arrived before the last cut, in the archive's end
    EXPECT_EQ(last.present, 4U);
    EXPECT_EQ(seen_by_client(bench.mirror, bench.root, bench.repository.now()), 1U);
    EXPECT_FALSE(fs::exists(bench.mirror / "incoming"));
}

namespace {

// Kills the import before each of its operations in turn: the mirror is as before or as after; once more, and it is as after.
void kill_everywhere(const Workbench& bench, const fs::path& before, std::uint64_t old_serial, std::uint64_t new_serial) {
    for (unsigned n = 1;; ++n) {
        ASSERT_LT(n, 1000U);
        copy_tree(before, bench.mirror);
        const int code = in_child([&] {
            std::atomic<unsigned> seen{0};
            ImportOrder order = bench.order();
            order.before = [&](std::string_view, const fs::path&) {
                if (++seen == n) ::kill(::getpid(), SIGKILL);
            };
            (void)import(*open_input(bench.file, {}), order, silent());
            return 0;
        });
        if (code == 0) {
            EXPECT_GT(n, 20U);
            return;
        }
        ASSERT_EQ(code, 128 + SIGKILL);
        const std::uint64_t seen = seen_by_client(bench.mirror, bench.root, bench.repository.now());
        ASSERT_TRUE(seen == old_serial || seen == new_serial) << n << ": " << seen;
        (void)bench.import_file();
        ASSERT_EQ(seen_by_client(bench.mirror, bench.root, bench.repository.now()), new_serial) << n;
        ASSERT_FALSE(fs::exists(bench.mirror / "incoming")) << n;
    }
}

} // namespace

TEST(Import, KilledAnywhereTheFirstTime) {
    const Workbench bench;
    kill_everywhere(bench, bench.path("nothing"), 0, 1);
}

TEST(Import, KilledAnywhereOnTheWayToTheNext) {
    Workbench bench;
    (void)bench.import_file();
    copy_tree(bench.mirror, bench.path("before"));
    bench.repository.next_root();
    (void)add_next(bench, {{"a", std::string(3000, 'a')}, {"c", "c"}});
    bench.repository.publish({"trains/R1/R1.1/c", "trains/R1/R1.1/release.json"});
    bench.pack();
    kill_everywhere(bench, bench.path("before"), 1, 2);
}

// Without power, what was not synced may be gone. When the manifest gets its name, all else must be there to stay.
TEST(Import, EverythingIsOnTheDiskBeforeItIsNamed) {
    const Workbench bench;
    std::set<std::string> unsynced_files, unsynced_directories;
    unsigned named = 0;
    ImportOrder order = bench.order();
    order.before = [&](std::string_view operation, const fs::path& path) {
        if (operation == "create" || operation == "write") unsynced_files.insert(path.native());
        if (operation == "sync") {
            unsynced_files.erase(path.native());
            unsynced_directories.erase(path.native());
        }
        if (operation == "make") unsynced_directories.insert(path.parent_path().native());
        if (operation != "rename") return;
        EXPECT_THAT(unsynced_files, testing::IsEmpty()) << path;
        if (path.filename() == "bundle-R1.json") {
            EXPECT_THAT(unsynced_directories, testing::IsEmpty());
            ++named;
        }
        unsynced_directories.insert(path.parent_path().native());
    };
    (void)import(*stream_of(bench.bytes), order, silent());
    EXPECT_EQ(named, 1U);
    EXPECT_THAT(unsynced_directories, testing::IsEmpty());
}

// ---- Others, and too little room ------------------------------------------------------------------------

TEST(Import, OneAtATime) {
    const Workbench bench;
    fs::create_directories(bench.mirror);
    const Fd other = open_file(bench.mirror / "import.lock", O_RDWR | O_CREAT);
    ASSERT_EQ(::flock(other.get(), LOCK_EX), 0);
    EXPECT_EQ(bench.import_refusal(*stream_of(bench.bytes), bench.order()), fmt::format("cannot import into '{}': another import is at work there", bench.mirror.native()));
}

TEST(Import, AFileThatCannotBeWritten) {
    const Workbench bench({{"large", std::string(300'000, 'l')}});
    const int code = in_child([&] {
        const rlimit limit{100'000, 100'000};
        ::signal(SIGXFSZ, SIG_IGN);
        if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) return 1;
        const std::string said = bench.import_refusal(*open_input(bench.file, {}), bench.order());
        return said == fmt::format("cannot write '{}': File too large", (bench.mirror / "incoming/2.part").native()) ? 0 : 2;
    });
    EXPECT_EQ(code, 0);
    EXPECT_THAT(visible(bench.mirror), testing::IsEmpty());
    EXPECT_TRUE(fs::is_empty(bench.mirror / "incoming"));
    EXPECT_EQ(bench.import_file().arrived, 1U);
}

TEST(Import, TooLittleRoomIsSaidBefore) {
    const Workbench bench({{"large", std::string(9'000'000, 'l')}});
    const int code = in_child([&] {
        if (!enter_namespaces()) return 77;
        fs::create_directories(bench.mirror);
        if (::mount("tmpfs", bench.mirror.c_str(), "tmpfs", 0, "size=8m") != 0) return 77;
        const std::string said = bench.import_refusal(*open_input(bench.file, {}), bench.order());
        return said.find("it needs 13.") != said.npos && said.find(" are free") != said.npos && !fs::exists(bench.mirror / "targets") ? 0 : 1;
    });
    if (code == 77) GTEST_SKIP() << "no namespaces here";
    EXPECT_EQ(code, 0);
}
