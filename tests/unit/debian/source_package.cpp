#include <debian/source_package.hpp>

#include <base/error.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fmt/format.h>

using namespace ashlar;
using namespace ashlar::debian;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

namespace {

const std::string digest(64, 'a');

SourcePackage read(const std::string& text) { return read_source_package(parse_control(text, "Sources"), ControlReader(text, "Sources")); }
Origins origins(const std::string& text) { return origins_of(parse_control(text, "control"), ControlReader(text, "control")); }
std::string refusal(const std::function<void()>& body) {
    try {
        body();
    } catch (const Error& error) {
        return error.message();
    }
    return "accepted";
}
std::string with_file(const std::string& line) { return "Package: a\nVersion: 1\nDirectory: pool/a\nChecksums-Sha256:\n " + line + "\n"; }

} // namespace

TEST(SourcePackages, AreReadFromAnIndex) {
    const auto package = read(fmt::format("Package: a\nBinary: b,\n c\nVersion: 1:2-3\nDirectory: pool/main/a/a\nFiles:\n x 1 y\nChecksums-Sha256:\n {0} 12 a_2-3.dsc\n {0} 0 a_2.orig.tar.xz\n", digest));
    EXPECT_EQ(package.version, "1:2-3");
    EXPECT_EQ(package.directory, "pool/main/a/a");
    EXPECT_THAT(package.files, ElementsAre(SourceFile{"a_2-3.dsc", 12, *Digest::from_hex(digest)}, SourceFile{"a_2.orig.tar.xz", 0, *Digest::from_hex(digest)}));
}

TEST(SourcePackages, WhatLeavesItsPlaceIsRefused) {
    EXPECT_THAT(refusal([] { (void)read(with_file(digest + " 1 ../a_1.dsc")); }), HasSubstr("is not a SHA-256, a size and the name of a file of this package"));
    EXPECT_THAT(refusal([] { (void)read(with_file(digest + " 1 a_/../../x")); }), HasSubstr("is not a SHA-256"));
    EXPECT_THAT(refusal([] { (void)read(with_file(digest + " 1 release.json")); }), HasSubstr("is not a SHA-256"));
    EXPECT_THAT(refusal([] { (void)read(with_file(digest + " -1 a_1.dsc")); }), HasSubstr("is not a SHA-256"));
    EXPECT_THAT(refusal([] { (void)read(with_file("abc 1 a_1.dsc")); }), HasSubstr("is not a SHA-256"));
    EXPECT_THAT(refusal([] { (void)read("Package: a\nVersion: 1\nDirectory: pool/../../x\nChecksums-Sha256:\n"); }), HasSubstr("leaves the archive"));
    EXPECT_THAT(refusal([] { (void)read("Package: a\nVersion: 1\n"); }), HasSubstr("without the field Checksums-Sha256"));
}

TEST(SourcePackages, OfADscOnlyWhatIsSignedIsRead) {
    EXPECT_EQ(signed_part("Source: a\n"), "Source: a\n");
    EXPECT_EQ(signed_part("-----BEGIN PGP SIGNED MESSAGE-----\r\nHash: SHA256\r\n\r\nSource: a\r\n- -b\r\n-----BEGIN PGP SIGNATURE-----\nx\n"), "Source: a\n-b\n");
}

TEST(SourcePackages, AreNamedByBinaryOnes) {
    const auto plain = origins("Package: a\nVersion: 1-2\n");
    EXPECT_EQ(plain.own, (BuiltFrom{"a", "1-2"}));
    EXPECT_THAT(plain.others, IsEmpty());
    const auto built = origins("Package: a\nVersion: 1+b1\nSource: s (1)\nBuilt-Using: linux (= 6.12-1), gcc (= 14)\nStatic-Built-Using: gcc (= 14),\n rust (= 1:1.85)\n");
    EXPECT_EQ(built.own, (BuiltFrom{"s", "1"}));
    EXPECT_THAT(built.others, ElementsAre(BuiltFrom{"gcc", "14"}, BuiltFrom{"linux", "6.12-1"}, BuiltFrom{"rust", "1:1.85"}));
    EXPECT_THAT(refusal([] { (void)origins("Package: a\nVersion: 1\nBuilt-Using: gcc (>= 14)\n"); }), HasSubstr("field Built-Using names 'gcc' without its version"));
}
