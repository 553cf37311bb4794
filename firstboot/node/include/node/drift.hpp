#pragma once

// Whether the node is still what image, site and declared state make it: the layer over /etc against what
// it was when the root was switched.

#include <filesystem>
#include <string>
#include <vector>

namespace ashlar::node {

// Notes the content of the layer `upper` in `record`. Asked in the initrd, after everything was rendered.
void record_layer(const std::filesystem::path& upper, const std::filesystem::path& record);

// A file of /etc that this node's own daemon has rendered since ("/etc/chrony/conf.d/ashlar.conf"): as it is now, it is no drift. Without a
// record, as on a machine that ashlard did not start, nothing is done.
void record_file(const std::string& path, const std::filesystem::path& upper = "/run/ashlar/etc/upper", const std::filesystem::path& record = "/run/ashlar/etc/record.json");

struct Drift {
    std::string path; // "/etc/passwd"
    std::string kind; // "added", "changed", "removed"
    bool operator==(const Drift&) const = default;
};
// By path. What lies in declared state is not drift: it is not in the layer.
[[nodiscard]] std::vector<Drift> drift(const std::filesystem::path& upper = "/run/ashlar/etc/upper", const std::filesystem::path& record = "/run/ashlar/etc/record.json");

} // namespace ashlar::node
