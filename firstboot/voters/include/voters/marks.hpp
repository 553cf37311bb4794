#pragma once

// A bell that is asked: marks which become others when something was written in the site's store, by whomever.

#include <etcd/client.hpp>
#include <voters/client.hpp>

#include <chrono>
#include <mutex>
#include <optional>
#include <string>

namespace ashlar::voters {

struct Marks {
    std::string formations; // of what formations keep, and of locks
    std::string members;    // of who belongs to the site, who has a seat, and the plan
    bool operator==(const Marks&) const = default;
};

[[nodiscard]] Marks read_marks(etcd::Client& client);
// Of the voters; nothing when theirs is a release that has none. Error when none answers.
[[nodiscard]] std::optional<Marks> ask_marks(VotersClient& voters);

// However many ask a voter, its etcd is asked ten times a second at most.
class SharedMarks {
public:
    [[nodiscard]] Marks read(etcd::Client& client);

private:
    std::mutex mutex_;
    std::optional<Marks> marks_;
    std::chrono::steady_clock::time_point read_{};
};

} // namespace ashlar::voters
