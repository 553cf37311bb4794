#pragma once

// Uses of the site's break-glass key on this node: by a token at the console, by a certificate over SSH.
// docs/formats/break-glass.md.

#include <base/json.hpp>
#include <signing/break_glass.hpp>

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace ashlar::breakglass {

// Accepted, or refused with the reason; as much of the rest as is known.
struct Use {
    Time time;               // as the node came to believe it
    std::string way;         // "console", "ssh"
    std::string node, reason, signer;
    Time expires;
    std::string fault;       // empty: accepted
    bool operator==(const Use&) const = default;
};

// Whom the node believes, as the initrd wrote it from the state.
struct Trust {
    std::string node;              // our host name
    std::filesystem::path signers; // break_glass_signers()
};
[[nodiscard]] Trust this_node(const std::filesystem::path& root = "/");

// No clock of a machine is believed alone: it may stand at 1970, or anybody at the firmware's set-up may have turned it.
struct Clock {
    Time now;      // what it says
    Time at_least; // what is known from signed things: the build of the running release, and accepted uses of this start
};
[[nodiscard]] Clock this_clock(const std::filesystem::path& root = "/");
// The later one of the two; and when the token was made more than minutes after that, the clock is behind, and it is the
// time at which the token was made.
[[nodiscard]] Time time_of_use(const Clock& clock, Time issued);

// Whether the token lets somebody in here and now. Never an Error for what a token says.
[[nodiscard]] Use judge(std::string_view file, const Trust& trust, const Clock& clock, const std::filesystem::path& scratch);

// The use that a certificate makes of it, from what `TZ=UTC ssh-keygen -L` prints. sshd has accepted it.
[[nodiscard]] Use use_of_certificate(std::string_view printed, Time now);

// Uses since the node was started, oldest first; of what was done again and again the last. Of more than sixteen the oldest
// refused ones are forgotten first. The journal has all.
[[nodiscard]] std::vector<Use> uses(const std::filesystem::path& root = "/");
void note(const Use& use, const std::filesystem::path& root = "/");
// Member "break_glass" of the status (docs/formats/node-status.md).
[[nodiscard]] Json to_json(const std::vector<Use>& uses);

} // namespace ashlar::breakglass
