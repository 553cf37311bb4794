#pragma once

// Which node of site.toml a machine is.

#include <site/site.hpp>

#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace ashlar::site {

// What a machine says about itself.
struct Machine {
    std::string serial;           // of the chassis (SMBIOS type 1, then 3); empty when the firmware has none
    std::vector<Mac> macs;        // of its ports, as they were made
    std::optional<Digest> tpm_ek; // none: no TPM, or it was not asked
};

// Why it is none of them, for people: one sentence, and a line for each node that it nearly is.
struct NoNode {
    std::string reason;
    std::vector<std::string> details;
};

// All that an entry says must be true of the machine. Two entries that fit are as bad as none: a machine that took the wrong
// one would be the other node. `site` must outlive the answer.
[[nodiscard]] std::variant<const Node*, NoNode> node_of(const Site& site, const Machine& machine);

} // namespace ashlar::site
