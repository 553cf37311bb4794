#pragma once

// How a boot ends, decided from what the machine says: its serial console, the status port
// (docs/formats/status.md) and the emulator's own events. Pure: bytes in, verdict out.

#include <base/json.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace ashlar::machine {

enum class Outcome {
    ready,       // the node says `running`, or the probe its marker
    degraded,    // the boot came to its end, but not all of it: the detail names the failed units
    refused,     // firmware, boot loader or initrd did not go on: signature, root hash, missing partition
    panicked,    // the kernel stopped, e.g. on a corrupt block
    reset,       // started again without saying why
    powered_off, // before it was ready
    timed_out,   // used up its budget
    interrupted, // by a signal to us or to the emulator
};
[[nodiscard]] std::string_view name_of(Outcome outcome); // "ready", "powered off", …
// 0 for ready; 10 to 15 for degraded … timed_out in this order, 130 for interrupted.
[[nodiscard]] int exit_code(Outcome outcome);

struct Verdict {
    Outcome outcome;
    std::string detail; // a line from the machine, or what was missed; never empty
};

// How far to go.
enum class Until {
    ready,     // stop the machine when it is ready
    power_off, // let it go on until it powers itself off or resets, and see what happens meanwhile
    shut_down, // the same, after its power button was pressed once, when it was ready
};

class Watch {
public:
    explicit Watch(Until until) : until_(until) {}

    // Each takes what came and answers when the end is known.
    [[nodiscard]] std::optional<Verdict> console(std::string_view bytes);
    [[nodiscard]] std::optional<Verdict> status_port(std::string_view bytes);
    // `reason` as in QEMU's SHUTDOWN event: "guest-shutdown", "guest-reset", "host-signal", …
    [[nodiscard]] Verdict shut_down(std::string_view reason) const;
    [[nodiscard]] Verdict out_of_budget() const;

    // Ready or degraded, and the machine goes on.
    [[nodiscard]] bool settled() const noexcept { return settled_.has_value(); }
    // The object that came by the status port, once it came.
    [[nodiscard]] const std::optional<Json>& status() const noexcept { return status_; }
    // Everything the console said.
    [[nodiscard]] const std::string& transcript() const noexcept { return transcript_; }

private:
    [[nodiscard]] std::optional<Verdict> line(std::string line);
    [[nodiscard]] std::optional<Verdict> settle(Verdict verdict);
    [[nodiscard]] std::optional<Verdict> panic(std::string cause);
    [[nodiscard]] std::string last_line() const;

    Until until_;
    std::string transcript_;
    std::string console_rest_, port_rest_; // an unfinished line of each
    std::string corruption_; // the last line in which dm-verity found something
    std::optional<Verdict> settled_; // ready or degraded, when the machine went on after it
    std::optional<Verdict> panicked_; // when the machine's end was awaited after it
    std::optional<Json> status_;
};

} // namespace ashlar::machine
