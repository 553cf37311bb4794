#pragma once

// Gets a release to a node: what there is, which way is the shortest, and the blocks of the root.
//
// Nothing of it is trusted by whoever asks: the UKI's signature and the root hash are checked elsewhere.

#include <pull/messages.hpp>

#include <filesystem>
#include <functional>
#include <optional>
#include <string>

namespace ashlar::puller {

// A small file of the source, whole. Nothing: it is not there. Error for more than `most` bytes, and where nobody can tell.
// `scratch`: a directory for what is under way.
[[nodiscard]] std::optional<std::string> get(const pull::Source& source, const std::string& file, std::uint64_t most, const std::filesystem::path& scratch);

// Fetches the UKI to `uki`, and weighs the ways: the delta from exactly what the node has, the blocks that it lacks, everything.
// What is more than everything is no way. Without `known`, the index is read from the source.
[[nodiscard]] pull::Offer look(const pull::Source& source, const pull::Have& have, const std::filesystem::path& uki, const std::optional<ReleaseIndex>& known = {});

// Writes the root; `told` is called every 4 MiB and at the end. What cannot be lost any more is told too: it grows
// by at most 64 MiB, or what 16 MiB of download make.
// A block way whose old slot is not what its tree says fetches more. Throws delta::Refused when another way may do it: the
// file cannot be opened, is damaged, is from another root than the node's, or makes another one than is wanted.
void fill(const pull::Source& source, const pull::Work& work, const std::function<void(const pull::Progress&)>& told);

} // namespace ashlar::puller
