// A site of one voter grows, loses the data of one, and replaces another: with real members of etcd on loopback.

#include <seat/seat.hpp>
#include <seat/store_member.hpp>

#include <error_of.hpp>

#include <base/file.hpp>
#include <base/process.hpp>
#include <signing/node_id.hpp>

#include <gmock/gmock.h>

#include <thread>
#include <unistd.h>

namespace ashlar::seat {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

Time now() { return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()); }

// A node without ashlard around it: a key, an address, and an etcd that runs as long as it is told.
class Node {
public:
    explicit Node(unsigned number) : address(fmt::format("127.{}.{}.{}", 64 + ::getpid() / 256 % 128, ::getpid() % 256, 10 + number)), name(fmt::format("n{:02}", number)) {}

    void start() {
        // As systemd reads the file: NAME="value".
        child = std::make_unique<PipedChild>(Command{.argv = {"sh", "-c", "set -a; . \"$0/etcd.env\"; exec etcd >>\"$0/log\" 2>&1", directory.path().native()}, .environment = {{{"PATH", "/usr/sbin:/usr/bin:/sbin:/bin"}}}});
    }
    [[nodiscard]] roster::Member member() const {
        return {.key = key.verifying_key(), .bearer = {.node = id, .name = name, .roles = {"control"}, .addresses = {address}}, .serial = name, .state = roster::Member::State::member, .since = now()};
    }

    const std::string address, name;
    const SigningKey key = SigningKey::generate(site_scheme);
    const NodeId id = node_id_of(key.verifying_key());
    TemporaryDirectory directory{testing::TempDir(), "seat-"};
    const Places places{.run = directory.path(), .data = directory.path() / "data"};
    std::unique_ptr<PipedChild> child;
    StoreMember store{{.key = key, .places = places, .now = now, .start_etcd = [this](StoreMember::Start) { start(); }}};
};

// etcd takes nobody in for the first seconds after it took somebody in, and answers nobody while it elects a leader.
template <typename What> auto eventually(const What& what) {
    for (const auto end = std::chrono::steady_clock::now() + 60s;; std::this_thread::sleep_for(100ms)) {
        try {
            return what();
        } catch (const Error&) {
            if (std::chrono::steady_clock::now() > end) throw;
        }
    }
}

class Seats : public testing::Test {
protected:
    Seats() {
        first.store.start({.value = value, .etcd_authority = authorities.etcd, .cluster = etcd::members_of(value), .start = etcd::Start::initial});
        first.store.wait(value.genesis);
        session = first.store.open();
        enrol(first);
    }

    etcd::Client& client() { return session->client(); }
    void write(const roster::Member& member) {
        eventually([&] { return client().put(roster::key::node(member.node()), roster::text_of(member)); });
    }
    void enrol(const Node& node) { write(node.member()); }
    [[nodiscard]] Keys keys() const { return {.value = value, .authorities = authorities, .site_key = Secret("the text of site.key")}; }

    // As the node that asks for its seat does it.
    void sit(Node& node) {
        const Taken taken = taken_by(node);
        const Opened opened = open(taken.seat, value, node.key);
        EXPECT_EQ(opened.site_key.text(), "the text of site.key");
        node.store.start({.value = value, .etcd_authority = opened.authorities.etcd, .cluster = taken.cluster, .start = etcd::Start::join});
        for (const auto end = std::chrono::steady_clock::now() + 60s; !is_promoted(node); std::this_thread::sleep_for(100ms))
            if (std::chrono::steady_clock::now() > end) throw Error(read_file(node.directory.path() / "log"));
        node.store.wait(value.genesis);
    }
    Taken taken_by(const Node& node) {
        return eventually([&] { return take(client(), keys(), node.member(), node.address, Data::none); });
    }
    bool is_promoted(const Node& node) {
        try {
            return promote(client(), node.address);
        } catch (const Error&) {
            return false;
        }
    }
    // Through the member itself.
    static std::string read_through(const Node& node, const std::string& key) {
        const auto own = node.store.open();
        return eventually([&] { return own->client().get(key).value().value; });
    }

    Node first{1}, second{2}, third{3};
    const genesis::Value value = genesis::build(SiteId::random(), GenesisId::random(), {{.key = first.key.verifying_key(), .name = "n01", .roles = {"control"}, .addresses = {first.address}}}, now());
    const genesis::Authorities authorities = std::get<genesis::Authorities>(genesis::open(value, genesis::keys_for(value, first.id).value(), first.key));
    std::unique_ptr<etcd::Session> session;
};

TEST_F(Seats, ASiteOfOneGrowsToThreeAndHeals) {
    client().put("/kept", "yes");
    for (Node* node : {&second, &third}) {
        enrol(*node);
        sit(*node);
    }
    EXPECT_EQ(client().members().size(), 3U);
    EXPECT_EQ(roster::read(client()).seats.size(), 2U); // the first voter writes its own
    first.child.reset();
    EXPECT_EQ(read_through(third, "/kept"), "yes");
    first.start();
    (void)read_through(first, "/kept");

    // The data of one are gone, and it is still who it was: another member of etcd, with a place of its own.
    third.child.reset();
    EXPECT_TRUE(third.places.has_data());
    third.places.drop_data();
    EXPECT_FALSE(third.places.has_data());
    sit(third);
    EXPECT_EQ(client().members().size(), 3U);
    EXPECT_EQ(read_through(third, "/kept"), "yes");

    // One is flashed again: another key at the same address, and the roster says who was.
    second.child.reset();
    roster::Member gone = second.member();
    gone.state = roster::Member::State::removed;
    write(gone);
    Node again(2);
    enrol(again);
    sit(again);
    const auto members = eventually([&] { return client().members(); });
    EXPECT_EQ(members.size(), 3U);
    EXPECT_TRUE(std::ranges::none_of(members, [&](const auto& member) { return member.name == second.id.text() || member.learner; }));
    EXPECT_EQ(read_through(again, "/kept"), "yes");
}

// As voters do it in a rotation: one after the other, step by step. Whoever has a certificate of the former is nobody afterwards.
TEST_F(Seats, ItsEtcdComesToAnotherAuthority) {
    for (Node* node : {&second, &third}) {
        enrol(*node);
        sit(*node);
    }
    const auto former = first.store.open();
    const auto next = certificates::Authority::found(value.site, now());
    const std::vector<etcd::Member> cluster{{first.id, first.address}, {second.id, second.address}, {third.id, third.address}};
    struct Row {
        const certificates::Authority &issuing, *also;
    };
    const std::vector<Row> steps{{authorities.etcd, &next}, {next, &authorities.etcd}, {next, nullptr}};
    std::uint64_t step = 0;
    for (const auto& [issuing, also] : steps) {
        ++step;
        for (Node* node : {&first, &second, &third}) {
            for (const Node* other : {&first, &second, &third}) eventually([&] { return node->store.answers_at(other->address) ? true : throw Error("it does not answer yet"); });
            node->child.reset();
            node->store.start({.value = value, .etcd_authority = issuing, .cluster = cluster, .start = etcd::Start::again, .step = step, .also = also != nullptr ? std::optional(also->certificate()) : std::nullopt});
            node->store.wait(value.genesis);
            EXPECT_EQ(eventually([&] { return node->store.open()->client().put("/step", std::to_string(step)); }) > 0, true);
            EXPECT_THAT(read_file(node->places.run / "etcd.env"), HasSubstr(fmt::format("# authorities of step {}\n", step)));
        }
    }
    for (const Node* node : {&first, &second, &third}) EXPECT_EQ(read_through(*node, "/step"), "3");
    EXPECT_THAT(error_of([&] { (void)former->client().get("/step"); }), HasSubstr("certificate"));
    session = first.store.open();
}

TEST_F(Seats, ASeatOpensForItsOwnerOnly) {
    const auto seat = seat_for(keys(), second.key.verifying_key(), second.address);
    EXPECT_NO_THROW((void)open(seat, value, second.key));
    EXPECT_THAT(error_of([&] { (void)open(seat, value, third.key); }), HasSubstr("cannot take the seat of a voter: the authority's key does not open with this node's key"));
    EXPECT_EQ(roster::seat_from(roster::text_of(seat)), seat);
}

// Asked twice, or cut off between the two: the same seat.
TEST_F(Seats, TakingTwiceIsTakingOnce) {
    enrol(second);
    const auto once = take(client(), keys(), second.member(), second.address, Data::none);
    const auto twice = take(client(), keys(), second.member(), second.address, Data::none);
    EXPECT_EQ(once.cluster, twice.cluster);
    EXPECT_EQ(client().members().size(), 2U);
    EXPECT_FALSE(promote(client(), second.address)); // it has not even started
    EXPECT_THAT(error_of([&] { (void)promote(client(), third.address); }), HasSubstr("etcd has no member at"));
}

} // namespace
} // namespace ashlar::seat
