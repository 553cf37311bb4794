#pragma once

// When each formation of this node became what it is, since the node came on: for `ashlarctl timeline`, in the form of <timeline/timeline.hpp>.

#include <base/json.hpp>
#include <forming/engine.hpp>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace ashlar::formations {

// Milliseconds: since the first process began, and the Unix time of that.
struct Age {
    std::int64_t now = 0, power_on = 0;
};
[[nodiscard]] Age age_of_node();

// Kept in a file, so that a daemon that starts again goes on with it; below /run, so that a node that starts again begins anew.
class History {
public:
    static constexpr std::size_t most_events = 2000; // the newest half is kept beyond that

    explicit History(std::filesystem::path file); // what is there and cannot be read is begun anew

    // What is as it was is no event.
    void note(const forming::Standing& standing, std::int64_t at);
    [[nodiscard]] Json json(const std::string& node, const Age& age) const;

private:
    void append(Json event);

    std::filesystem::path file_;
    std::vector<Json> events_;
    std::map<std::string, forming::Standing, std::less<>> last_;
};

} // namespace ashlar::formations
