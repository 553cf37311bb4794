#pragma once

// What disks a node that runs has, and what lies on them, as far as services are concerned. Nothing is written. docs/formats/disks.md.

#include <disks/sets.hpp>
#include <signing/digest.hpp>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace ashlar::disks {

// Where a node's disks are looked for.
enum class Devices {
    hardware,
    loops, // of a container: loop devices in its /dev. Each stands for a disk on any bus
};

class Survey {
public:
    // `mark`: what makes a disk the site's. `root`: of the node.
    Survey(std::string mark, Devices devices, std::filesystem::path root = "/") : mark_(std::move(mark)), devices_(devices), root_(std::move(root)) {}

    // By name. The first MiB of each is read each time; whether it is blank, only when that has changed.
    [[nodiscard]] std::vector<DataDisk> look();

private:
    struct Known {
        std::string serial;
        std::uint64_t size = 0;
        Digest beginning;
        Holds holds = Holds::foreign;
        std::string carries;
    };
    void look_at(DataDisk& disk);
    void look_on(DataDisk& disk);

    const std::string mark_;
    const Devices devices_;
    const std::filesystem::path root_;
    std::map<std::string, Known> known_; // by name
};

} // namespace ashlar::disks
