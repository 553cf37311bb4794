#include <site_member/plan_follower.hpp>

#include <base/error.hpp>

#include <utility>

#include <fmt/format.h>

namespace ashlar::site_member {

void PlanFollower::hear(const Files& files, Clock::time_point now) {
    if (trial_ && now - trial_->begun < settling) return; // what answers now may be the network of before
    if (trial_) {
        current_ = std::exchange(trial_, std::nullopt)->files;
        deeds_.keep(current_);
    }
    if (files == current_ || files == refused_) return;
    try {
        deeds_.lay(deeds_.read(files));
        trial_ = Trial{files, now};
    } catch (const Error& error) {
        refuse(files, error.message());
    }
}

void PlanFollower::miss(Clock::time_point now) {
    if (!trial_ || now - trial_->begun < longest_trial) return;
    refuse(std::exchange(trial_, std::nullopt)->files, "with its network this node does not reach the voters");
}

void PlanFollower::refuse(const Files& files, const std::string& why) {
    refused_ = files;
    lay_current();
    deeds_.alarm(fmt::format("cannot take over the site's new plan: {}; the network is as before", why));
}

// It was laid already, on this machine.
void PlanFollower::lay_current() {
    try {
        deeds_.lay(deeds_.read(current_));
    } catch (const Error& error) {
        deeds_.alarm(error.message());
    }
}

} // namespace ashlar::site_member
