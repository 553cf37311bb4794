#pragma once

// What an outcome of libcurl or a status of HTTP means for us.

#include <transfer/downloader.hpp>

#include "curl.hpp"

namespace ashlar::transfer {

struct Finding {
    Cause cause = Cause::transient;
    std::string text;
    std::string hint;
};

[[nodiscard]] Finding judge_status(long status);
// `detail` is libcurl's own sentence, which names hosts and times; may be empty.
[[nodiscard]] Finding judge_outcome(CURLcode outcome, std::string_view detail);

} // namespace ashlar::transfer
