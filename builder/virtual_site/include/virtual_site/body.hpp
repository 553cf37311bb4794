#pragma once

// What a node of a virtual site runs in: a container or a machine. Both hang on the switch of this namespace.

#include <virtual_site/node.hpp>
#include <virtual_site/progress.hpp>

#include <base/json.hpp>
#include <machine/machine.hpp>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace ashlar::virtual_site {

class Body {
public:
    Body() = default;
    Body(const Body&) = delete;
    Body& operator=(const Body&) = delete;
    virtual ~Body() = default; // cuts its power

    virtual void power_on() = 0;
    [[nodiscard]] virtual bool is_on() = 0;
    // The daemon's socket, as this process reaches it; empty while there is no way to it. Called again and again.
    [[nodiscard]] virtual std::filesystem::path control_socket() = 0;
    // Whether the node has reached `network` or `etcd`, as it is seen from outside; nothing where that cannot be seen.
    [[nodiscard]] virtual std::optional<bool> shows(Step step) = 0;
    // What is worth telling of its boot once; an empty object while there is nothing.
    [[nodiscard]] virtual Json boot_report() = 0;
    // For <virtual_site/roster.hpp>: how somebody gets in.
    [[nodiscard]] virtual Json way_in() const = 0;
};

// How many disks for services a node has besides, and of which size in bytes.
struct ServiceDisks {
    unsigned count = 0;
    std::uint64_t size = std::uint64_t{10} << 30U;
};

// Files that are the node's, and stay when its power is off, are in `directory`.
struct BodyOptions {
    std::string name; // at most 12 of [a-z0-9-]
    std::string serial;
    std::filesystem::path directory, medium;
};

// `disks`: sparse files in its directory, which stay, behind loop devices, which do not.
[[nodiscard]] std::unique_ptr<Body> make_container(const BodyOptions& options, const RootMount& root, const ServiceDisks& disks = {});

struct MachineOptions {
    std::filesystem::path image; // copied once
    std::filesystem::path variables; // of the firmware, with the keys that signed the image; copied once
    machine::Firmware firmware;
    machine::Acceleration acceleration = machine::Acceleration::emulated;
    unsigned processors = 2, memory_mib = 1024;
    unsigned number = 1;       // of the machine on its switch, 1 to 65535: makes its MAC address
    std::filesystem::path key; // SSH; the public one is in the medium's site.toml
    std::filesystem::path run; // for sockets: a short path
};
[[nodiscard]] std::unique_ptr<Body> make_machine(const BodyOptions& options, const MachineOptions& machine);

} // namespace ashlar::virtual_site
