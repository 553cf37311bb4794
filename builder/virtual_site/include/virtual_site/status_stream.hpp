#pragma once

// What a node's daemon says of itself, as it changes: docs/formats/control.md, "Status". Never waits.

#include <base/file.hpp>
#include <base/json.hpp>

#include <filesystem>
#include <optional>
#include <string>

namespace ashlar::virtual_site {

class StatusStream {
public:
    // Asks at a daemon's socket, unless it does so already. Nothing happens while nobody listens there.
    void listen_at(const std::filesystem::path& socket);
    // For poll(2); -1 while there is none.
    [[nodiscard]] int fd() const noexcept { return connection_.get(); }
    // The newest answer that came since the last call. When the daemon goes away, listen_at() asks the next.
    [[nodiscard]] std::optional<Json> take();

private:
    void receive();

    Fd connection_;
    std::string in_;
};

} // namespace ashlar::virtual_site
