#include <site_member/site_service.hpp>

#include "place.hpp"

#include <base/error.hpp>
#include <state/state.hpp>

namespace ashlar::site_member {

namespace {

constexpr std::chrono::seconds try_again{2};

} // namespace

SiteService::SiteService(std::filesystem::path state, firstboot::Identity identity, SiteMember::Surroundings around) : state_(std::move(state)), identity_(std::move(identity)), around_(std::move(around)) {
    const auto record = state::read(state_);
    auto files = record ? node::site_files_in(record->content) : std::nullopt;
    if (!files || !files->site.genesis || (!files->key() && !files->ticket())) return;
    name_ = files->site.name;
    // networkd starts when this daemon is there: what it finds then it need not be told.
    try {
        lay_network(files->site, state_);
    } catch (const Error&) {
        // Ports may come late: join() says so, and goes on trying.
    }
    thread_ = std::jthread([this, files = std::move(*files)](const std::stop_token& stop) { join(stop, files); });
}

void SiteService::join(const std::stop_token& stop, const node::SiteFiles& files) {
    while (!stop.stop_requested()) {
        try {
            auto member = std::make_shared<SiteMember>(files, state_, identity_, around_);
            const std::lock_guard lock(mutex_);
            member_ = std::move(member);
            return;
        } catch (const Error& error) {
            fail(error.message());
        }
        std::unique_lock lock(mutex_);
        stopped_.wait_for(lock, stop, try_again, [] { return false; });
    }
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
    return status;
}

std::shared_ptr<SiteMember> SiteService::member() const {
    const std::lock_guard lock(mutex_);
    if (!member_) throw Error("cannot ask that: this node belongs to no site", "`ashlarctl status` says what it waits for");
    return member_;
}

} // namespace ashlar::site_member
