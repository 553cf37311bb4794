// How a node follows its site to other authorities: docs/decisions/0006-authority-rotation.md. Each step is in the state before the daemon
// starts again by it; so it may be cut off anywhere.

#include <site_member/site_member.hpp>

#include "office.hpp"

#include <base/error.hpp>
#include <channel/channel.hpp>
#include <sockets/sockets.hpp>

#include <fmt/format.h>

namespace ashlar::site_member {

namespace {

using namespace std::chrono_literals;
using certificates::Lineage;
using succession::Phase;

constexpr std::chrono::milliseconds to_connect = 1s, to_shake_hands = 3s;

Time now() { return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()); }

} // namespace

std::uint64_t SiteMember::step() const {
    const std::lock_guard lock(mutex_);
    return lineage_ ? lineage_->step : 0;
}

bool SiteMember::is_of_now(const certificates::SiteCertificate& certificate) const {
    const auto issuing = std::get<certificates::Trust>(certificates::Trust::pinned(present_->site, present_->authority.der(), present_->authority.digest()));
    return std::holds_alternative<certificates::Bearer>(certificates::verify_at_no_time(certificate.der(), issuing));
}

// Also its services: who trusts one authority only must not meet a certificate by the other.
bool SiteMember::has_done_step() const { return is_of_now(*record().certificate) && service_->follows_authorities(); }

void SiteMember::follow_authorities() {
    if (const auto office = this->office()) return follow_as_voter(*office);
    follow_as_node();
}

void SiteMember::follow_as_voter(Office& office) {
    const auto state = office.further(self().bearer);
    if (!state) return;
    if (state->step() <= step()) {
        // Its etcd answers, with what the step is: it was started by it.
        if (step() != 0 && has_done_step()) office.followed(step());
        return;
    }
    if (!office.is_free_for(*state)) return;
    const auto keys = state->keys.find(node_);
    if (keys == state->keys.end()) throw Error("cannot follow the site to its next authorities: this voter was given no keys of theirs", "remove it, and let it take its seat anew");
    const auto opened = genesis::open(succession::value_with(*value_, state->newest()), keys->second, key_);
    if (const auto* const refused = std::get_if<genesis::Refused>(&opened)) throw Error(fmt::format("cannot follow the site to its next authorities: {}", refused->text));
    take_step(state->lineage, state->phase() == Phase::trusted ? genesis::seal(*present_, office.keys().authorities, key_.verifying_key()) : keys->second);
}

void SiteMember::follow_as_node() {
    const std::uint64_t own = step(), done = own == 0 || has_done_step() ? own : own - 1;
    const auto answer = voters_->ask({.ask = "authority", .parameters = {{"step", done}}}, voters::VotersClient::Changes::nothing);
    const auto* const json = std::get_if<Json>(&answer);
    if (json == nullptr || !json->contains("authorities") || json->at("authorities").is_null()) return; // also a voter of a release before this
    const auto lineage = certificates::lineage_in(json->at("authorities"), present_->site);
    if (lineage.step > own) take_step(lineage, std::nullopt);
}

// From the next start of the daemon on, which nothing that runs notices.
void SiteMember::take_step(const Lineage& lineage, const std::optional<genesis::SealedKeys>& keys) {
    keep([&](Record& record) {
        record.lineage = lineage;
        record.keys = keys;
    });
    around_.start_again();
}

// Some voter is there, and one of the two does not believe the other's certificate.
bool SiteMember::is_left_behind() const {
    for (const auto& voter : known_voters()) {
        Fd socket = sockets::connect_to(voter.address, voter.port, to_connect);
        if (!socket) continue;
        const auto certificate = *record().certificate;
        const auto opened = channel::connect(std::move(socket), channel::Credentials{key_, certificate, *trust_}, voter.node, now(), std::chrono::steady_clock::now() + to_shake_hands);
        const auto* const refusal = std::get_if<channel::Refusal>(&opened);
        if (refusal == nullptr) return false;
        if (refusal->cause == channel::Cause::not_trusted || refusal->cause == channel::Cause::not_us) return true;
    }
    return false;
}

// It was away while the site came to other authorities: by the key of its medium it is told which. What it has to show is of the former.
void SiteMember::return_if_left_behind() {
    if (office() || !is_left_behind()) return;
    try {
        take_over(enrolled_by_any(Shown::nothing));
    } catch (const Error& error) {
        doubt(error.message());
    }
}

} // namespace ashlar::site_member
