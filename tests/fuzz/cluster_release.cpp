// Releases come from mirrors and media. What is accepted is the one text that its release has, and answers every question.

#include <base/error.hpp>
#include <signing/cluster_release.hpp>

#include <cstdint>
#include <cstdlib>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace ashlar;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    try {
        const ClusterRelease release = parse_cluster_release(text, "input");
        if (cluster_release_text(release) != text) std::abort();
        if (!std::holds_alternative<AlreadyInstalled>(step_from(to_text(release.release), release))) std::abort();
        for (const ReleaseOrigin& origin : release.previous) (void)step_from(to_text(origin), release);
    } catch (const Error&) {
    }
    return 0;
}
