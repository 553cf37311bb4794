#pragma once

// A node in a container on this machine (systemd-nspawn), from an image that `ashlar build` made: its own systemd as first
// process, its own network interface, a state and a /var that outlive its power. docs/formats/node-container.md.
//
// Used inside root::enter_site_namespace(): with it end containers, mounts and interfaces, however it ends.

#include <base/process.hpp>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ashlar::virtual_site {

// An Ethernet switch that only nodes are connected to.
class Switch {
public:
    static constexpr const char* name = "site0"; // of the interface of the first one

    explicit Switch(std::string interface = name);
    Switch(const Switch&) = delete;
    Switch& operator=(const Switch&) = delete;
    ~Switch();
    [[nodiscard]] const std::string& interface() const noexcept { return interface_; }

private:
    const std::string interface_;
};

// Gives an address of 10.77.0.0/16 to whoever asks on a switch: dnsmasq, which is the only one there with an address of its own, 10.77.255.254.
class AddressServer {
public:
    // `directory`: what it remembers of whom it gave one is kept there. An Error where there is no dnsmasq.
    AddressServer(const Switch& at, const std::filesystem::path& directory);
    AddressServer(const AddressServer&) = delete;
    AddressServer& operator=(const AddressServer&) = delete;
    ~AddressServer();

private:
    const std::string interface_;
    RunningChild program_;
};

// The root file system of an image, mounted read-only for as many nodes as want it.
class RootMount {
public:
    // `at`: a directory that is made.
    RootMount(const std::filesystem::path& image, std::filesystem::path at);
    RootMount(const RootMount&) = delete;
    RootMount& operator=(const RootMount&) = delete;
    ~RootMount();
    [[nodiscard]] const std::filesystem::path& path() const noexcept { return at_; }

private:
    std::filesystem::path at_;
};

class Node {
public:
    // `name`: at most 12 of [a-z0-9-], since an interface is called after it. `directory`: what of the node stays when its power
    // is off, and console.log; what is there is gone on with. `medium`: copied once, as the medium that it was installed from.
    // `serial`: what its firmware says; empty: its name. `root` outlives it.
    Node(std::string name, std::filesystem::path directory, const RootMount& root, const std::filesystem::path& medium, std::string_view serial = {});
    ~Node(); // cuts its power

    [[nodiscard]] const std::string& name() const noexcept { return name_; }
    [[nodiscard]] std::filesystem::path console() const { return directory_ / "console.log"; }
    [[nodiscard]] bool is_on();

    // A loop device that is in its /dev from the next time that it is powered on, under the same name. Its disk rules see such disks
    // and no others. An Error for whatever is no loop device: a disk of this machine is never given away.
    void give_disk(const std::filesystem::path& device);

    // Returns when its first process runs.
    void power_on();
    // At once, whatever it does.
    void cut_power();
    // As by its power button; returns when it is off. Error when that takes longer than a minute.
    void shut_down();
    // A disk that was never written: state and /var are as at first. The power is off.
    void reflash();
    // /var alone. The power is off.
    void lose_var();
    // Its disks are in another machine, whose firmware says this. The power is off.
    void move_to_board(std::string_view serial);
    // Which switch it hangs on from the next time that it is powered on, and with how many ports: host0, host1 …
    void wire(const Switch& to, unsigned ports = 1);

    // The cable between it and the switch.
    void unplug() const;
    void plug_in() const;

    // A program on the node; it is on.
    [[nodiscard]] Outcome run(std::vector<std::string> argv) const;
    // Its first process, as this one counts them; nothing while it is off, or just starts again.
    [[nodiscard]] std::optional<pid_t> first_process() const;

private:
    // The switch's end of the cable of a port.
    [[nodiscard]] std::string interface(unsigned port = 0) const { return port == 0 ? "vb-" + name_ : "v" + std::to_string(port) + "-" + name_; }
    void make_disk() const;

    const std::string name_, group_;
    const std::filesystem::path directory_;
    const RootMount& root_;
    std::vector<std::filesystem::path> disks_;
    std::string switch_ = Switch::name;
    unsigned ports_ = 1; // at most 10
    std::unique_ptr<RunningChild> container_;
};

} // namespace ashlar::virtual_site
