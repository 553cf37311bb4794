#include <site_member/site_service.hpp>

#include "place.hpp"

#include <base/error.hpp>
#include <node/secrets.hpp>
#include <node_key/own_key.hpp>
#include <site_member/record.hpp>
#include <state/state.hpp>

#include <fmt/format.h>

namespace ashlar::site_member {

namespace {

constexpr std::chrono::seconds try_again{2}, ask_tpm_again{30};

std::string sentence_of(const Error& error) { return error.hint().empty() ? error.message() : error.message() + "; " + error.hint(); }

} // namespace

SiteService::SiteService(std::filesystem::path state, firstboot::Identity identity, SiteMember::Surroundings around) : state_(std::move(state)), identity_(std::move(identity)), around_(std::move(around)) {
    const auto record = state::read(state_);
    const auto files = record ? node::public_site_files_in(record->content) : std::nullopt;
    if (!files || !files->site.genesis || !node::has_site_secret(record->content)) return;
    name_ = files->site.name;
    // networkd starts when this daemon is there: what it finds then it need not be told. The TPM would take too long.
    try {
        lay_network(files->site, state_);
    } catch (const Error&) {
        // Ports may come late: join() says so, and goes on trying.
    }
    thread_ = std::jthread([this](const std::stop_token& stop) { live(stop); });
}

// Secrets come out of the TPM once in the life of the daemon.
void SiteService::live(const std::stop_token& stop) {
    const auto sealer = node::own_sealer();
    while (!stop.stop_requested()) {
        try {
            const auto files = node::site_files_in(state::read(state_).value().content, sealer.get()).value();
            require_tpm_where_the_site_does(files, sealer.get());
            key_ = node_key::own_key(state_, sealer.get());
            seal(sealer.get());
            say_where_keys_are();
            return join(stop, files);
        } catch (const Error& error) {
            fail(sentence_of(error));
        }
        wait(stop, ask_tpm_again);
    }
}

// Who is a member already stays one. Of those that come when the site has begun the voters ask too.
void SiteService::require_tpm_where_the_site_does(const node::SiteFiles& files, const tpm::Sealer* sealer) const {
    if (!files.site.trust.require_tpm || sealer != nullptr || read_record(state_, *files.site.id)) return;
    throw Error("cannot join the site: it takes nodes with a TPM only, and this machine has none", "turn it on in the firmware's set-up, or take require_tpm out of site.toml");
}

// The release to fall back to may not know how to open it.
void SiteService::seal(const tpm::Sealer* sealer) const {
    if (sealer == nullptr || around_.upgrade() == forming::Self::Upgrade::trial) return;
    try {
        node::seal_secrets_in(state_, *sealer);
    } catch (const Error& error) {
        around_.alarm(fmt::format("the keys of this node and of its site lie in plain on its disk: {}", error.message()));
    }
}

void SiteService::say_where_keys_are() {
    const bool in_plain = node::secrets_lie_in_plain(state::read(state_).value().content);
    const std::lock_guard lock(mutex_);
    keys_ = in_plain ? "state" : "tpm";
}

void SiteService::join(const std::stop_token& stop, const node::SiteFiles& files) {
    while (!stop.stop_requested()) {
        try {
            auto member = std::make_shared<SiteMember>(files, *key_, state_, identity_, around_);
            const std::lock_guard lock(mutex_);
            member_ = std::move(member);
            return;
        } catch (const Error& error) {
            fail(error.message());
        }
        wait(stop, try_again);
    }
}

void SiteService::wait(const std::stop_token& stop, std::chrono::seconds time) {
    std::unique_lock lock(mutex_);
    stopped_.wait_for(lock, stop, time, [] { return false; });
}

void SiteService::fail(const std::string& trouble) {
    {
        const std::lock_guard lock(mutex_);
        if (trouble == trouble_) return;
        trouble_ = trouble;
    }
    around_.alarm(trouble);
    around_.changed();
}

std::optional<Json> SiteService::status() const {
    const std::lock_guard lock(mutex_);
    if (name_.empty()) return std::nullopt;
    Json status = member_ ? member_->status() : Json{{"phase", "starting"}, {"sentence", trouble_.empty() ? "it starts" : trouble_}};
    status["site"] = name_;
    if (!keys_.empty()) status["keys"] = keys_;
    return status;
}

std::shared_ptr<SiteMember> SiteService::member() const {
    const std::lock_guard lock(mutex_);
    if (!member_) throw Error("cannot ask that: this node belongs to no site", "`ashlarctl status` says what it waits for");
    return member_;
}

} // namespace ashlar::site_member
