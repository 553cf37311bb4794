#pragma once

// Keeps /run/ashlar/disks.json as the disks and the plan are: by a thread of its own. docs/formats/disks.md.

#include <disks/survey.hpp>

#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace ashlar::disks {

class DisksFile {
public:
    struct Wanted {
        std::string site; // its id
        std::map<std::string, std::vector<site::DataDisks>> rules;
        std::set<std::string> roles; // of this node, with what they extend
    };
    struct Parts {
        std::filesystem::path file = "/run/ashlar/disks.json";
        Devices devices = Devices::hardware;
        std::function<std::optional<Wanted>()> wanted; // nothing while the site is not known
        std::filesystem::path root = "/";
        std::chrono::milliseconds every = std::chrono::seconds(15);
    };
    explicit DisksFile(Parts parts); // begins
    DisksFile(const DisksFile&) = delete;
    DisksFile& operator=(const DisksFile&) = delete;
    ~DisksFile() = default;

    // The plan is another, perhaps. From any thread.
    void wake();

private:
    void run(const std::stop_token& stop);
    void look();

    const Parts parts_;
    std::optional<Survey> survey_;
    std::string mark_, written_; // by which it looks; what stands in the file

    std::mutex mutex_; // of what follows
    std::condition_variable_any woken_;
    bool is_woken_ = false;

    std::jthread thread_;
};

} // namespace ashlar::disks
