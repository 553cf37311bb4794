#pragma once

// A stranger with a cable into the switch, an address of the site's network, and no key.

#include <base/file.hpp>

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <thread>
#include <vector>

namespace ashlar::virtual_site {

class Stranger {
public:
    Stranger();
    Stranger(const Stranger&) = delete;
    Stranger& operator=(const Stranger&) = delete;
    ~Stranger();

    // The next beacon on the network; waits for it.
    [[nodiscard]] std::string record() const;

    // Sends what `next` says to everybody, so often in a second, until it ends.
    class Flood {
    public:
        Flood(const Stranger& stranger, unsigned rate, std::function<std::string()> next);
        // Datagrams so far.
        [[nodiscard]] std::uint64_t sent() const { return sent_; }

    private:
        std::atomic<std::uint64_t> sent_ = 0;
        std::jthread thread_;
    };

    // Connections to a TCP port that say nothing.
    [[nodiscard]] static std::vector<Fd> connect(const std::string& address, std::uint16_t port, unsigned count);

private:
    Fd socket_;
};

} // namespace ashlar::virtual_site
