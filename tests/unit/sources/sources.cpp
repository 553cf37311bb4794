#include <sources/list.hpp>

#include <base/error.hpp>
#include <base/file.hpp>

#include <handmade_deb.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace ashlar;
using namespace ashlar::sources;
using testing::ElementsAre;
using testing::HasSubstr;

namespace {

class SourcesOfImages : public testing::Test {
protected:
    TemporaryDirectory directory{testing::TempDir()};
    store::Store store{directory.path() / "store"};
    std::vector<std::unique_ptr<lock::Package>> packages;

    const lock::Package* add(const std::string& name, const std::string& version, const std::string& archive, const std::string& fields = {}) {
        const std::string deb = handmade::deb({}, fmt::format("Package: {}\nVersion: {}\nArchitecture: all\n{}", name, version, fields));
        packages.push_back(std::make_unique<lock::Package>(lock::Package{.name = name, .version = version, .archive = archive, .sha256 = store.insert_text(deb)}));
        return packages.back().get();
    }
};

List sample() {
    const Digest one = sha256(std::string("one")), two = sha256(std::string("two"));
    return {.release = "R1.0",
            .sources = {{"a", "1", "debian", "main", {"control", "compute"}, {"a"}, {}, {{"a_1.dsc", 10, one}, {"a_1.tar.xz", 20, two}}},
                        {"b", "2", "local", "", {"compute"}, {}, {"a"}, {{"b_2.dsc", 5, one}}}},
            .left_out = {{"ashlard", "0.1", "because"}}};
}

} // namespace

TEST_F(SourcesOfImages, AreThoseThatThePackagesThemselvesName) {
    const auto* kernel = add("linux-image", "6.12-1+signed", "debian", "Source: linux-signed (6.12+1)\nBuilt-Using: linux (= 6.12-1)\n");
    const auto* tool = add("tool", "1", "debian");
    const auto* library = add("libtool", "1", "debian-security", "Source: tool\n");
    const auto* headers = add("linux-headers", "6.12-1", "debian-security", "Source: linux\n");
    const auto* own = add("ashlard", "0.1", "ashlar", "Source: ashlar\n");
    const auto needs = needs_of({{"control", {kernel, tool, own}}, {"compute", {kernel, library, headers, own}}}, store, "ashlar");
    ASSERT_EQ(needs.needs.size(), 3U);
    EXPECT_EQ(needs.needs[0].source, (fetch::WantedSource{"linux", "6.12-1", "debian-security"})) << "its own packages count before what was built with it";
    EXPECT_THAT(needs.needs[0].packages, ElementsAre("linux-headers"));
    EXPECT_THAT(needs.needs[0].built_into, ElementsAre("linux-image"));
    EXPECT_EQ(needs.needs[1].source, (fetch::WantedSource{"linux-signed", "6.12+1", "debian"}));
    EXPECT_THAT(needs.needs[1].roles, ElementsAre("compute", "control"));
    EXPECT_THAT(needs.needs[2].packages, ElementsAre("libtool", "tool"));
    EXPECT_THAT(needs.left_out, ElementsAre(LeftOut{"ashlard", "0.1", "compiled from Ashlar's own tree, whose source it is"}));
}

TEST_F(SourcesOfImages, APackageThatIsNotThereIsAnError) {
    const lock::Package gone{.name = "gone", .version = "1", .archive = "debian", .sha256 = sha256(std::string("gone"))};
    try {
        (void)needs_of({{"control", {&gone}}}, store, "ashlar");
        FAIL();
    } catch (const Error& error) {
        EXPECT_THAT(error.message(), HasSubstr("cannot read 'gone 1': the store"));
    }
}

TEST(ListOfSources, HasOneText) {
    const List list = sample();
    const std::string text = to_text(list);
    EXPECT_EQ(parse(text, "x"), list);
    for (const std::string& wrong : {std::string("{}"), text + " ", std::string(text).replace(text.find("R1.0"), 4, "R1.1\", \"b\": \""), std::string(text).replace(text.find(": 1"), 3, ": 2")})
        EXPECT_THROW((void)parse(wrong, "x"), Error) << wrong;
}

TEST(ListOfSources, NamesFilesOfRolesEachOnce) {
    const auto names = [](const std::vector<File>& files) {
        std::vector<std::string> all;
        for (const auto& file : files) all.push_back(file.file);
        return all;
    };
    EXPECT_THAT(names(sample().files()), ElementsAre("a_1.dsc", "a_1.tar.xz")) << "b's file has the same bytes";
    EXPECT_THAT(names(sample().files({"control"})), ElementsAre("a_1.dsc", "a_1.tar.xz"));
    EXPECT_THAT(names(sample().files({"storage"})), ElementsAre());
}
