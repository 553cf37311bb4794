#include <evidence/subject.hpp>

#include <ctime>
#include <fmt/chrono.h>
#include <fmt/format.h>

namespace ashlar::evidence {

std::string base_name(const std::string& role, const std::string& release, const std::string& architecture) {
    return fmt::format("ashlar_{}_{}_{}", role, release, architecture);
}

std::string utc(std::int64_t seconds) {
    return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(static_cast<std::time_t>(seconds)));
}

} // namespace ashlar::evidence
