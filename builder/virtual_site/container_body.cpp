#include <virtual_site/body.hpp>

#include <base/error.hpp>
#include <base/file.hpp>
#include <site/ports.hpp>
#include <virtual_site/loop_disk.hpp>

#include <deque>

#include <fmt/format.h>

namespace ashlar::virtual_site {

namespace fs = std::filesystem;

namespace {

std::string read_if_there(const fs::path& file) {
    try {
        return read_file(file);
    } catch (const Error&) {
        return {};
    }
}

class Container : public Body {
public:
    Container(const BodyOptions& options, const RootMount& root, const ServiceDisks& disks) : node_(options.name, options.directory, root, options.medium, options.serial) {
        for (unsigned i = 1; i <= disks.count; ++i) {
            const fs::path file = options.directory / fmt::format("disk-{}.img", i);
            make_disk_file(file, disks.size);
            node_.give_disk(disks_.emplace_back(file).path());
        }
    }

    void power_on() override { node_.power_on(); }
    bool is_on() override { return node_.is_on(); }
    fs::path control_socket() override { return inside("root/run/ashlar/ashlard.sock"); }
    std::optional<bool> shows(Step step) override {
        if (step == Step::etcd) return listens(site::etcd_client_port);
        // systemd-networkd(8) keeps it for others to read.
        return read_if_there(inside("root/run/systemd/netif/state")).find("ADDRESS_STATE=routable") != std::string::npos;
    }
    Json boot_report() override { return Json::object(); }
    Json way_in() const override { return {{"machine", node_.name()}}; }

private:
    fs::path inside(const char* path) const {
        const auto process = node_.first_process();
        return process ? fs::path(fmt::format("/proc/{}/{}", *process, path)) : fs::path();
    }
    // proc_pid_net(5): local address, port, remote address, port, and 0A for a socket that listens.
    bool listens(std::uint16_t port) const {
        const std::string needle = fmt::format(":{:04X} ", port);
        for (const char* table : {"net/tcp", "net/tcp6"}) {
            const std::string text = read_if_there(inside(table));
            for (auto at = text.find(needle); at != std::string::npos; at = text.find(needle, at + 1)) {
                const auto state = text.find(' ', at + needle.size());
                if (state != std::string::npos && text.compare(state + 1, 2, "0A") == 0) return true;
            }
        }
        return false;
    }

    std::deque<LoopDisk> disks_; // outlive the node's power
    Node node_;
};

} // namespace

std::unique_ptr<Body> make_container(const BodyOptions& options, const RootMount& root, const ServiceDisks& disks) { return std::make_unique<Container>(options, root, disks); }

} // namespace ashlar::virtual_site
