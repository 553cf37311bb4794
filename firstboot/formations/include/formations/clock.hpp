#pragma once

// Whether the clock can be believed: what formations require as "time".

#include <signing/bytes.hpp>
#include <signing/key.hpp>

#include <filesystem>

namespace ashlar::formations {

struct Clock {
    Time now{};
    bool is_own = true;        // this node may set it; a container has its machine's
    bool synchronised = false; // by the kernel: somebody keeps it, and is content with it
    bool operator==(const Clock&) const = default;
};

// `newest_signed`: the newest time that somebody vouched for, of the image or of what the node believes: a clock before it lies. A clock
// after it may lie as well, which is told only by whoever keeps time; a site without time servers has decided to live with that.
[[nodiscard]] bool time_is_sane(const Clock& clock, Time newest_signed, bool has_time_servers) noexcept;

// adjtimex(2), and CAP_SYS_TIME of the first process, since this one may have given it away. `root`: of the node.
[[nodiscard]] Clock read_clock(const std::filesystem::path& root = "/");
// When the image was made, as all its files say.
[[nodiscard]] Time image_time(const std::filesystem::path& root = "/");

} // namespace ashlar::formations
