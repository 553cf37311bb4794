// What a node says of itself: what it waits for, and what people can do.

#include <founding/founder.hpp>

#include <base/text.hpp>

#include <fmt/format.h>

namespace ashlar::founding {

std::string_view name_of(Objection objection) {
    switch (objection) {
    case Objection::older: return "older";
    case Objection::unpromised: return "unpromised";
    case Objection::other_voters: return "other-voters";
    case Objection::no_voter: return "no-voter";
    case Objection::foreign_data: return "foreign-data";
    case Objection::exists: return "exists";
    case Objection::conflict: return "conflict";
    }
    return "";
}

namespace {

std::string short_text(const GenesisId& id) { return id.text().substr(0, 8); }

std::string counted(const Charter& charter, const Gathering& gathering) {
    return fmt::format("{} of {} {}", gathering.here, gathering.wanted, charter.mode == Mode::anonymous ? "blank nodes" : "voters");
}

} // namespace

Status Founder::status() const {
    const auto known = [&] { return short_text(journal_.told.value_or(GenesisId{})); };
    const Gathering gathering = gather(charter_, journal_.order, self_, peers_, now_);
    const std::string others = fmt::format("{}: {}", counted(charter_, gathering), join(gathering.missing, ", "));
    switch (phase_) {
    case Phase::hearing:
    case Phase::promised:
    case Phase::accepted:
        if (!gathering.electorate) return {phase_, others, gathering.remedy};
        return {phase_, fmt::format("{}: {}{}", counted(charter_, gathering), proposer_ ? "asks them to agree" : "they agree in a moment",
                                    refused_.empty() ? "" : fmt::format("; last time {}", refused_)),
                ""};
    case Phase::founding: return {phase_, fmt::format("the site is founded, genesis {}: sets up its part", known()), ""};
    case Phase::joining:
        if (journal_.genesis) return {phase_, fmt::format("joins the site, genesis {}: waits to be enrolled", known()), "approve this node, if the site approves by hand"};
        return {phase_, fmt::format("the site exists, genesis {}: waits for a member that tells about it", known()), "power on a member of the site, or see why this node does not hear it"};
    case Phase::member: {
        const auto past = those_of_the_past();
        return {phase_, fmt::format("member of the site, genesis {}", known()),
                past.empty() ? "" : fmt::format("{} still {} what the site was before it was restored, genesis {}: switch off, and flash anew", join(past, ", "), past.size() == 1 ? "is" : "are", short_text(*past_))};
    }
    case Phase::foreign_data:
        return {phase_, "disks of this node carry the site, and the node does not know why: waits for a member",
                "power on a member of the site; if none exists any more, order to found it despite these disks: `ashlarctl order make found`"};
    case Phase::identity_conflict:
        return {phase_, fmt::format("another machine has the key of this node, {}: takes part in nothing", self_.node.text()),
                "switch off the copy, and flash it anew"};
    case Phase::conflict:
        return {phase_, fmt::format("there are two geneses of this site, {} and another: nothing is merged, what runs goes on", known()),
                "find out which nodes belong to which (ashlarctl status), and flash those anew that founded the wrong one"};
    }
    return {};
}

} // namespace ashlar::founding
