// Documents of made-up packages in a store.

#include <documents/licences.hpp>

#include <archive/deb_writer.hpp>
#include <base/file.hpp>

#include <gmock/gmock.h>

using namespace ashlar;
using namespace ashlar::documents;
using testing::ElementsAre;

namespace {

namespace fs = std::filesystem;

class LibraryTest : public testing::Test {
protected:
    using Files = std::vector<std::pair<std::string, std::string>>;

    // A value that begins with "-> " is a symbolic link.
    void package(const std::string& name, const std::string& source, const Files& files) {
        archive::DebContents contents{.control = {{"control", {"Package: " + name + "\nVersion: 1\nArchitecture: all\n"}}}, .files = {}, .compression = archive::Compression::none};
        for (const auto& [path, text] : files) {
            const bool link = text.starts_with("-> ");
            contents.files.push_back({{.path = path, .type = link ? archive::TarType::symlink : archive::TarType::file, .mode = 0644, .target = link ? text.substr(3) : ""}, link ? std::string() : text});
        }
        const fs::path file = directory_.path() / (name + ".deb");
        archive::write_deb(file, contents);
        packages_.push_back({name, "1", "all", source, "1", store_.insert(file), {"root"}});
    }
    Library library() { return Library(packages_, {shelf_of(store_)}); }
    std::string found(Library& library, std::size_t index, const std::vector<std::string>& names) {
        const auto answer = library.find(library.packages().at(index), names);
        if (const auto* absence = std::get_if<Absence>(&answer)) return "absent: " + absence->reason;
        const auto& document = std::get<Document>(answer);
        return document.package + ": " + document.text;
    }

    TemporaryDirectory directory_{fs::temp_directory_path(), "ashlar-documents-"};
    store::Store store_{directory_.path() / "store"};
    std::vector<evidence::ManifestPackage> packages_;
};

} // namespace

TEST_F(LibraryTest, ReadsWhatLiesInThePackage) {
    package("foo", "foo", {{"usr/share/doc/foo/copyright", "mine"}, {"usr/share/doc/foo/README", "no"}, {"usr/share/doc/bar/copyright", "another's"}});
    Library all = library();
    EXPECT_EQ(found(all, 0, {"copyright"}), "foo: mine");
    EXPECT_EQ(found(all, 0, {"changelog.Debian", "changelog"}), "absent: no 'changelog.Debian' in the package");
}

TEST_F(LibraryTest, FollowsLinksWithinTheSource) {
    package("libfoo", "foo", {{"usr/share/doc/libfoo/changelog.Debian", "news"}, {"usr/share/doc/libfoo/copyright", "mine"}});
    package("foo", "foo", {{"usr/share/doc/foo", "-> libfoo"}});
    package("foo-data", "foo", {{"usr/share/doc/foo-data/copyright", "-> ../libfoo/copyright"}, {"usr/share/doc/foo-data/changelog", "upstream's"}});
    package("bar", "bar", {{"usr/share/doc/bar", "-> libfoo"}});
    Library all = library();
    EXPECT_EQ(found(all, 1, {"changelog.Debian", "changelog"}), "libfoo: news");
    EXPECT_EQ(found(all, 2, {"copyright"}), "libfoo: mine");
    EXPECT_EQ(found(all, 3, {"copyright"}), "absent: its documents are a link to '/usr/share/doc/libfoo', which no package of its source in the image has");
}

TEST_F(LibraryTest, LinksWithoutAnEnd) {
    package("one", "foo", {{"usr/share/doc/one", "-> two"}});
    package("two", "foo", {{"usr/share/doc/two", "-> one"}});
    Library all = library();
    EXPECT_EQ(found(all, 0, {"copyright"}), "absent: its documents are links without an end");
}

TEST_F(LibraryTest, SaysWhyThereIsNothing) {
    package("silent", "silent", {{"usr/bin/silent", "x"}});
    package("damaged", "damaged", {{"usr/share/doc/damaged/changelog.gz", "no gzip at all, which is a text"}, {"usr/share/doc/damaged/copyright", "x"}});
    packages_.push_back({"elsewhere", "2", "all", "elsewhere", "2", sha256("elsewhere"), {"root"}});
    Library all = library();
    EXPECT_EQ(found(all, 0, {"copyright"}), "absent: the package has no documents");
    EXPECT_EQ(found(all, 1, {"copyright"}), "damaged: x");
    EXPECT_EQ(found(all, 2, {"copyright"}), "absent: neither its .deb is in the store nor its documents are in the image");
}

TEST_F(LibraryTest, AllTextsInOne) {
    package("base-files", "base-files", {{"usr/share/common-licenses/GPL-3", "the GPL, version 3\n"}, {"usr/share/common-licenses/GPL", "-> GPL-3"}, {"usr/share/doc/base-files/copyright", "see /usr/share/common-licenses/GPL"}});
    package("libfoo", "foo", {{"usr/share/doc/libfoo/copyright", "see /usr/share/common-licenses/Missing\n"}});
    package("silent", "silent", {});
    package("twin", "foo", {{"usr/share/doc/twin/copyright", "see /usr/share/common-licenses/Missing\n"}});
    Library all = library();
    std::size_t last = 0;
    all.read_all([&](std::size_t done) { last = done; });
    EXPECT_EQ(last, 4u);
    const std::string rule(78, '=');
    EXPECT_EQ(licence_texts(all), rule + "\nbase-files 1\n" + rule + "\n\nsee /usr/share/common-licenses/GPL\n\n" + rule + "\nlibfoo 1\ntwin 1\n" + rule + "\n\nsee /usr/share/common-licenses/Missing\n\n" + rule +
                                      "\n/usr/share/common-licenses/GPL\n" + rule + "\n\nthe GPL, version 3\n\n" + rule + "\nWithout a text\n" + rule +
                                      "\n\nsilent 1: the package has no documents\n/usr/share/common-licenses/Missing: no package of the image brings it\n");
    EXPECT_EQ(to_text(licences_of(all)), "base-files                           1                            GPL (referred to)\n"
                                         "libfoo                               1                            Missing (referred to)\n"
                                         "silent                               1                            unknown: the package has no documents\n"
                                         "twin                                 1                            Missing (referred to)\n");
}
