#include <fetch/fetcher.hpp>

#include <base/error.hpp>
#include <debian/universe.hpp>

#include <handmade_deb.hpp>
#include <mirror_server.hpp>
#include <put_server.hpp>

#include "toy_archive.hpp"

#include <gmock/gmock.h>
#include <sys/resource.h>

using namespace ashlar;
using namespace ashlar::fetch;
using namespace ashlar::test;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::MatchesRegex;
using testing::StartsWith;
using testing::UnorderedElementsAre;
namespace fs = std::filesystem;

namespace {

struct FetcherTest : testing::Test {
    void SetUp() override {
        forget_proxies();
        train.name = "R0";
        train.architecture = "amd64";
        train.archives.push_back(
            {.name = "toy", .suites = {"one"}, .components = {"main"}, .keys = {archive_key().certificate()}});
    }

    Fetcher fetcher(std::vector<std::string> mirrors, Options options = {}) {
        options.now = now;
        const Places nowhere{"/nonexistent/config.toml", "/nonexistent", ""};
        return Fetcher(Mirrors(std::move(mirrors), nowhere), transfer, store, *renderer, options);
    }
    std::string refusal(const std::function<void()>& body) {
        try {
            body();
            return "accepted";
        } catch (const Error& error) {
            return error.render();
        }
    }
    std::string refresh_refusal(std::vector<std::string> mirrors, const lock::Lock* before = nullptr) {
        return refusal([&] { (void)fetcher(std::move(mirrors)).refresh(train, before); });
    }
    // A lock of all packages of the indices for role "base".
    lock::Lock lock_of(const Indices& indices) {
        debian::Universe universe("amd64");
        for (const auto& index : indices.packages) universe.add_file(index.file, index.source);
        lock::Lock lock{.train = "R0",
                        .architecture = "amd64",
                        .epoch = indices.epoch,
                        .suites = indices.suites,
                        .folders = indices.folders};
        universe.for_each([&](const debian::Package& package) {
            lock.roles["base"].push_back(lock.packages.size());
            lock.packages.push_back({.name = std::string(package.name),
                                     .version = std::string(package.version),
                                     .architecture = std::string(package.architecture),
                                     .archive = std::string(package.archive),
                                     .component = std::string(package.component),
                                     .path = std::string(package.filename),
                                     .size = package.size,
                                     .sha256 = package.sha256,
                                     .source = std::string(package.source),
                                     .source_version = std::string(package.source_version)});
        });
        lock::normalise(lock);
        return lock::parse(lock::to_text(lock), "lock");
    }
    void empty_the_store() {
        for (const auto& entry : fs::directory_iterator(store.root() / "blobs")) fs::remove_all(entry.path());
    }
    std::vector<std::string> left_in_tmp() const {
        std::vector<std::string> names;
        for (const auto& entry : fs::directory_iterator(store.root() / "tmp")) names.push_back(entry.path().filename());
        return names;
    }

    TemporaryDirectory dir{fs::temp_directory_path()};
    store::Store store{dir.path() / "store"};
    std::unique_ptr<Renderer> renderer = make_renderer(ProgressStyle::quiet, 2);
    transfer::Options transfer{.connect_timeout = std::chrono::milliseconds(2000),
                               .slowest_time = std::chrono::seconds(1),
                               .tries = 2,
                               .first_pause = std::chrono::milliseconds(1),
                               .longest_pause = std::chrono::milliseconds(2)};
    recipe::Train train;
    std::int64_t now = toy_date + 3600;
    const std::vector<std::string> base{"base"};
};

std::string in_release_url(const MirrorServer& server) { return server.url("/toy/dists/one/InRelease"); }

} // namespace

TEST_F(FetcherTest, FetchesASuiteAndItsPackages) {
    const ToySuite suite;
    const MirrorServer server(MirrorServer::files(suite.files()));
    auto fetching = fetcher({server.url()});
    const Indices indices = fetching.refresh(train);

    ASSERT_EQ(indices.packages.size(), 1U);
    EXPECT_EQ(read_file(indices.packages[0].file), suite.packages_text());
    EXPECT_EQ(indices.packages[0].source.archive, "toy");
    EXPECT_EQ(indices.packages[0].source.suite, "one");
    EXPECT_EQ(indices.packages[0].source.component, "main");
    EXPECT_EQ(indices.packages[0].source.priority, std::nullopt);
    EXPECT_EQ(indices.epoch, toy_date);
    ASSERT_EQ(indices.suites.size(), 1U);
    const lock::Suite& record = indices.suites[0];
    EXPECT_THAT(record.signers, ElementsAre(archive_key().fingerprint()));
    EXPECT_EQ(record.date, toy_date);
    EXPECT_EQ(record.valid_until, toy_date + 7 * 86400);
    EXPECT_TRUE(store.find(record.in_release));
    ASSERT_EQ(record.indices.size(), 1U);
    EXPECT_EQ(record.indices[0].path, "main/binary-amd64/Packages.zst");
    EXPECT_EQ(record.indices[0].content_sha256, sha256(suite.packages_text()));

    const lock::Lock lock = lock_of(indices);
    fetching.packages(train, lock, base);
    for (const auto* package : lock.packages_of("base"))
        EXPECT_EQ(read_file(store.find(package->sha256).value()), ToySuite::deb(package->name, package->version));
    EXPECT_THAT(left_in_tmp(), IsEmpty());
    EXPECT_TRUE(fs::is_empty(store.root() / "partial"));
    EXPECT_EQ(server.asks().size(), 4U) << "release, index, two packages";
}

TEST_F(FetcherTest, FetchesNothingTwice) {
    const MirrorServer server(MirrorServer::files(ToySuite{}.files()));
    const lock::Lock lock = lock_of(fetcher({server.url()}).refresh(train));
    fetcher({server.url()}).packages(train, lock, base);
    const std::size_t before = server.asks().size();
    const Indices again = fetcher({server.url()}).refresh(train, &lock);
    fetcher({server.url()}).packages(train, lock, base);
    EXPECT_EQ(server.asks().size(), before + 1) << "only the release, to see whether there is a newer one";
    EXPECT_EQ(again.suites, lock.suites);
}

TEST_F(FetcherTest, NeedsNoNetworkWhenTheStoreHasAll) {
    lock::Lock lock;
    {
        const MirrorServer server(MirrorServer::files(ToySuite{}.files()));
        lock = lock_of(fetcher({server.url()}).refresh(train));
        fetcher({server.url()}).packages(train, lock, base);
    }
    now += 365 * 86400; // expired long since, which does not matter to a lock
    auto offline = fetcher({}, {.network = Network::forbidden});
    const Indices indices = offline.refresh(train, &lock);
    EXPECT_EQ(indices.suites, lock.suites);
    EXPECT_EQ(read_file(indices.packages.at(0).file), ToySuite{}.packages_text());
    EXPECT_NO_THROW(offline.packages(train, lock, base));
}

TEST_F(FetcherTest, SaysWhatIsMissingWithoutNetwork) {
    const MirrorServer server(MirrorServer::files(ToySuite{}.files()));
    const lock::Lock lock = lock_of(fetcher({server.url()}).refresh(train));
    EXPECT_EQ(
        refusal([&] { fetcher({}, {.network = Network::forbidden}).packages(train, lock, base); }),
        "cannot get 2 packages that the lock of train 'R0' names: the network is forbidden and the store '" +
            store.root().native() +
            "' does not have them\n"
            "  alpha 1.0 (toy: pool/alpha_1.0_amd64.deb)\n"
            "  beta 2:2.0-1 (toy: pool/beta_2.0-1_amd64.deb)\n"
            "  while fetching the packages of base\n"
            "  hint: fetch them once without --offline, or copy them from the store of a machine that built with this "
            "lock, or from a bundle");
    EXPECT_EQ(refusal([&] { (void)fetcher({}, {.network = Network::forbidden}).refresh(train); }),
              "cannot ask a mirror: the network is forbidden\n"
              "  while looking at the archives of train 'R0'\n"
              "  hint: without the network Ashlar needs a lock: make one with `ashlar lock R0`");
}

TEST_F(FetcherTest, NamesAllPackagesThatAreGone) {
    Files files = ToySuite{}.files();
    const MirrorServer before(MirrorServer::files(files));
    const lock::Lock lock = lock_of(fetcher({before.url()}).refresh(train));
    files.erase("/toy/pool/alpha_1.0_amd64.deb");
    files.erase("/toy/pool/beta_2.0-1_amd64.deb");
    const MirrorServer one(MirrorServer::files(files)), two(MirrorServer::files(files));
    EXPECT_THAT(refusal([&] {
                    fetcher({one.url(), two.url()}).packages(train, lock, base);
                }),
                StartsWith("cannot get 2 packages that the lock of train 'R0' names: no mirror has them any more\n"
                           "  alpha 1.0 (toy: pool/alpha_1.0_amd64.deb)\n"
                           "  beta 2:2.0-1 (toy: pool/beta_2.0-1_amd64.deb)\n"));
}

// Each package that is under way has a file and a claim open; none may stay so afterwards.
TEST_F(FetcherTest, HoldsFewFilesOpenHoweverManyAreGone) {
    ToySuite suite;
    for (int i = 0; i < 300; ++i) suite.packages[fmt::format("p{:03}", i)] = "1";
    Files files = suite.files();
    const MirrorServer before(MirrorServer::files(files));
    const lock::Lock lock = lock_of(fetcher({before.url()}).refresh(train));
    rlimit old{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &old), 0);
    const MirrorServer empty(MirrorServer::files({}));
    const rlimit few{250, old.rlim_max};
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);
    const std::string text = refusal([&] { fetcher({empty.url()}).packages(train, lock, base); });
    ::setrlimit(RLIMIT_NOFILE, &old);
    EXPECT_THAT(text,
                StartsWith("cannot get 302 packages that the lock of train 'R0' names: no mirror has them any more\n"));
}

TEST_F(FetcherTest, OneMirrorThatKeepsOldVersionsIsEnough) {
    Files files = ToySuite{}.files();
    const MirrorServer keeps(MirrorServer::files(files));
    const lock::Lock lock = lock_of(fetcher({keeps.url()}).refresh(train));
    files.erase("/toy/pool/alpha_1.0_amd64.deb");
    const MirrorServer forgets(MirrorServer::files(files));
    EXPECT_NO_THROW(fetcher({forgets.url(), keeps.url()}).packages(train, lock, base));
}

TEST_F(FetcherTest, NamesAWrongPackage) {
    Files files = ToySuite{}.files();
    const MirrorServer good(MirrorServer::files(files));
    const lock::Lock lock = lock_of(fetcher({good.url()}).refresh(train));
    std::string& wrong = files["/toy/pool/alpha_1.0_amd64.deb"];
    wrong[3] ^= 1;
    const MirrorServer bad(MirrorServer::files(files));
    EXPECT_THAT(refusal([&] { fetcher({bad.url()}).packages(train, lock, base); }),
                StartsWith("cannot verify '" + bad.url("/toy/pool/alpha_1.0_amd64.deb") + "': SHA-256 is " +
                           sha256(wrong).hex() + ", expected " + sha256(ToySuite::deb("alpha", "1.0")).hex() + "\n"));
    EXPECT_FALSE(store.find(sha256(wrong)));
    EXPECT_TRUE(store.find(sha256(ToySuite::deb("beta", "2:2.0-1")))) << "what is good stays";
}

TEST_F(FetcherTest, ContinuesAPackageInTheNextRun) {
    const MirrorServer good(MirrorServer::files(ToySuite{}.files()));
    const lock::Lock lock = lock_of(fetcher({good.url()}).refresh(train));
    const Files files = ToySuite{}.files();
    const MirrorServer broken([&](const Ask& ask) {
        return Reply{
            .body = files.at(ask.target), .ranges = Reply::Ranges::ignored, .fault = Reply::Fault::drop, .good = 7};
    });
    EXPECT_THAT(refusal([&] { fetcher({broken.url()}).packages(train, lock, base); }),
                HasSubstr("cannot fetch 2 of 2 packages"));
    fetcher({good.url()}).packages(train, lock, base);
    EXPECT_EQ(good.asks().back().range_start(), 7U);
    EXPECT_TRUE(fs::is_empty(store.root() / "partial"));
}

TEST_F(FetcherTest, RefusesASignatureByAKeyThatIsNotNamed) {
    const MirrorServer server(MirrorServer::files(ToySuite{}.files(strange_key())));
    EXPECT_EQ(refresh_refusal({server.url()}), "cannot trust '" + in_release_url(server) + "': it is signed by " +
                                                   strange_key().fingerprint() +
                                                   ", and the train names none of these keys\n"
                                                   "  while looking at the archives of train 'R0'\n"
                                                   "  hint: if the archive has a new key, get it by a way that you "
                                                   "trust and add it to the archive's keys in the train");
}

TEST_F(FetcherTest, RefusesAChangedRelease) {
    Files files = ToySuite{}.files();
    std::string& text = files["/toy/dists/one/InRelease"];
    text.replace(text.find("Origin: Toy"), 11, "Origin: Tor");
    const MirrorServer server(MirrorServer::files(files));
    EXPECT_THAT(refresh_refusal({server.url()}),
                MatchesRegex("cannot trust '" + in_release_url(server) +
                             "': the signature by [0-9A-F]+ does not fit the text\n.*"));
    EXPECT_THAT(left_in_tmp(), IsEmpty());
}

TEST_F(FetcherTest, RefusesTextAroundWhatIsSigned) {
    const std::string good = ToySuite{}.files().at("/toy/dists/one/InRelease");
    for (const std::string& text : {"Evil: yes\n" + good, good + "Evil: yes\n", good + good,
                                    std::string("<html>Please log in</html>"), std::string()}) {
        const MirrorServer server(MirrorServer::files({{"/toy/dists/one/InRelease", text}}));
        EXPECT_THAT(refresh_refusal({server.url()}), StartsWith("cannot trust '" + in_release_url(server) +
                                                                "': it is not one signed message and nothing else\n"));
    }
}

// Debian's suites carry signatures of the last, the present and the next key.
TEST_F(FetcherTest, AcceptsOneOfSeveralSignatures) {
    const SigningKey keys({"Old", "New"});
    const MirrorServer server(MirrorServer::files(ToySuite{}.files(keys)));
    train.archives[0].keys = {archive_key().certificate(), keys.certificate(1)};
    EXPECT_THAT(fetcher({server.url()}).refresh(train).suites.at(0).signers, ElementsAre(keys.fingerprint(1)));
    train.archives[0].keys.push_back(keys.certificate(0));
    EXPECT_THAT(fetcher({server.url()}).refresh(train).suites.at(0).signers,
                UnorderedElementsAre(keys.fingerprint(0), keys.fingerprint(1)));
}

TEST_F(FetcherTest, RefusesAnExpiredSuiteUnlessToldOtherwise) {
    now = toy_date + 8 * 86400;
    const MirrorServer server(MirrorServer::files(ToySuite{}.files()));
    EXPECT_EQ(refresh_refusal({server.url()}),
              "cannot use '" + in_release_url(server) +
                  "': it expired at 2026-11-28 09:15 UTC and this machine's clock says "
                  "2026-11-29 09:15 UTC\n"
                  "  while looking at the archives of train 'R0'\n"
                  "  hint: the mirror no longer follows the archive, or the clock is wrong; use another mirror, or say "
                  "--allow-expired if old packages are what you want");
    EXPECT_NO_THROW((void)fetcher({server.url()}, {.expired = Expired::accepted}).refresh(train));
}

TEST_F(FetcherTest, RefusesAnOlderSuiteThanTheLocks) {
    ToySuite suite;
    const MirrorServer today(MirrorServer::files(suite.files()));
    const lock::Lock lock = lock_of(fetcher({today.url()}).refresh(train));
    suite.date -= 60;
    const MirrorServer yesterday(MirrorServer::files(suite.files()));
    EXPECT_THAT(refresh_refusal({yesterday.url()}, &lock),
                StartsWith("cannot use '" + in_release_url(yesterday) +
                           "': it is of 2026-11-21 09:14 UTC, older than the one of "
                           "2026-11-21 09:15 UTC that the lock was made from\n"));
}

TEST_F(FetcherTest, ABehindMirrorIsFollowedByTheNext) {
    ToySuite suite;
    const MirrorServer today(MirrorServer::files(suite.files()));
    const lock::Lock lock = lock_of(fetcher({today.url()}).refresh(train));
    suite.date -= 60;
    const MirrorServer yesterday(MirrorServer::files(suite.files()));
    EXPECT_EQ(fetcher({yesterday.url(), today.url()}).refresh(train, &lock).suites.at(0).date, toy_date);
    const MirrorServer forged(MirrorServer::files(ToySuite{}.files(strange_key())));
    EXPECT_THAT(refresh_refusal({yesterday.url(), forged.url()}, &lock),
                MatchesRegex("cannot use suite 'one' of 'toy': no mirror has one that can be used\n"
                             "  cannot use '" +
                             in_release_url(yesterday) +
                             "': it is of .*\n"
                             "  cannot trust '" +
                             in_release_url(forged) + "': it is signed by .*"));
}

TEST_F(FetcherTest, RefusesAnotherSuite) {
    ToySuite suite;
    Files files = suite.files();
    suite.codename = "two";
    suite.suite = "testing";
    files["/toy/dists/one/InRelease"] = suite.files().at("/toy/dists/two/InRelease");
    const MirrorServer server(MirrorServer::files(files));
    EXPECT_THAT(refresh_refusal({server.url()}), StartsWith("cannot use '" + in_release_url(server) +
                                                            "': it is suite 'testing', codename 'two', not 'one'\n"));
}

TEST_F(FetcherTest, RefusesAnArchitectureOrComponentThatIsNotThere) {
    const MirrorServer server(MirrorServer::files(ToySuite{}.files()));
    train.architecture = "riscv64";
    EXPECT_THAT(refresh_refusal({server.url()}), StartsWith("cannot use '" + in_release_url(server) +
                                                            "': it has the architectures amd64, not 'riscv64'\n"));
    train.architecture = "amd64";
    train.archives[0].components.push_back("contrib");
    EXPECT_EQ(refresh_refusal({server.url()}), "cannot use '" + in_release_url(server) +
                                                   "': it has no index 'contrib/binary-amd64/Packages'\n"
                                                   "  while looking at the archives of train 'R0'\n"
                                                   "  hint: the components it has are main");
}

TEST_F(FetcherTest, UsesThePlainPathWhereTheMirrorHasNoHashes) {
    ToySuite suite;
    suite.by_hash = false;
    const MirrorServer without(MirrorServer::files(suite.files()));
    EXPECT_EQ(fetcher({without.url()}).refresh(train).packages.size(), 1U);
    EXPECT_EQ(without.asks().size(), 2U);

    empty_the_store();
    Files files = ToySuite{}.files();
    std::erase_if(files, [](const auto& file) { return file.first.find("by-hash") != std::string::npos; });
    const MirrorServer forgot(MirrorServer::files(files));
    EXPECT_EQ(fetcher({forgot.url()}).refresh(train).packages.size(), 1U);
    EXPECT_EQ(forgot.asks().size(), 3U) << "by hash, which is not there, then by name";
}

TEST_F(FetcherTest, NamesAWrongIndex) {
    Files files = ToySuite{}.files();
    for (auto& [path, bytes] : files)
        if (path.find("binary-amd64") != std::string::npos) bytes[10] ^= 1;
    const MirrorServer server(MirrorServer::files(files));
    EXPECT_THAT(
        refresh_refusal({server.url()}),
        HasSubstr("cannot verify '" + server.url("/toy/dists/one/main/binary-amd64/Packages.zst") + "': SHA-256 is "));
}

TEST_F(FetcherTest, RefusesAnIndexWhoseContentIsAnother) {
    // The archive signed two digests that do not belong together.
    ToySuite suite;
    Files indices = suite.index_files();
    indices["main/binary-amd64/Packages"] += "Package: extra\n";
    Files files = suite.files();
    files["/toy/dists/one/InRelease"] = archive_key().clear_sign(suite.release_text(indices));
    const MirrorServer server(MirrorServer::files(files));
    EXPECT_THAT(refresh_refusal({server.url()}),
                StartsWith("cannot verify 'toy one main/binary-amd64/Packages.zst': SHA-256 of its content is "));
    EXPECT_THAT(left_in_tmp(), IsEmpty());
}

TEST_F(FetcherTest, TakesAnIndexWhoseContentIsNotListed) {
    ToySuite suite;
    Files indices = suite.index_files();
    indices.erase("main/binary-amd64/Packages");
    Files files = suite.files();
    files["/toy/dists/one/InRelease"] = archive_key().clear_sign(suite.release_text(indices));
    lock::Lock lock;
    {
        const MirrorServer server(MirrorServer::files(files));
        const Indices fetched = fetcher({server.url()}).refresh(train);
        EXPECT_EQ(read_file(fetched.packages.at(0).file), suite.packages_text());
        lock = lock_of(fetched);
    }
    EXPECT_EQ(fetcher({}, {.network = Network::forbidden}).from_lock(train, lock).suites, lock.suites)
        << "the lock knows it";
}

TEST_F(FetcherTest, HandsOnWhatTheArchiveAndTheTrainWant) {
    ToySuite suite;
    suite.extra = {"NotAutomatic: yes", "ButAutomaticUpgrades: yes"};
    const MirrorServer server(MirrorServer::files(suite.files()));
    train.archives[0].priority = 990;
    const Indices indices = fetcher({server.url()}).refresh(train);
    EXPECT_EQ(indices.packages.at(0).source.priority, 990);
    EXPECT_TRUE(indices.packages.at(0).source.not_automatic);
    EXPECT_TRUE(indices.packages.at(0).source.but_automatic_upgrades);
}

TEST_F(FetcherTest, FetchesTheIndicesOfALockAgain) {
    const MirrorServer server(MirrorServer::files(ToySuite{}.files()));
    const lock::Lock lock = lock_of(fetcher({server.url()}).refresh(train));
    empty_the_store();
    EXPECT_EQ(fetcher({server.url()}).from_lock(train, lock).suites, lock.suites);

    empty_the_store();
    ToySuite next;
    next.date += 60;
    const MirrorServer moved_on(MirrorServer::files(next.files()));
    EXPECT_THAT(
        refusal([&] { (void)fetcher({moved_on.url()}).from_lock(train, lock); }),
        StartsWith("cannot find the release of 'toy one' that the lock of train 'R0' was made from: the store '" +
                   store.root().native() + "' does not have it and the archive has moved on\n"));
}

TEST_F(FetcherTest, ALocalFolderIsAnArchive) {
    const fs::path folder = dir.path() / "folder";
    fs::create_directories(folder / "sub");
    const std::string deb =
        handmade::deb({}, "Package: mine\nVersion: 3\nArchitecture: all\nDescription: short\n long\n");
    write_file(folder / "sub/mine_3_all.deb", deb);
    write_file(folder / "README", "not a package");
    train.archives = {{.name = "local", .priority = 700, .folder = folder}};

    const Indices indices = fetcher({}).refresh(train);
    EXPECT_EQ(read_file(indices.packages.at(0).file), "Package: mine\nVersion: 3\nArchitecture: all\nDescription: "
                                                      "short\n long\nFilename: sub/mine_3_all.deb\nSize: " +
                                                          std::to_string(deb.size()) +
                                                          "\nSHA256: " + sha256(deb).hex() + "\n");
    EXPECT_EQ(indices.packages[0].source.priority, 700);
    EXPECT_THAT(indices.suites, IsEmpty());
    EXPECT_EQ(indices.folders.at(0).archive, "local");

    EXPECT_EQ(fetcher({}, {.network = Network::forbidden}).refresh(train).folders, indices.folders) << "no network in it";

    const lock::Lock lock = lock_of(indices);
    fetcher({}).packages(train, lock, base);
    EXPECT_EQ(read_file(store.find(sha256(deb)).value()), deb);

    fs::rename(folder / "sub/mine_3_all.deb", folder / "moved.deb");
    EXPECT_EQ(fetcher({}).from_lock(train, lock).folders, lock.folders) << "as the lock knows it";
    empty_the_store();
    EXPECT_EQ(refusal([&] { (void)fetcher({}).from_lock(train, lock); }),
              "cannot use the folder '" + folder.native() +
                  "': its packages are not those that the lock of train 'R0' was made from\n"
                  "  while reading what the lock of train 'R0' was made from\n"
                  "  hint: put the old files back, or lock again with `ashlar lock R0`");
    const std::string other = handmade::deb({}, "Package: mine\nVersion: 4\nArchitecture: all\n");
    write_file(folder / "sub/mine_3_all.deb", other);
    EXPECT_EQ(refusal([&] { fetcher({}).packages(train, lock, base); }),
              "cannot verify '" + (folder / "sub/mine_3_all.deb").native() + "': SHA-256 is " + sha256(other).hex() +
                  ", expected " + sha256(deb).hex() +
                  "\n"
                  "  while fetching the packages of base\n"
                  "  hint: the folder changed after the lock was made: put the old file back, or lock again");
    fs::remove(folder / "sub/mine_3_all.deb");
    EXPECT_THAT(refusal([&] { fetcher({}).packages(train, lock, base); }),
                StartsWith("cannot get 1 package that the lock of train 'R0' names: it is not in the folder any more\n"
                           "  mine 3 (local: sub/mine_3_all.deb)\n"));
}

TEST_F(FetcherTest, SaysWhereItLookedForAMirror) {
    EXPECT_EQ(
        refresh_refusal({}),
        "cannot find the archive 'toy': no --mirror, nothing in '/nonexistent/config.toml', no URI that ends in '/toy' "
        "in '/nonexistent/sources.list' or '/nonexistent/sources.list.d'\n"
        "  while looking at the archives of train 'R0'\n"
        "  hint: name a mirror with --mirror toy=URL, with --mirror URL when the archive is at URL/toy, or in Ashlar's "
        "configuration");
}

TEST_F(FetcherTest, ASharedStoreIsAskedBeforeTheMirrorsAndGivenWhatTheyGave) {
    const ToySuite suite;
    auto mirror = std::make_unique<MirrorServer>(MirrorServer::files(suite.files()));
    const std::string url = mirror->url();
    const PutServer team;
    const shared::Options options{.url = team.url("/team"), .upload = shared::Options::Upload::yes};
    shared::SharedStore ours(options, store, *renderer);
    auto fetching = fetcher({url}, {.shared = &ours});
    const lock::Lock lock = lock_of(fetching.refresh(train));
    fetching.packages(train, lock, base);
    for (const auto& package : lock.packages) {
        const std::string hex = package.sha256.hex();
        EXPECT_EQ(team.files().count("/team/blobs/" + hex.substr(0, 2) + "/" + hex), 1U) << package.name;
    }
    EXPECT_EQ(team.files().size(), lock.packages.size() + 2) << "InRelease and an index as well";

    empty_the_store();
    mirror.reset();
    shared::SharedStore theirs(options, store, *renderer);
    auto again = fetcher({url}, {.shared = &theirs});
    EXPECT_EQ(again.from_lock(train, lock).packages.size(), 1U) << "the archive is gone";
    again.packages(train, lock, base);
    for (const auto& package : lock.packages) EXPECT_TRUE(store.find(package.sha256)) << package.name;
}

TEST_F(FetcherTest, WhatASharedStoreHasWrongComesFromTheMirrors) {
    const ToySuite suite;
    const MirrorServer mirror(MirrorServer::files(suite.files()));
    const MirrorServer liar([](const Ask&) { return Reply{.body = "nothing of the kind"}; });
    shared::SharedStore shared({.url = liar.url()}, store, *renderer);
    auto fetching = fetcher({mirror.url()}, {.shared = &shared});
    const lock::Lock lock = lock_of(fetching.refresh(train));
    fetching.packages(train, lock, base);
    for (const auto& package : lock.packages) EXPECT_TRUE(store.find(package.sha256)) << package.name;
    EXPECT_GE(liar.asks().size(), lock.packages.size());
}

// ---- sources --------------------------------------------------------------------------------------------

namespace {

ToySuite suite_with_sources() {
    ToySuite suite;
    suite.sources = {{"alpha", "1.0"}, {"other", "3"}, {"toolchain", "2:2.0-1"}};
    return suite;
}
const std::vector<WantedSource> alpha_and_toolchain{{"alpha", "1.0", "toy"}, {"toolchain", "2:2.0-1", "toy"}};

} // namespace

TEST_F(FetcherTest, FindsAndFetchesTheSourcesOfALock) {
    const ToySuite suite = suite_with_sources();
    const MirrorServer server(MirrorServer::files(suite.files()));
    auto fetching = fetcher({server.url()});
    const lock::Lock lock = lock_of(fetching.refresh(train));
    const Sources sources = fetching.find_sources(train, lock, alpha_and_toolchain);
    ASSERT_EQ(sources.packages.size(), 2U);
    EXPECT_EQ(sources.packages[0].name, "alpha");
    EXPECT_EQ(sources.packages[1].version, "2:2.0-1");
    EXPECT_EQ(sources.packages[1].component, "main");
    EXPECT_EQ(sources.packages[1].files.at(0).path, "pool/src/toolchain_2.0-1.dsc");
    EXPECT_EQ(sources.indices, std::vector{sha256(suite.sources_text())});
    fetching.source_files(train, lock, sources);
    for (const auto& package : sources.packages)
        for (const auto& [file, bytes] : suite.source_files(package.name, package.version)) EXPECT_EQ(read_file(store.find(sha256(bytes)).value()), bytes);
    EXPECT_FALSE(store.find(sha256(std::string("the source of other 3")))) << "nobody wants it";
    // A second time, and without the network, it is all there.
    auto offline = fetcher({}, {.network = Network::forbidden});
    offline.source_files(train, lock, offline.find_sources(train, lock, alpha_and_toolchain));
    EXPECT_THAT(left_in_tmp(), IsEmpty());
}

TEST_F(FetcherTest, NamesAllSourcesThatNoIndexHas) {
    const MirrorServer server(MirrorServer::files(suite_with_sources().files()));
    auto fetching = fetcher({server.url()});
    const lock::Lock lock = lock_of(fetching.refresh(train));
    const std::vector<WantedSource> wanted{{"alpha", "0.9", "toy"}, {"beta", "1", "toy"}, {"toolchain", "2:2.0-1", "toy"}};
    EXPECT_THAT(refusal([&] { (void)fetching.find_sources(train, lock, wanted); }),
                StartsWith("cannot get 2 source packages of train 'R0': no index of its suites names them\n  alpha 0.9 (toy)\n  beta 1 (toy)\n"));
}

TEST_F(FetcherTest, NamesAllSourcesThatAreGone) {
    Files files = suite_with_sources().files();
    files.erase("/toy/pool/src/alpha_1.0.tar.xz");
    files.erase("/toy/pool/src/toolchain_2.0-1.dsc");
    const MirrorServer server(MirrorServer::files(files));
    auto fetching = fetcher({server.url()});
    const lock::Lock lock = lock_of(fetching.refresh(train));
    const Sources sources = fetching.find_sources(train, lock, alpha_and_toolchain);
    EXPECT_THAT(refusal([&] { fetching.source_files(train, lock, sources); }),
                StartsWith("cannot get 2 source packages of train 'R0': no mirror has all of their files any more\n  alpha 1.0 (toy: pool/src/alpha_1.0.tar.xz)\n"
                           "  toolchain 2:2.0-1 (toy: pool/src/toolchain_2.0-1.dsc)\n"));
    EXPECT_THAT(refusal([&] { fetcher({}, {.network = Network::forbidden}).source_files(train, lock, sources); }), HasSubstr("the network is forbidden"));
}

TEST_F(FetcherTest, ASourceFileWithOtherBytesIsRefused) {
    Files files = suite_with_sources().files();
    files["/toy/pool/src/alpha_1.0.tar.xz"].back() = '!';
    const MirrorServer server(MirrorServer::files(files));
    auto fetching = fetcher({server.url()});
    const lock::Lock lock = lock_of(fetching.refresh(train));
    const Sources sources = fetching.find_sources(train, lock, alpha_and_toolchain);
    EXPECT_THAT(refusal([&] { fetching.source_files(train, lock, sources); }), HasSubstr("cannot verify"));
}

TEST_F(FetcherTest, WhereTheIndexOfTheLockIsGoneThatOfTodayNamesTheSources) {
    lock::Lock lock;
    {
        const MirrorServer before(MirrorServer::files(suite_with_sources().files()));
        lock = lock_of(fetcher({before.url()}).refresh(train));
    }
    ToySuite next = suite_with_sources();
    next.date += 3600;
    now += 3600;
    next.sources["newer"] = "1";
    {
        const MirrorServer server(MirrorServer::files(next.files()));
        const Sources sources = fetcher({server.url()}).find_sources(train, lock, alpha_and_toolchain);
        EXPECT_EQ(sources.indices, std::vector{sha256(next.sources_text())});
    }
    // What is older than the lock, or signed by others, is not taken in its place.
    next.sources["newer"] = "2";
    const MirrorServer strange(MirrorServer::files(next.files(strange_key())));
    EXPECT_THAT(refusal([&] { (void)fetcher({strange.url()}).find_sources(train, lock, alpha_and_toolchain); }), HasSubstr("cannot trust"));
    next.date = toy_date - 3600;
    const MirrorServer older(MirrorServer::files(next.files()));
    EXPECT_THAT(refusal([&] { (void)fetcher({older.url()}).find_sources(train, lock, alpha_and_toolchain); }), HasSubstr("older than"));
}

TEST_F(FetcherTest, SourcesComeFromTheArchiveOfTheirPackage) {
    train.archives.push_back({.name = "second", .suites = {"one"}, .components = {"main"}, .keys = {archive_key().certificate()}});
    ToySuite second = suite_with_sources();
    second.archive = "second";
    second.packages = {{"gamma", "1"}};
    Files files = suite_with_sources().files();
    files.merge(second.files());
    const MirrorServer server(MirrorServer::files(files));
    auto fetching = fetcher({server.url()});
    const lock::Lock lock = lock_of(fetching.refresh(train));
    const std::vector<WantedSource> wanted{{"alpha", "1.0", "second"}, {"other", "3", "elsewhere"}};
    const Sources sources = fetching.find_sources(train, lock, wanted);
    EXPECT_EQ(sources.packages.at(0).archive, "second");
    EXPECT_EQ(sources.packages.at(0).files.at(0).sha256, sha256(std::string("the dsc of alpha 1.0 in second")));
    EXPECT_EQ(sources.packages.at(1).archive, "toy") << "the first that has it";
}

TEST_F(FetcherTest, ALocalFolderHasTheSourcesThatItsDscFilesName) {
    const fs::path folder = dir.path() / "folder";
    fs::create_directories(folder / "src");
    train.archives = {{.name = "local", .suites = {}, .components = {}, .keys = {}, .folder = folder}};
    write_file(folder / "src/own_1.tar.xz", "source");
    write_file(folder / "src/own_1.dsc", fmt::format("-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nFormat: 3.0 (native)\nSource: own\nVersion: 1\nChecksums-Sha256:\n {} 6 own_1.tar.xz\n"
                                                     "\n-----BEGIN PGP SIGNATURE-----\n\nnot looked at\n-----END PGP SIGNATURE-----\n",
                                                     sha256(std::string("source")).hex()));
    auto fetching = fetcher({});
    const lock::Lock lock = lock_of(fetching.refresh(train));
    const std::vector<WantedSource> wanted{{"own", "1", "local"}};
    const Sources sources = fetching.find_sources(train, lock, wanted);
    ASSERT_EQ(sources.packages.at(0).files.size(), 2U);
    EXPECT_EQ(sources.packages[0].files[1].path, "src/own_1.tar.xz");
    fetching.source_files(train, lock, sources);
    EXPECT_TRUE(store.find(sha256(std::string("source"))));
    EXPECT_TRUE(store.find(sha256_of_file(folder / "src/own_1.dsc")));
}
