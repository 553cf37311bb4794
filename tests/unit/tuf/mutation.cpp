// Thousands of ways to damage each file of a valid repository. Each must be refused, or say what was signed, byte for byte in
// canonical form; none may do anything else than throw an Error.

#include "simulator.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <fmt/format.h>
#include <random>

using namespace ashlar;
using namespace ashlar::tuf;
using namespace ashlar::tuf::test;

namespace {

using Random = std::mt19937_64;
std::size_t below(Random& random, std::size_t end) { return static_cast<std::size_t>(random() % end); }

// A file, in the state in which a client takes it.
struct Case {
    std::string name, text;
    Trusted before;
    std::function<void(Trusted&, std::string_view)> take;
    std::vector<SharedKey> signers;
};

// Without the lengths and hashes that would refuse every change before anything looks at it.
std::vector<Case> cases() {
    Simulator site;
    for (auto& [file, meta] : site.snapshot.meta) meta = {.version = meta.version};
    site.snapshot.meta["targets.json"] = {.version = 2};
    site.targets.version = 1;
    site.publish_root();
    site.publish_targets();
    site.snapshot.meta["targets.json"] = {.version = 2};
    site.publish_snapshot();
    site.timestamp.snapshot = {.version = site.snapshot.version};
    site.publish_timestamp();
    std::vector<Case> all;
    Trusted trusted(site.files.at("1.root.json"), day(0));
    const auto add = [&](std::string name, std::string role, std::function<void(Trusted&, std::string_view)> take) {
        all.push_back({std::move(name), site.text(role), trusted, take, site.signers[role.starts_with("bundle") ? "bundle" : role]});
        take(trusted, site.text(role));
    };
    add("root", "root", [](Trusted& to, std::string_view text) { to.update_root(text); });
    add("timestamp", "timestamp", [](Trusted& to, std::string_view text) { to.update_timestamp(text); });
    add("snapshot", "snapshot", [](Trusted& to, std::string_view text) { to.update_snapshot(text); });
    add("targets", "targets", [](Trusted& to, std::string_view text) { to.update_targets(text); });
    add("train", "train-R1", [](Trusted& to, std::string_view text) { to.update_targets(text, "train-R1", "targets"); });
    trusted = Trusted(site.files.at("1.root.json"), day(0));
    add("bundle", "bundle-R1", [](Trusted& to, std::string_view text) { to.update_bundle(text, "R1"); });
    return all;
}

enum class Verdict { refused, equal, other };

Verdict verdict_on(const Case& file, const std::string& text) {
    Trusted trusted = file.before;
    try {
        file.take(trusted, text);
    } catch (const MetadataError&) {
        return Verdict::refused;
    }
    return parse_envelope(text, "x").signed_bytes() == parse_envelope(file.text, "x").signed_bytes() ? Verdict::equal : Verdict::other;
}

struct Count {
    std::size_t refused = 0, equal = 0;
    void take(const Case& file, const std::string& text) {
        const Verdict verdict = verdict_on(file, text);
        ASSERT_NE(verdict, Verdict::other) << file.name << ": " << text;
        ++(verdict == Verdict::refused ? refused : equal);
    }
    void report(std::string_view what) const {
        testing::Test::RecordProperty(std::string(what) + "_refused", static_cast<int>(refused));
        testing::Test::RecordProperty(std::string(what) + "_equal", static_cast<int>(equal));
        fmt::print("{}: {} refused, {} equal in meaning\n", what, refused, equal);
    }
};

TEST(Mutation, EachFileIsTakenAsItIs) {
    for (const auto& file : cases()) EXPECT_EQ(verdict_on(file, file.text), Verdict::equal) << file.name;
}

TEST(Mutation, SingleBits) {
    Random random(1);
    Count count;
    for (const auto& file : cases())
        for (int i = 0; i < 700; ++i) {
            std::string text = file.text;
            text[below(random, text.size())] ^= static_cast<char>(1 << below(random, 8));
            count.take(file, text);
        }
    count.report("bits");
    EXPECT_EQ(count.refused + count.equal, 4200U);
    EXPECT_GT(count.refused, 3000U);
}

TEST(Mutation, Pieces) {
    Random random(2);
    Count count;
    for (const auto& file : cases())
        for (int i = 0; i < 150; ++i) {
            const std::size_t from = below(random, file.text.size()), size = below(random, 40), to = below(random, file.text.size());
            std::string cut = file.text.substr(0, from), without = file.text, doubled = file.text, moved = file.text;
            without.erase(from, size);
            doubled.insert(to, file.text, from, size);
            std::swap(moved[from], moved[to]);
            for (const auto& text : {cut, without, doubled, moved}) count.take(file, text);
        }
    count.report("pieces");
}

// ---- by structure ------------------------------------------------------------------------------

// All objects and lists of a value.
void collect(Json& json, std::vector<Json*>& found) {
    if (!json.is_structured() || json.empty()) return;
    found.push_back(&json);
    for (auto& each : json) collect(each, found);
}

Json& some_member(Json& parent, Random& random) { return *std::next(parent.begin(), static_cast<std::ptrdiff_t>(below(random, parent.size()))); }

Json other_type(Random& random) {
    switch (below(random, 7)) {
    case 0: return nullptr;
    case 1: return true;
    case 2: return -1;
    case 3: return std::uint64_t{9223372036854775807};
    case 4: return "";
    case 5: return Json::array();
    default: return Json::object();
    }
}

void change_number(Json& value, Random& random) {
    if (value.is_number()) value = static_cast<std::int64_t>(value.get<std::uint64_t>() + below(random, 5) - 2); // wraps, as only unsigned numbers may
    else if (value.is_string() && !value.get_ref<std::string&>().empty()) value.get_ref<std::string&>().back() ^= 1;
    else value = other_type(random);
}

constexpr const char* twin = "\x7ftwin";

// One change somewhere in it; a doubled member has the name `twin` until it is text.
void mutate(Json& json, Random& random) {
    std::vector<Json*> all;
    collect(json, all);
    if (all.empty()) return;
    Json &parent = *all[below(random, all.size())], &member = some_member(parent, random);
    const auto chosen = std::next(parent.begin(), static_cast<std::ptrdiff_t>(below(random, parent.size())));
    switch (below(random, 6)) {
    case 0: parent.erase(chosen); return;
    case 1: *chosen = other_type(random); return;
    case 2: change_number(*chosen, random); return;
    case 3: std::swap(*chosen, member); return;
    case 4: *chosen = Json(some_member(*all[below(random, all.size())], random)); return;
    default:
        if (parent.is_array()) return parent.push_back(Json(member));
        const Json value = below(random, 2) == 0 ? chosen.value() : other_type(random);
        parent[twin + chosen.key()] = value;
    }
}

std::string text_after(Json json) {
    std::string text = json.dump();
    constexpr std::string_view escaped = twin;
    for (std::size_t at; (at = text.find(escaped)) != text.npos;) text.erase(at, escaped.size());
    return text;
}

TEST(Mutation, Structure) {
    Random random(3);
    Count count;
    for (const auto& file : cases())
        for (int i = 0; i < 500; ++i) {
            Json json = Json::parse(file.text);
            for (auto changes = below(random, 3) + 1; changes > 0; --changes) mutate(json, random);
            count.take(file, text_after(json));
        }
    count.report("structure");
    EXPECT_GT(count.refused, 2000U);
}

// With the right keys anything can be signed: it may be taken or refused, but nothing else may happen, and what is taken keeps
// the promises that the code behind it builds upon.
TEST(Mutation, StructureThatIsSigned) {
    Random random(4);
    std::size_t taken = 0, refused = 0;
    const Simulator site;
    for (const auto& file : cases())
        for (int i = 0; i < 400; ++i) {
            Json json = Json::parse(file.text).at("signed");
            for (auto changes = below(random, 2) + 1; changes > 0; --changes) mutate(json, random);
            if (!json.is_object()) continue;
            Trusted trusted = file.before;
            try {
                file.take(trusted, site.signed_text(json, file.signers));
                ++taken;
                EXPECT_GE(trusted.root().root.threshold, 1U);
                EXPECT_EQ(trusted.root().version, file.before.root().version + (file.name == "root" ? 1 : 0));
                if (file.name == "targets") (void)trusted.find("trains/R1/R1.0/release.json", [](const std::string&, const std::string&) { throw MetadataError(Fault::missing, "absent"); });
            } catch (const MetadataError&) {
                ++refused;
            }
        }
    fmt::print("signed structure: {} refused, {} taken\n", refused, taken);
    EXPECT_GT(refused, 600U);
    EXPECT_GT(taken, 100U);
}

// The whole way, from a repository of which one file is damaged to a target.
TEST(Mutation, OfARepository) {
    Random random(5);
    Simulator site;
    site.publish_root();
    const auto honest = site.files;
    const std::vector<std::string> names{"2.root.json", "timestamp.json", "1.snapshot.json", "1.targets.json", "1.train-R1.json"};
    std::size_t refused = 0, equal = 0;
    for (int i = 0; i < 400; ++i) {
        const auto& name = names[below(random, names.size())];
        site.files = honest;
        std::string& text = site.files.at(name);
        text[below(random, text.size())] ^= static_cast<char>(1 << below(random, 8));
        Client client(site);
        const std::string answer = client.find("trains/R1/R1.0/release.json");
        if (answer != "train-R1") {
            EXPECT_TRUE(client.fault) << answer;
            ++refused;
            continue;
        }
        EXPECT_EQ(parse_envelope(text, name).signed_bytes(), parse_envelope(honest.at(name), name).signed_bytes());
        ++equal;
    }
    fmt::print("repository: {} refused, {} equal in meaning\n", refused, equal);
}

} // namespace
