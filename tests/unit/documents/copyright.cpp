#include <documents/copyright.hpp>

#include <base/file.hpp>

#include <gmock/gmock.h>

using namespace ashlar::documents;
using testing::ElementsAre;
using testing::IsEmpty;

namespace {

bool accepts(std::string_view expression, std::vector<std::string> names) {
    return satisfied(expression, [&](const std::string& name) { return std::find(names.begin(), names.end(), name) != names.end(); });
}

} // namespace

TEST(Copyright, MachineReadable) {
    const auto licences = parse_copyright("Format: copyright-format 1.0\nSource: somewhere\n\nFiles: *\nCopyright: 2020 A\nLicense: GPL-2+\n text\n\n"
                                          "Files: lib/*\nCopyright: 2021 B\nlicense:  Expat  or GPL-3+\n\nLicense: GPL-2+\n /usr/share/common-licenses/GPL-2\n");
    EXPECT_EQ(licences.form, Licences::Form::machine_readable);
    EXPECT_THAT(licences.expressions, ElementsAre("Expat or GPL-3+", "GPL-2+"));
}

TEST(Copyright, OfOurOwnPackage) {
    const auto licences = parse_copyright(ashlar::read_file(ASHLAR_SOURCE_DIR "/firstboot/package/copyright"));
    EXPECT_EQ(licences.form, Licences::Form::machine_readable);
    EXPECT_THAT(licences.expressions, ElementsAre("Apache-2.0"));
}

TEST(Copyright, OtherwiseTheTextsThatItRefersTo) {
    const auto licences = parse_copyright("This is free software; see /usr/share/common-licenses/LGPL-2.1.\nAlso `/usr/share/common-licenses/GPL-2' and\n/usr/share/common-licenses/GPL-2.\n");
    EXPECT_EQ(licences.form, Licences::Form::references);
    EXPECT_THAT(licences.expressions, ElementsAre("GPL-2", "LGPL-2.1"));
}

TEST(Copyright, OtherwiseNothing) {
    EXPECT_EQ(parse_copyright("Do what you want.\n"), Licences{});
    EXPECT_EQ(parse_copyright(""), Licences{});
    EXPECT_EQ(name_of(Licences{}.form), "text only");
}

TEST(Copyright, NamesInAnExpression) {
    EXPECT_THAT(names_in("GPL-2+ with OpenSSL exception and Expat or BSD-3-clause, and ISC"), ElementsAre("GPL-2+ with OpenSSL exception", "Expat", "BSD-3-clause", "ISC"));
    EXPECT_THAT(names_in("MIT, Zlib"), ElementsAre("MIT", "Zlib"));
    EXPECT_THAT(names_in(""), IsEmpty());
}

TEST(Copyright, AndBindsTighterThanOrAndACommaLess) {
    EXPECT_TRUE(accepts("A or B and C", {"A"}));
    EXPECT_FALSE(accepts("A or B and C", {"B"}));
    EXPECT_TRUE(accepts("A or B and C", {"B", "C"}));
    EXPECT_FALSE(accepts("A or B, and C", {"A"}));
    EXPECT_TRUE(accepts("A or B, and C", {"A", "C"}));
    EXPECT_TRUE(accepts("A AND B", {"A", "B"}));
}
