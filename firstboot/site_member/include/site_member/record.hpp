#pragma once

// What a node keeps of its membership: docs/formats/state.md, "membership". Its genesis is with the agreement's journal.

#include <base/json.hpp>
#include <certificates/succession.hpp>
#include <genesis/value.hpp>
#include <roster/roster.hpp>
#include <voters/client.hpp>

#include <filesystem>
#include <optional>
#include <vector>

namespace ashlar::site_member {

struct Record {
    std::optional<certificates::SiteCertificate> certificate; // its own; there in whatever was written
    std::optional<roster::Seat> seat;          // of a voter that came after the first ones
    bool has_voted = false;                    // its etcd has answered as a member
    std::vector<std::string> lost;             // voters that an operator has given up: its etcd goes on without them
    std::string lost_by;                       // who has ordered that, for the audit log; empty: root here
    std::vector<voters::VoterAddress> voters;  // whom it asks: as it heard last
    std::optional<certificates::Lineage> lineage; // authorities, where they are not those of the genesis any more
    std::optional<genesis::SealedKeys> keys;      // of a voter: those of lineage->issuing, sealed to it
};

[[nodiscard]] Json to_json(const Record& record);
// An Error for what to_json() does not write.
[[nodiscard]] Record record_from(const Json& json, const SiteId& site);

// Nothing for a node that was no member yet.
[[nodiscard]] std::optional<Record> read_record(const std::filesystem::path& state, const SiteId& site);
void write_record(const std::filesystem::path& state, const Record& record);

} // namespace ashlar::site_member
