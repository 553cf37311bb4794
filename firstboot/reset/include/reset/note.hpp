#pragma once

// The note of a factory reset: what was ordered, signed by the node before it forgets who it was, and what was
// erased then. docs/formats/reset-note.md. Pure but for sign().
//
// In the state the note is the member "reset" from the order on, and "last_reset" when all is done.

#include <reset/erasure.hpp>

#include <base/json.hpp>

#include <cstdint>
#include <filesystem>
#include <string>

namespace ashlar::reset {

struct Name {
    std::string hostname, machine_id;
    bool operator==(const Name&) const = default;
};

struct Order {
    Name node, next;            // who it is, and who it will be
    std::string site, release;  // the release that runs
    std::string time;           // RFC 3339, UTC: "2026-01-02T03:04:05Z"
    unsigned by = 0;            // user id of whoever asked
    std::string partition;      // of /var: its GUID in lower case
    std::uint64_t bytes = 0;    // its size
    Content content = Content::plain;
    bool operator==(const Order&) const = default;
};

// What the signature is over, byte for byte: JSON, keys sorted, no line end.
[[nodiscard]] std::string text_of(const Order& order);
// Error: `cannot read the order of a factory reset: …`.
[[nodiscard]] Order order_from(std::string_view text);

// The note as it begins: the order's text, signed with an OpenSSH private key in the namespace
// "ashlar-factory-reset" (SSHSIG), and the public half beside it (`key` and ".pub").
[[nodiscard]] Json signed_note(const Order& order, const std::filesystem::path& key);

[[nodiscard]] bool is_ordered(const Json& state);
// Of a state with an order.
[[nodiscard]] Order order_in(const Json& state);
[[nodiscard]] bool is_erased(const Json& state);

// The states that follow each other; each is the content of the state partition as a whole.
[[nodiscard]] Json with_order(Json state, const Json& note);
[[nodiscard]] Json with_erasure(Json state, const Erasure& erasure);
// What is left of a state with an order whose /var was erased: the node under its next name, where it comes
// from, who may log in, and every floor. `encryption`: that of the new /var, null when it is not encrypted.
[[nodiscard]] Json after_reset(const Json& state, const Json& encryption, const std::string& time);

// "floor", and whatever ends in "_floor".
[[nodiscard]] bool is_floor(std::string_view member);

// RFC 3339, UTC, whole seconds.
[[nodiscard]] std::string time_now();

} // namespace ashlar::reset
