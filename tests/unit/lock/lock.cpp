#include <lock/lock.hpp>

#include <base/error.hpp>
#include <base/file.hpp>

#include <gmock/gmock.h>
#include <rapidcheck/gtest.h>

using namespace ashlar;
using namespace ashlar::lock;
using testing::ElementsAre;

namespace {

Lock small_lock() {
    Lock lock;
    lock.train = "R0";
    lock.architecture = "amd64";
    lock.epoch = 1754737842;
    lock.suites.push_back({.archive = "debian",
                           .suite = "trixie",
                           .in_release = sha256("in"),
                           .signers = {"4CB50190207B4758A3F73A796ED0E7B82643E131"},
                           .date = 1754737842,
                           .indices = {{.component = "main",
                                        .path = "main/binary-amd64/Packages.xz",
                                        .sha256 = sha256("xz"),
                                        .size = 9,
                                        .content_sha256 = sha256("plain")}}});
    lock.folders.push_back({.archive = "local", .index = sha256("folder")});
    lock.packages.push_back({.name = "zlib1g",
                             .version = "1:1.3-1+b1",
                             .architecture = "amd64",
                             .archive = "debian",
                             .component = "main",
                             .path = "pool/main/z/zlib/zlib1g_1.3-1+b1_amd64.deb",
                             .size = 88,
                             .sha256 = sha256("zlib"),
                             .source = "zlib",
                             .source_version = "1:1.3-1",
                             .maintainer = "Jörg \"J\" <j@example.org>",
                             .homepage = "http://zlib.example/"});
    lock.packages.push_back({.name = "adduser",
                             .version = "3.152",
                             .architecture = "all",
                             .archive = "local",
                             .path = "adduser_3.152_all.deb",
                             .size = 5,
                             .sha256 = sha256("adduser"),
                             .source = "adduser",
                             .source_version = "3.152"});
    lock.roles = {{"base", {0, 1}}, {"empty", {}}, {"probe", {1}}};
    lock.outputs.emplace("ashlard", sha256("ashlard"));
    return lock;
}

const std::string small_text =
    R"({
  "format": "ashlar-lock",
  "version": 1,
  "train": "R0",
  "architecture": "amd64",
  "epoch": "2025-08-09T11:10:42Z",
  "roles": ["base", "empty", "probe"],
  "suites": [
    {"archive": "debian", "suite": "trixie", "date": "2025-08-09T11:10:42Z", "in_release": "sha256:)" +
    sha256("in").hex() +
    R"(", "signers": ["4CB50190207B4758A3F73A796ED0E7B82643E131"], "indices": [{"component": "main", "path": "main/binary-amd64/Packages.xz", "size": 9, "sha256": "sha256:)" +
    sha256("xz").hex() + R"(", "content": "sha256:)" + sha256("plain").hex() + R"("}]}
  ],
  "folders": [
    {"archive": "local", "index": "sha256:)" +
    sha256("folder").hex() + R"("}
  ],
  "packages": [
    {"name": "adduser", "version": "3.152", "architecture": "all", "roles": ["base", "probe"], "archive": "local", "path": "adduser_3.152_all.deb", "size": 5, "sha256": "sha256:)" +
    sha256("adduser").hex() + R"("},
    {"name": "zlib1g", "version": "1:1.3-1+b1", "architecture": "amd64", "roles": ["base"], "archive": "debian", "component": "main", "path": "pool/main/z/zlib/zlib1g_1.3-1+b1_amd64.deb", "size": 88, "sha256": "sha256:)" +
    sha256("zlib").hex() +
    R"(", "source": "zlib", "source_version": "1:1.3-1", "maintainer": "Jörg \"J\" <j@example.org>", "homepage": "http://zlib.example/"}
  ],
  "outputs": {
    "ashlard": "sha256:)" +
    sha256("ashlard").hex() + R"("
  }
}
)";

std::string changed(std::string from, std::string to) {
    std::string text = small_text;
    const auto at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return text.replace(at, from.size(), to);
}

std::string refusal(const std::string& text) {
    try {
        (void)parse(text, "R0.lock");
        return "accepted";
    } catch (const Error& error) {
        const std::string start = "cannot read the lock 'R0.lock': ";
        EXPECT_EQ(error.message().substr(0, start.size()), start);
        EXPECT_EQ(error.hint(), "take it from version control again, or write it anew with `ashlar lock`");
        return error.message().substr(start.size());
    }
}

} // namespace

TEST(Lock, HasOneTextWithOnePackageALine) { EXPECT_EQ(to_text(small_lock()), small_text); }

TEST(Lock, ReadsWhatItWrote) {
    const Lock read = parse(small_text, "R0.lock");
    Lock wanted = small_lock();
    normalise(wanted);
    EXPECT_EQ(read, wanted);
    EXPECT_EQ(to_text(read), small_text);
    EXPECT_THAT(read.roles.at("base"), ElementsAre(0U, 1U));
    EXPECT_THAT(read.roles.at("probe"), ElementsAre(0U));
    EXPECT_EQ(read.packages_of("probe").at(0)->file_name(), "adduser_3.152_all.deb");
}

TEST(Lock, NamesTheRoleThatIsNotInIt) {
    try {
        (void)parse(small_text, "R0.lock").packages_of("control");
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.render(), "cannot use the lock of train 'R0' for role 'control': the role is not in it\n"
                                  "  hint: lock it with `ashlar lock R0 --role control`");
    }
}

TEST(Lock, JoinsTheSamePackageOfTwoRoles) {
    Lock lock = small_lock();
    lock.packages.push_back(lock.packages[1]);
    lock.roles["probe"] = {2};
    EXPECT_EQ(to_text(lock), small_text);
}

TEST(Lock, RefusesARoleThatNamesNoPackage) {
    Lock lock = small_lock();
    lock.roles["probe"] = {2};
    try {
        (void)to_text(lock);
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.message(), "cannot make a lock: role 'probe' names package 2 of 2");
    }
}

TEST(Lock, WritesNothingThatItWouldNotRead) {
    Lock lock = small_lock();
    lock.packages[0].path = "pool/../../etc/passwd";
    try {
        (void)to_text(lock);
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.message(), "cannot write a lock: packages[1].path: expected a relative path without . and .., "
                                   "found 'pool/../../etc/passwd'");
    }
}

TEST(Lock, RefusesWhatTheFormatDoesNotAllow) {
    EXPECT_EQ(refusal("{}"), "'format' is missing");
    EXPECT_EQ(refusal("[]"), "expected an object, found []");
    EXPECT_EQ(refusal(changed("ashlar-lock", "other")), "format: expected \"ashlar-lock\", found \"other\"");
    EXPECT_EQ(refusal(changed("\"version\": 1,", "\"version\": 2,")), "version: this Ashlar reads version 1, found 2");
    EXPECT_EQ(refusal(changed("\"size\": 88", "\"size\": 88, \"sizes\": 1")),
              "packages[1]: unknown key 'sizes', did you mean 'size'?");
    EXPECT_EQ(refusal(changed("\"outputs\"", "\"frobnicate\": 1, \"outputs\"")), "unknown key 'frobnicate'");
    EXPECT_EQ(refusal(changed("\"size\": 88, ", "")), "packages[1]: 'size' is missing");
    EXPECT_EQ(refusal(changed("\"size\": 88", "\"size\": -88")),
              "packages[1].size: expected the number of bytes, found -88");
    EXPECT_EQ(refusal(changed("\"size\": 88", "\"size\": \"88\"")),
              "packages[1].size: expected the number of bytes, found \"88\"");
    EXPECT_EQ(refusal(changed("\"size\": 88", "\"size\": 0")),
              "packages[1].size: expected the number of bytes, found 0");
    EXPECT_EQ(refusal(changed("\"name\": \"zlib1g\"", "\"name\": 3")), "packages[1].name: expected a string, found 3");
    EXPECT_EQ(refusal(changed("zlib1g\"", "zlib 1g\"")), "packages[1].name: expected a package's name of lower-case "
                                                         "letters, digits and + - ., found 'zlib 1g'");
    EXPECT_EQ(refusal(changed("sha256:" + sha256("zlib").hex(), "sha256:00")),
              "packages[1].sha256: expected \"sha256:\" and 64 hexadecimal digits, found \"sha256:00\"");
    EXPECT_EQ(refusal(changed("sha256:" + sha256("zlib").hex(), "sha512:" + sha256("zlib").hex())),
              "packages[1].sha256: expected \"sha256:\" and 64 hexadecimal digits, found \"sha512:" +
                  sha256("zlib").hex() + "\"");
    EXPECT_EQ(refusal(changed("2025-08-09T11:10:42Z", "2025-02-30T11:10:42Z")),
              "epoch: expected a time like \"2025-08-09T11:10:42Z\", found \"2025-02-30T11:10:42Z\"");
    EXPECT_EQ(refusal(changed("[\"base\"], \"archive\": \"debian\"", "[\"bass\"], \"archive\": \"debian\"")),
              "packages[1].roles: 'bass' is not in 'roles'");
    EXPECT_EQ(refusal(changed("[\"base\"], \"archive\": \"debian\"", "[\"base\"], \"archive\": \"else\"")),
              "packages[1].archive: 'else' is neither in 'suites' nor in 'folders'");
    EXPECT_EQ(refusal(changed("[\"4CB50190207B4758A3F73A796ED0E7B82643E131\"]", "[]")),
              "suites[0].signers: expected at least one");
    EXPECT_EQ(refusal(changed("\"zlib1g\", \"version\": \"1:1.3-1+b1\", \"architecture\": \"amd64\"",
                              "\"adduser\", \"version\": \"3.152\", \"architecture\": \"all\"")),
              "packages[1]: 'adduser' 3.152 all is there twice");
    EXPECT_EQ(refusal(changed("\"size\": 88", "\"size\": 87, \"size\": 88")), "the key 'size' is there twice");
}

TEST(Lock, RefusesAnotherTextOfTheSameLock) {
    EXPECT_EQ(refusal(changed("\"train\":", "\"train\" :")),
              "line 4: not as Ashlar writes it (order, spaces or a value that is left out)");
    EXPECT_EQ(refusal(changed("[\"base\", \"empty\"", "[\"empty\", \"base\"")),
              "line 7: not as Ashlar writes it (order, spaces or a value that is left out)");
    EXPECT_EQ(refusal(changed("\"size\": 5, ", "\"size\": 5, \"source\": \"adduser\", ")),
              "line 15: not as Ashlar writes it (order, spaces or a value that is left out)");
    EXPECT_EQ(refusal(small_text + "\n"),
              "line 22: not as Ashlar writes it (order, spaces or a value that is left out)");
}

TEST(Lock, SaysWhereJsonEnds) {
    EXPECT_EQ(refusal(small_text.substr(0, 30)),
              "parse error at line 3, column 2: syntax error while parsing object key - unexpected end of input; "
              "expected string literal");
    EXPECT_THAT(refusal("<<<<<<< HEAD\n" + small_text), testing::StartsWith("parse error at line 1, column 1: "));
}

TEST(Lock, ReplacesBytesThatAreNoTextInAMaintainer) {
    Lock lock = small_lock();
    lock.packages[0].maintainer = "J\xf6rg";
    EXPECT_EQ(parse(to_text(lock), "x").packages[1].maintainer, "J\uFFFDrg");
}

TEST(Lock, ReadNamesTheFile) {
    const TemporaryDirectory dir(std::filesystem::temp_directory_path());
    write_file(dir.path() / "R0.lock", small_text);
    EXPECT_EQ(to_text(read(dir.path() / "R0.lock")), small_text);
    EXPECT_THROW((void)read(dir.path() / "R1.lock"), Error);
}

namespace {

rc::Gen<std::string> word(const char* letters) {
    return rc::gen::suchThat(rc::gen::container<std::string>(rc::gen::elementOf(std::string(letters))),
                             [](const std::string& text) { return text.size() > 1; });
}

rc::Gen<Digest> digest() {
    return rc::gen::map(rc::gen::arbitrary<std::string>(), [](const std::string& text) { return sha256(text); });
}

rc::Gen<Package> package() {
    return rc::gen::exec([] {
        Package made{.name = *word("abc1+-.").as("name"), .sha256 = *digest()};
        if (made.name[0] < '0') made.name[0] = 'a';
        made.version = *word("12.:~+-");
        made.architecture = *rc::gen::element<std::string>("amd64", "all");
        made.archive = *rc::gen::element<std::string>("debian", "local");
        made.component = *rc::gen::element<std::string>("", "main", "non-free-firmware");
        made.path = "pool/" + *word("abc_%");
        made.size = *rc::gen::inRange<std::uint64_t>(1, std::uint64_t{1} << 40);
        made.source = *rc::gen::element(made.name, std::string("another"));
        made.source_version = *rc::gen::element(made.version, std::string("1.0"));
        made.maintainer = *rc::gen::element<std::string>("", "A \"quoted\" \\ name", "Ünïcode");
        return made;
    });
}

// Two packages with one name, version and architecture are one package or a fault.
std::vector<Package> distinct(std::vector<Package> packages) {
    std::map<std::string, Package> by_key;
    for (auto& made : packages) by_key.insert_or_assign(made.name + "=" + made.version + made.architecture, made);
    std::vector<Package> kept;
    for (auto& [key, made] : by_key) kept.insert(kept.begin(), made);
    return kept;
}

} // namespace

RC_GTEST_PROP(LockProperty, ReadsWhatItWrites, ()) {
    Lock lock = small_lock();
    lock.packages = distinct(*rc::gen::container<std::vector<Package>>(package()));
    lock.epoch = *rc::gen::inRange<std::int64_t>(0, 253402300800);
    if (*rc::gen::arbitrary<bool>()) lock.suites[0].valid_until = *rc::gen::inRange<std::int64_t>(0, 253402300800);
    for (auto& [role, indices] : lock.roles) {
        indices.clear();
        for (std::size_t i = 0; i < lock.packages.size(); ++i)
            if (*rc::gen::arbitrary<bool>()) indices.push_back(i);
    }
    const std::string text = to_text(lock);
    normalise(lock);
    const Lock read = parse(text, "x");
    RC_ASSERT(read == lock);
    RC_ASSERT(to_text(read) == text);
}
