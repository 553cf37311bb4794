#pragma once

// A new train from an older one: the text of its file, comments and all.

#include <toml/source.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace ashlar::recipe {

// The text of `source`, which is the file of train `from`, as that of train `name`: its release becomes <name>.0, and
// `previous` the older train. What was said about the older train's releases alone goes: [support] and [[accept]], with the
// comments above them. `suites` are added to the archive that has the suite they extend (trixie-backports: that with
// trixie), otherwise to the first archive of a network.
//
// Error for a name that is no train's or is not newer than `from`, and for a suite that is there already; SourceError where
// `source` is no train file, or the result would be none.
[[nodiscard]] std::string new_train_text(const toml::SourcePtr& source, std::string_view from, std::string_view name, const std::vector<std::string>& suites);

} // namespace ashlar::recipe
