#pragma once

// Which sites run on this machine, and how somebody outside of their namespaces gets into their nodes. A file a site, which is
// there as long as the site runs, and is locked by the process that runs it.

#include <base/file.hpp>
#include <base/id.hpp>
#include <base/json.hpp>

#include <filesystem>
#include <string>
#include <vector>

namespace ashlar::virtual_site {

inline constexpr const char* roster_directory = "/run/ashlar-up";

// This process runs the site.
class Claim {
public:
    // Throws Error when another one does.
    Claim(const SiteId& id, const std::string& name, std::filesystem::path directory = roster_directory);
    Claim(const Claim&) = delete;
    Claim& operator=(const Claim&) = delete;
    ~Claim();

    // `ways`: by name of node, as Body::way_in() says them.
    void tell(const Json& ways) const;

private:
    std::filesystem::path file_;
    Fd lock_;
};

// What is to be executed to run a program on a node; without one, a shell. Throws Error when the site does not run, or the node is not one of it,
// or is off.
[[nodiscard]] std::vector<std::string> way_into(const SiteId& id, const std::string& site, const std::string& node, const std::vector<std::string>& program,
                                                const std::filesystem::path& directory = roster_directory);

} // namespace ashlar::virtual_site
