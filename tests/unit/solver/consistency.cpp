// Small random universes, judged by trying everything.

#include "market.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>

using namespace ashlar;
using namespace ashlar::solver;

namespace {

constexpr std::size_t count = 7;

std::string name_of(std::size_t index) { return std::string(1, static_cast<char>('a' + index)); }

// "x", "x (>= 2)" …, where x is a package or the virtual "v". Of a hundred, `versioned` have a version.
rc::Gen<std::string> relation(int versioned) {
    return rc::gen::map(rc::gen::tuple(rc::gen::inRange<std::size_t>(0, count + 1), rc::gen::inRange(0, 100)),
                        [versioned](const auto& drawn) {
                            const auto [index, version] = drawn;
                            const std::string name = index == count ? "v" : name_of(index);
                            return version >= versioned ? name : version % 2 == 0 ? name + " (>= 2)" : name + " (<< 2)";
                        });
}

struct Shape {
    int groups, alternatives, versioned; // at most so many
};

rc::Gen<std::string> field(std::string_view name, Shape shape) {
    return rc::gen::exec([name = std::string(name), shape] {
        const int groups = *rc::gen::inRange(0, shape.groups + 1);
        std::string text;
        for (int g = 0; g < groups; ++g) {
            text += g == 0 ? name + ": " : ", ";
            const int size = *rc::gen::inRange(1, shape.alternatives + 1);
            for (int i = 0; i < size; ++i) text += (i == 0 ? "" : " | ") + *relation(shape.versioned);
        }
        return text.empty() ? text : text + "\n";
    });
}

rc::Gen<std::string> universe_text() {
    return rc::gen::exec([] {
        // Versions make many needs impossible; without them more universes are hard and yet solvable.
        const int versioned = *rc::gen::element(0, 40);
        std::string text;
        for (std::size_t i = 0; i < count; ++i) {
            const std::string version = *rc::gen::element(std::string("1"), std::string("2"));
            const std::string provides = *rc::gen::element(std::string(), std::string(), std::string("Provides: v\n"),
                                                           std::string("Provides: v (= 2)\n"));
            text += package(name_of(i), version,
                            *field("Depends", {4, 3, versioned}) + *field("Conflicts", {2, 1, versioned}) +
                                *field("Breaks", {1, 1, versioned}) + provides);
        }
        return text;
    });
}

// Whether `package` is what `wanted` names: written again here, as Policy says it, not as the solver does.
bool answers(const debian::Package& package, const debian::Alternative& wanted) {
    if (package.name == wanted.name && debian::version_satisfies(package.version, wanted)) return true;
    for (const auto& provided : debian::parse_list(package.provides))
        if (provided.name == wanted.name &&
            (wanted.relation == debian::Relation::any ||
             (!provided.version.empty() && debian::version_satisfies(provided.version, wanted))))
            return true;
    return false;
}

bool is_consistent(const std::vector<const debian::Package*>& set) {
    const auto any_of_set = [&](const auto& test) { return std::any_of(set.begin(), set.end(), test); };
    for (const debian::Package* package : set) {
        for (const auto& group : debian::parse_groups(package->depends))
            if (!any_of_set([&](const debian::Package* other) {
                    return std::any_of(group.begin(), group.end(),
                                       [&](const auto& alternative) { return answers(*other, alternative); });
                }))
                return false;
        for (const std::string_view field : {package->conflicts, package->breaks})
            for (const auto& refused : debian::parse_list(field))
                if (any_of_set(
                        [&](const debian::Package* other) { return other != package && answers(*other, refused); }))
                    return false;
    }
    return true;
}

bool has(const std::vector<const debian::Package*>& set, std::string_view name) {
    return std::any_of(set.begin(), set.end(), [&](const debian::Package* p) { return p->name == name; });
}

bool exists_set(const debian::Universe& universe, const std::vector<std::string>& wanted) {
    for (unsigned bits = 0; bits < 1u << count; ++bits) {
        std::vector<const debian::Package*> set;
        for (std::size_t i = 0; i < count; ++i)
            if ((bits >> i & 1) != 0) set.push_back(universe.versions(name_of(i)).front());
        if (std::all_of(wanted.begin(), wanted.end(), [&](const auto& name) { return has(set, name); }) &&
            is_consistent(set))
            return true;
    }
    return false;
}

bool says(const Solution& solution, std::string_view words) {
    return std::any_of(solution.notes.begin(), solution.notes.end(),
                       [&](const std::string& note) { return note.find(words) != std::string::npos; });
}

} // namespace

namespace {

void judge(const std::string& text, const std::vector<std::string>& wanted) {
    const Market market({{trixie, text}});
    Request request{.role = "test", .foundation = Foundation::none};
    for (const auto& name : wanted) request.packages.push_back({name});
    const auto result = resolve(market.universe, request);
    const auto* solution = std::get_if<Solution>(&result);
    RC_CLASSIFY(solution != nullptr, "solved");
    RC_CLASSIFY(solution != nullptr && says(*solution, "gives way"), "after giving way");
    RC_CLASSIFY(solution != nullptr && says(*solution, "taking the first"), "after a search");
    RC_ASSERT((solution != nullptr) == exists_set(market.universe, wanted));
    if (solution == nullptr) {
        RC_ASSERT(!std::get<Conflict>(result).render().empty());
        return;
    }
    std::vector<const debian::Package*> set;
    for (const Choice& choice : solution->choices) set.push_back(choice.package);
    RC_ASSERT(is_consistent(set));
    for (const auto& name : wanted) RC_ASSERT(has(set, name));
    // Each is there for a reason, and the reasons end at what was asked for.
    for (const Choice& choice : solution->choices) {
        const auto chain = why(*solution, choice.package->name);
        RC_ASSERT(chain.has_value());
        RC_ASSERT(std::find(wanted.begin(), wanted.end(), chain->front().package->name) != wanted.end());
    }
}

} // namespace

RC_GTEST_PROP(Resolver, FindsAConsistentSetIfAndOnlyIfThereIsOne, ()) {
    judge(*universe_text(),
          {name_of(*rc::gen::inRange<std::size_t>(0, count)), name_of(*rc::gen::inRange<std::size_t>(0, count))});
}

// One package with a choice of two, three times over, and the choices at odds with each other: here the
// walk often has to give way to the search.
RC_GTEST_PROP(Resolver, GivesWayWhereFirstChoicesAreAtOdds, ()) {
    std::string text = package("a", "1", "Depends: b | c, d | e, f | g\n");
    for (std::size_t i = 1; i < count; ++i) text += package(name_of(i), "1", *field("Conflicts", {2, 1, 0}));
    judge(text, {"a"});
}
