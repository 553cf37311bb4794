#pragma once

// The secrets that a node keeps in its state: its own key, and its site's key or a ticket. Sealed to the TPM where the machine has one.
// docs/formats/state.md.

#include <base/json.hpp>
#include <tpm/sealer.hpp>

#include <filesystem>
#include <memory>

namespace ashlar::node {

// Whether this machine (below `root`) has a TPM 2.0. In a container nothing is asked: what it sees is the host's.
[[nodiscard]] bool has_tpm(const std::filesystem::path& root = "/");
// By which this node seals. Nothing without a TPM 2.0.
[[nodiscard]] std::unique_ptr<const tpm::Sealer> own_sealer();

// Of the whole content of a state.
[[nodiscard]] bool secrets_lie_in_plain(const Json& state);
void seal_secrets(Json& state, const tpm::Sealer& sealer);

// Seals what lies in plain in the state in `partition`: it is in neither of its copies afterwards. Nothing is written where nothing does. An
// Error leaves the content as it was. A release of before this one does not open what is sealed: so not while this one is on trial.
void seal_secrets_in(const std::filesystem::path& partition, const tpm::Sealer& sealer);

} // namespace ashlar::node
