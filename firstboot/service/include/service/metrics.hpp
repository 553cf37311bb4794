#pragma once

// The status for Prometheus' textfile collector (the text format of its exposition, version 0.0.4). Pure.

#include <base/json.hpp>

#include <string>

namespace ashlar::service {

// `status`: docs/formats/node-status.md.
[[nodiscard]] std::string metrics_text(const Json& status);

} // namespace ashlar::service
