// `ashlar train`: a new train is the old one's file with what changes; lists are for people and for machines.

#include "site.hpp"

using namespace ashlar;
using namespace ashlar::command;

namespace {

void add_network_archive(Site& site) {
    site.write("recipes/keys/debian.asc", "");
    site.write("recipes/trains/R0.toml", "# R0: for a try.\nsummary = \"A train\"\nrelease = \"R0.3\"\narchitecture = \"amd64\"\nroles = [\"base\"]\n"
                                         "tools = \"tools\"\nbuild = \"build\"\n\n[support]\nfrom = \"2026-01-01\"\nuntil = \"2027-01-01\"\n\n"
                                         "[[archive]]\nname = \"debian\"\nsuites = [\"trixie\"]\ncomponents = [\"main\"]\nkeys = [\"debian.asc\"]\n");
}

} // namespace

TEST(Train, NewOneFromAnOlder) {
    Site site;
    add_network_archive(site);
    EXPECT_EQ(site.answer({"train", "new", "R1", "--from", "R0", "--suite", "trixie-backports"}),
              "recipes/trains/R1.toml: made from R0; say [support] anew, look at floors and waves, then `ashlar lock R1`\n");
    EXPECT_EQ(read_file(site.path() / "recipes/trains/R1.toml"),
              "# R1: for a try.\nsummary = \"A train\"\nrelease = \"R1.0\"\nprevious = [\"R0\"]\narchitecture = \"amd64\"\nroles = [\"base\"]\n"
              "tools = \"tools\"\nbuild = \"build\"\n\n"
              "[[archive]]\nname = \"debian\"\nsuites = [\"trixie\", \"trixie-backports\"]\ncomponents = [\"main\"]\nkeys = [\"debian.asc\"]\n");
    EXPECT_EQ(site.answer({"train", "list"}),
              "train  release    support                  from         roles                        summary\n"
              "R0     R0.3       2026-01-01 to 2027-01-01 -            base                         A train\n"
              "R1     R1.0       -                        R0           base                         A train\n");
    const Json list = parse_json(site.answer({"train", "list", "--json"}), "list");
    EXPECT_EQ(list[0]["support"], (Json{{"from", "2026-01-01"}, {"until", "2027-01-01"}}));
    EXPECT_EQ(list[1], (Json{{"train", "R1"}, {"summary", "A train"}, {"release", "R1.0"}, {"architecture", "amd64"}, {"roles", {"base"}}, {"previous", {"R0"}}, {"support", nullptr}}));
}

TEST(Train, OneThatIsThereStaysAsItIs) {
    Site site;
    EXPECT_EQ(parse_json(site.answer({"--json", "train", "new", "R1", "--from", "R0"}), "answer"), (Json{{"train", "R1"}, {"file", "recipes/trains/R1.toml"}, {"from", "R0"}}));
    site.write("recipes/trains/R1.toml", "mine");
    EXPECT_EQ(site.refusal({"train", "new", "R1", "--from", "R0"}, 3),
              "ashlar: cannot make train 'R1': 'recipes/trains/R1.toml' is there already\n  hint: edit it, or give another name\n");
    EXPECT_EQ(read_file(site.path() / "recipes/trains/R1.toml"), "mine");
}

TEST(Train, WhatCannotBe) {
    const Site site;
    EXPECT_EQ(site.refusal({"train", "new", "R1", "--from", "R7"}, 3), "ashlar: cannot load train 'R7': there is no such file in recipes/trains\n  hint: did you mean 'R0'?\n");
    EXPECT_EQ(site.refusal({"train", "new", "../R1", "--from", "R0"}, 3),
              "ashlar: cannot make train '../R1': that is no train's name\n  hint: write an upper-case letter and a number, such as R1\n");
    EXPECT_EQ(site.refusal({"train", "new", "R1", "--from", "R0", "--suite", "sid"}, 3),
              "ashlar: cannot add suite 'sid': train 'R0' has no archive of a network\n  hint: add an [[archive]] with suites, components and keys by hand\n");
    EXPECT_EQ(site.refusal({"train", "new", "R1"}, 2), "ashlar: cannot run 'ashlar train new': --from is missing\n  hint: see `ashlar train new --help`\n");
    EXPECT_EQ(site.refusal({"train"}, 2), "ashlar: cannot run 'ashlar train': one of new, list is missing\n  hint: see `ashlar train --help`\n");
}
