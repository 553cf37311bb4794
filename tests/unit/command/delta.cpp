// What `ashlar delta` refuses. What it makes is compared in tests/unit/deltas, and from real images in
// tests/bench/delta.sh.

#include "site.hpp"

using namespace ashlar;
using namespace ashlar::command;

namespace {

std::string usage_error(std::vector<std::string> words) {
    const Site site;
    return site.refusal(std::move(words), 2);
}

} // namespace

TEST(Delta, NamesTwoImagesUnlessItIsFull) {
    EXPECT_EQ(usage_error({"delta"}), "ashlar: cannot run 'ashlar delta': IMAGE is missing\n  hint: see `ashlar delta --help`\n");
    EXPECT_EQ(usage_error({"delta", "a"}), "ashlar: cannot read the command line: IMAGE: the old image is named, then the new one\n  hint: see `ashlar delta --help`\n");
    EXPECT_EQ(usage_error({"delta", "--full", "a", "b", "c"}),
              "ashlar: cannot read the command line: IMAGE: more than two images are named\n  hint: see `ashlar delta --help`\n");
}

TEST(Delta, ABudgetIsASize) {
    EXPECT_EQ(usage_error({"delta", "a", "b", "--budget", "20"}),
              "ashlar: cannot use '--budget': '20' is no size: write a whole number and KiB, MiB, GiB or TiB, such as \"96 MiB\"\n"
              "  hint: see `ashlar delta --help`\n");
}

TEST(Delta, AnImageHasItsManifestBesideIt) {
    Site site;
    EXPECT_EQ(site.refusal({"delta", "--full", "nothing"}, 3),
              "ashlar: cannot make a delta with 'nothing': there is no such image\n"
              "  hint: name an image as `ashlar build` writes it, such as out/ashlar_base_R0.1_amd64.raw\n");
    site.write("out/x.raw", "no image");
    EXPECT_EQ(site.refusal({"delta", "--full", "x"}, 3),
              "ashlar: cannot make a delta with 'out/x': there is no manifest beside it\n"
              "  hint: keep the files of a build together\n");
}
