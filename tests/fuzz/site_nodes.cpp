// The table of nodes: whatever the text, its rows are nodes, or each problem has a place in it.

#include <site/site.hpp>

#include <cstdint>
#include <cstdlib>
#include <string>

using namespace ashlar;

namespace {

constexpr const char* around = R"([site]
name = "a"
nodes = "nodes.csv"
[install]
encryption = "off"
[[link]]
name = "uplink"
bond = "lacp"
[planes.management]
link = "uplink"
subnets = ["10.0.0.0/24", "fd00::/64"]
[template.small]
roles = ["compute"]
)";

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string table(reinterpret_cast<const char*>(data), size);
    try {
        (void)site::read(toml::source_from_text("site.toml", around), [&](const std::string& name) { return toml::source_from_text(name, table); });
    } catch (const toml::SourceError& error) {
        for (const toml::Diagnostic& problem : error.diagnostics()) {
            if (problem.position.source == nullptr || problem.position.line == 0 || problem.position.column == 0) std::abort();
            (void)toml::render(problem);
        }
    }
    return 0;
}
