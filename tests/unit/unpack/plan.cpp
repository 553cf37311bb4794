#include <unpack_plan.hpp>

#include <base/error.hpp>

#include <gmock/gmock.h>
#include <rapidcheck.h>

#include <map>
#include <set>

using namespace ashlar;
using archive::DebEntry;
using archive::DebEntryType;
using root::Listing;
using root::Plan;

namespace {

// "usr/" is a directory, "a -> b" a symbolic link, "a => b" a hard link, "a" a file.
DebEntry entry(std::string text) {
    if (text.ends_with('/'))
        return {.path = text.substr(0, text.size() - 1), .type = DebEntryType::directory, .mode = 0755};
    for (const auto& [arrow, type] : {std::pair{" -> ", DebEntryType::symlink}, {" => ", DebEntryType::hard_link}})
        if (const auto at = text.find(arrow); at != std::string::npos)
            return {.path = text.substr(0, at), .type = type, .target = text.substr(at + 4)};
    return {.path = std::move(text), .mode = 0644};
}

struct Toy {
    std::string name;
    std::vector<std::string> entries;
    std::string replaces = {};
};

void showValue(const Toy& toy, std::ostream& out) {
    out << toy.name << (toy.replaces.empty() ? "" : " (replaces " + toy.replaces + ")") << ":";
    for (const std::string& text : toy.entries) out << " '" << text << "'";
    out << "\n";
}

class Planned {
public:
    explicit Planned(std::vector<Toy> toys, std::vector<root::Diversion> diversions = {}) : toys_(std::move(toys)) {
        entries_.resize(toys_.size());
        std::vector<Listing> listings;
        for (std::size_t i = 0; i < toys_.size(); ++i) {
            for (const std::string& text : toys_[i].entries) entries_[i].push_back(entry(text));
            listings.push_back({toys_[i].name, "1", debian::parse_list(toys_[i].replaces), entries_[i]});
        }
        plan_ = root::plan_unpack(listings, diversions);
    }

    // "usr/ @name" or "usr/x @name", sorted; without "@…" what nobody describes.
    [[nodiscard]] std::vector<std::string> placed() const {
        std::vector<std::string> lines;
        for (const auto& directory : plan_.directories)
            lines.push_back(directory.path + "/" +
                            (directory.source ? " @" + toys_[directory.source->package].name : ""));
        for (const auto& object : plan_.objects)
            lines.push_back(object.path + " @" + toys_[object.source.package].name);
        for (const auto& link : plan_.links) lines.push_back(link.path + " -> " + link.target);
        std::ranges::sort(lines);
        return lines;
    }
    [[nodiscard]] std::vector<std::string> replaced() const {
        std::vector<std::string> lines;
        for (std::size_t i = 0; i < toys_.size(); ++i)
            for (const auto at : plan_.replaced[i]) lines.push_back(toys_[i].name + ": " + entries_[i][at].path);
        return lines;
    }
    [[nodiscard]] const Plan& plan() const { return plan_; }

private:
    std::vector<Toy> toys_;
    std::vector<std::vector<DebEntry>> entries_;
    Plan plan_;
};

std::string failure(std::vector<Toy> toys) {
    try {
        const Planned planned(std::move(toys));
    } catch (const Error& error) {
        return error.render();
    }
    return {};
}

using Lines = std::vector<std::string>;

} // namespace

TEST(Plan, DirectoriesAreSharedAndTheFirstDescribesThem) {
    const Planned planned({{"a", {"/", "usr/", "usr/x"}}, {"b", {"/", "usr/", "usr/y", "opt/"}}});
    EXPECT_EQ(planned.placed(), (Lines{"/ @a", "opt/ @b", "usr/ @a", "usr/x @a", "usr/y @b"}));
}

TEST(Plan, MergedLinksAreThereWithoutAnyPackageThatBringsThem) {
    const Planned planned({{"a", {"/", "bin/", "bin/sh", "lib/", "lib/x86/", "lib/x86/libc", "usr/"}}});
    EXPECT_EQ(planned.placed(), (Lines{"/ @a", "bin -> usr/bin", "lib -> usr/lib", "usr/ @a", "usr/bin/ @a",
                                       "usr/bin/sh @a", "usr/lib/ @a", "usr/lib/x86/ @a", "usr/lib/x86/libc @a"}));
}

TEST(Plan, MergedLinksOfAPackageAreItsOwn) {
    // As Debian 13 has it: base-files brings the links, older packages still say /bin.
    const Planned planned(
        {{"a", {"/", "bin/", "bin/sh"}}, {"base-files", {"/", "usr/", "usr/bin/", "bin -> usr/bin"}}});
    EXPECT_EQ(planned.placed(),
              (Lines{"/ @a", "bin @base-files", "usr/ @base-files", "usr/bin/ @base-files", "usr/bin/sh @a"}));
}

TEST(Plan, TheSamePathByTwoNamesIsAConflict) {
    EXPECT_EQ(failure({{"a", {"bin/", "bin/sh"}}, {"b", {"usr/", "usr/bin/", "usr/bin/sh"}}}),
              "cannot unpack 'b 1': 'usr/bin/sh' is also in 'a 1', and neither replaces the other\n"
              "  hint: leave one of the two packages out, or name the diversion that one of them makes");
    EXPECT_EQ(failure({{"a", {"usr/", "usr/lib/", "lib/x", "usr/lib/x"}}}),
              "cannot unpack 'a 1': 'usr/lib/x' is in it twice");
}

TEST(Plan, ADirectoryThatIsALinkElsewhereIsFollowed) {
    for (const bool link_first : {true, false}) {
        const Toy link{"link", {"usr/", "usr/new/", "usr/old -> new"}}, user{"user", {"usr/", "usr/old/", "usr/old/x"}};
        const Planned planned(link_first ? std::vector{link, user} : std::vector{user, link});
        EXPECT_EQ(planned.placed(), (Lines{"/", link_first ? "usr/ @link" : "usr/ @user", "usr/new/ @link",
                                           "usr/new/x @user", "usr/old @link"}));
    }
}

TEST(Plan, LinksAreFollowedInsideTheRoot) {
    const Planned planned(
        {{"a", {"etc/", "srv/", "srv/deep/", "l -> ../../../srv", "srv/m -> /etc", "l/", "l/m/", "l/m/x", "l/n"}}});
    EXPECT_EQ(planned.placed(),
              (Lines{"/", "etc/ @a", "etc/x @a", "l @a", "srv/ @a", "srv/deep/ @a", "srv/m @a", "srv/n @a"}));
}

TEST(Plan, ALinkToNowhereIsNoDirectory) {
    EXPECT_EQ(failure({{"a", {"usr/", "usr/old -> gone"}}, {"b", {"usr/", "usr/old/", "usr/old/x"}}}),
              "cannot unpack 'b 1': its directory 'usr/old' leads through a link to 'usr/gone', which is no directory "
              "of any package");
    EXPECT_EQ(failure({{"a", {"x -> y", "y -> x"}}, {"b", {"x/"}}}),
              "cannot unpack 'b 1': symbolic links lead 'x' round in a circle");
}

TEST(Plan, WhatIsNoDirectoryHoldsNothing) {
    EXPECT_EQ(failure({{"a", {"usr/", "usr/x"}}, {"b", {"usr/", "usr/x/", "usr/x/y"}}}),
              "cannot unpack 'a 1': 'usr/x' is a directory in 'b 1'\n  hint: leave one of the two packages out");
    EXPECT_EQ(failure({{"a", {"usr/", "usr/share/x"}}}),
              "cannot unpack 'a 1': 'usr/share', where its 'usr/share/x' belongs, is no directory of any package");
    EXPECT_EQ(failure({{"a", {"usr/", "usr/x", "usr/x/y"}}}),
              "cannot unpack 'a 1': 'usr/x', where its 'usr/x/y' belongs, is no directory of any package");
}

TEST(Plan, WhoReplacesHasThePath) {
    for (const bool reversed : {false, true}) {
        std::vector<Toy> toys{{"old", {"x", "y"}}, {"new", {"x"}, "old (<< 2)"}};
        if (reversed) std::ranges::reverse(toys);
        const Planned planned(toys);
        EXPECT_EQ(planned.placed(), (Lines{"/", "x @new", "y @old"}));
        EXPECT_EQ(planned.replaced(), Lines{"old: x"});
    }
}

TEST(Plan, AReplacesForAnotherVersionDoesNotCount) {
    EXPECT_THAT(failure({{"old", {"x"}}, {"new", {"x"}, "old (<< 1)"}}),
                testing::StartsWith("cannot unpack 'new 1': 'x' is also in 'old 1', and neither replaces the other"));
}

TEST(Plan, WhenEachReplacesTheOtherTheLaterHasIt) {
    const Planned planned({{"a", {"x"}, "b"}, {"b", {"x"}, "a"}});
    EXPECT_EQ(planned.placed(), (Lines{"/", "x @b"}));
}

TEST(Plan, ADivertedPathGoesElsewhereForAllOthers) {
    const Planned planned({{"gzip", {"bin/", "bin/zcat"}}, {"zutils", {"bin/", "bin/zcat"}}},
                          {{"bin/zcat", "bin/zcat.gzip", "zutils"}});
    EXPECT_EQ(planned.placed(), (Lines{"/", "bin -> usr/bin", "usr/", "usr/bin/ @gzip", "usr/bin/zcat @zutils",
                                       "usr/bin/zcat.gzip @gzip"}));
    EXPECT_EQ(planned.replaced(), Lines{});
}

TEST(Plan, AHardLinkNeedsItsFileBeforeItInThePackage) {
    const Planned planned({{"a", {"f", "g => f", "h => g"}}});
    for (const auto& object : planned.plan().objects) EXPECT_EQ(object.data, 0U) << object.path;
    EXPECT_EQ(failure({{"a", {"g => f", "f"}}}),
              "cannot unpack 'a 1': its hard link 'g' leads to 'f', which is no file before it");
    EXPECT_EQ(failure({{"a", {"f"}}, {"b", {"g => f"}}}),
              "cannot unpack 'b 1': its hard link 'g' leads to 'f', which is no file before it");
    EXPECT_EQ(failure({{"a", {"s -> x", "g => s"}}}),
              "cannot unpack 'a 1': its hard link 'g' leads to 's', which is no file before it");
}

namespace {

std::string joined(const std::vector<std::string>& names) {
    std::string path;
    for (const std::string& name : names) path += (path.empty() ? "" : "/") + name;
    return path;
}

// The item and the directories above it.
Lines with_parents(const std::vector<std::string>& directories, const std::string& leaf) {
    Lines lines;
    for (std::size_t i = 1; i <= directories.size(); ++i)
        lines.push_back(joined({directories.begin(), directories.begin() + static_cast<std::ptrdiff_t>(i)}) + "/");
    if (!leaf.empty()) lines.push_back((directories.empty() ? "" : joined(directories) + "/") + leaf);
    return lines;
}

// A few packages over a small tree of names, so that they meet often; "l" is now a link, now a directory.
rc::Gen<Lines> some_entries() {
    using rc::gen::element;
    const auto directories =
        rc::gen::resize(3, rc::gen::container<Lines>(element<std::string>("bin", "usr", "a", "l")));
    const auto leaf = element<std::string>("f", "g", "l", "", "", "l -> a", "l -> ../usr", "l -> /usr/bin");
    const auto item = rc::gen::apply(with_parents, directories, leaf);
    return rc::gen::map(rc::gen::resize(6, rc::gen::container<std::vector<Lines>>(item)), [](const auto& items) {
        Lines unique;
        for (const Lines& lines : items)
            for (const std::string& line : lines)
                if (std::ranges::find(unique, line) == unique.end()) unique.push_back(line);
        return unique;
    });
}

rc::Gen<std::vector<Toy>> some_toys() {
    return rc::gen::map(rc::gen::tuple(some_entries(), some_entries(), some_entries()), [](const auto& lists) {
        return std::vector<Toy>{
            {"p", std::get<0>(lists)}, {"q", std::get<1>(lists), "p"}, {"r", std::get<2>(lists), "p, q"}};
    });
}

void check(const Plan& plan) {
    std::set<std::string> directories, all;
    for (const auto& directory : plan.directories) directories.insert(directory.path);
    const auto require = [&](const std::string& path) {
        RC_ASSERT(all.insert(path).second);
        if (path.empty()) return;
        const auto slash = path.rfind('/');
        RC_ASSERT(directories.contains(slash == std::string::npos ? "" : path.substr(0, slash)));
    };
    for (const auto& directory : plan.directories) require(directory.path);
    for (const auto& object : plan.objects) require(object.path);
    for (const auto& link : plan.links) require(link.path);
}

} // namespace

TEST(Plan, EveryPathIsThereOnceBelowADirectory) {
    EXPECT_TRUE(rc::check("a plan is a tree, or an Error", [] {
        const auto toys = *some_toys();
        std::optional<Planned> planned;
        try {
            planned.emplace(toys);
        } catch (const Error&) {
            RC_TAG("refused");
            return;
        }
        RC_TAG("planned");
        check(planned->plan());
        std::size_t entries = 0, placed = planned->plan().objects.size();
        for (const Toy& toy : toys)
            for (const std::string& text : toy.entries) entries += text.ends_with('/') ? 0U : 1U;
        for (const auto& replaced : planned->plan().replaced) placed += replaced.size();
        RC_ASSERT(entries == placed);
    }));
}

TEST(Plan, TheOrderOfPackagesDoesNotDecideWhoHasAPath) {
    EXPECT_TRUE(rc::check("objects are the same in every order", [] {
        auto toys = *some_toys();
        const auto objects = [&]() -> std::optional<std::map<std::string, std::string>> {
            try {
                const Planned planned(toys);
                std::map<std::string, std::string> result;
                for (const auto& object : planned.plan().objects)
                    result[object.path] = toys[object.source.package].name;
                return result;
            } catch (const Error&) {
                return std::nullopt;
            }
        };
        const auto first = objects();
        std::ranges::reverse(toys);
        RC_ASSERT(first == objects());
    }));
}
