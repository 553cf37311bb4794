// While one authority of a site takes the place of another, and afterwards.

#include <base/error.hpp>
#include <channel/channel.hpp>
#include <signing/node_id.hpp>

#include <gmock/gmock.h>

#include <array>
#include <future>
#include <sys/socket.h>

namespace ashlar::channel {
namespace {

using namespace std::chrono_literals;
using certificates::Authority;
using certificates::SiteCertificate;
using certificates::Trust;

Deadline soon() { return std::chrono::steady_clock::now() + 10s; }

struct Node {
    SigningKey key = SigningKey::generate(site_scheme);
    SiteCertificate certificate;
    Trust trust;

    Node(const Authority& by, Trust trusted, Time now)
        : certificate(by.issue(certificates::NodeBearer{.node = node_id_of(key.verifying_key()), .name = "n01", .roles = {}, .addresses = {}}, key.verifying_key(), now)), trust(std::move(trusted)) {}
    [[nodiscard]] Credentials credentials() const { return {key, certificate, trust}; }
};

class TwoAuthorities : public testing::Test {
protected:
    // "yes", or which side refuses because of the other one's certificate.
    [[nodiscard]] std::string meet(const Node& client, const Node& server) const {
        std::array<int, 2> ends{};
        EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()), 0);
        auto answer = std::async(std::launch::async, [&] { return accept(Fd(ends[1]), server.credentials(), now, soon()); });
        const Opened asked = connect(Fd(ends[0]), client.credentials(), std::nullopt, now, soon());
        const Opened answered = answer.get();
        const auto refuses = [](const Opened& opened) {
            const auto* const refusal = std::get_if<Refusal>(&opened);
            return refusal != nullptr && refusal->cause == Cause::not_trusted;
        };
        if (refuses(asked)) return "client refuses";
        if (refuses(answered)) return "server refuses";
        return std::holds_alternative<Channel>(asked) && std::holds_alternative<Channel>(answered) ? "yes" : "neither";
    }

    const Time now{std::chrono::sys_days{std::chrono::year{2026} / 11 / 30}};
    const SiteId site = SiteId::random();
    const Authority former = Authority::found(site, now), next = Authority::found(site, now), foreign = Authority::found(site, now);
    const Trust both = former.trust().and_also(next.trust());
    // As nodes are at each step.
    const Node before{former, former.trust(), now}, trusted{former, both, now}, issuing{next, next.trust().and_also(former.trust()), now}, settled{next, next.trust(), now};
};

TEST_F(TwoAuthorities, NeighbouringStepsTrustEachOther) {
    for (const auto& [one, other] : {std::pair{&before, &trusted}, std::pair{&trusted, &trusted}, std::pair{&trusted, &issuing}, std::pair{&issuing, &issuing}, std::pair{&issuing, &settled}, std::pair{&settled, &settled}}) {
        EXPECT_EQ(meet(*one, *other), "yes");
        EXPECT_EQ(meet(*other, *one), "yes");
    }
}

TEST_F(TwoAuthorities, AfterwardsTheFormerIsWorthNothingToEither) {
    EXPECT_EQ(meet(trusted, settled), "server refuses");
    EXPECT_EQ(meet(settled, trusted), "client refuses");
    EXPECT_NE(meet(before, settled), "yes");
    EXPECT_NE(meet(settled, before), "yes");
}

TEST_F(TwoAuthorities, AForeignOneNeverCounts) {
    const Node stranger{foreign, both.and_also(foreign.trust()), now};
    for (const auto* node : {&before, &trusted, &issuing, &settled}) {
        EXPECT_EQ(meet(stranger, *node), "server refuses");
        EXPECT_EQ(meet(*node, stranger), "client refuses");
    }
}

} // namespace
} // namespace ashlar::channel
