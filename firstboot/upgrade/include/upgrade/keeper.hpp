#pragma once

// Moves a node through the table, one phase at a time: keeps the journal, does the work through Steps, and
// remembers what came of it. All that touches the machine is behind Steps and Memory, so that every cut and
// every failure can be tried out.

#include <upgrade/journal.hpp>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <variant>

namespace ashlar::upgrade {

// The work of the phases. Each may be done again after it was cut off anywhere. Failures are Errors.
class Steps {
public:
    virtual ~Steps() = default;
    // What the source has for this node. Nothing: it is what runs.
    [[nodiscard]] virtual std::optional<Target> check(const Source& source) = 0;
    virtual void clear(const Target& target) = 0;
    virtual void mark(const Target& target) = 0;
    // By the target's route, from an operation on. `on_disk` is told how many operations a power cut cannot take away any
    // more. Nothing: the root is there. Otherwise why this route cannot be gone, and another may.
    [[nodiscard]] virtual std::optional<std::string> write(const Source& source, const Target& target, std::uint64_t from,
                                                           const std::function<void(std::uint64_t)>& on_disk) = 0;
    virtual void prove(const Target& target) = 0;
    virtual void name(const Target& target) = 0;
    virtual void arm(const Target& target) = 0;
    virtual void bless(const Installed& image) = 0;
    // The running release, or one that waits for its first start, is given up; another must be there.
    virtual void give_up(const Installed& image) = 0;
    virtual void restart() = 0;
};

// Where the journal is kept.
class Memory {
public:
    virtual ~Memory() = default;
    // A journal that was never written is one that rests.
    [[nodiscard]] virtual Journal recall() = 0;
    // Returns when it is on the disk.
    virtual void keep(const Journal& journal) = 0;
};

class Keeper {
public:
    // `changed` is called after each change of the journal.
    Keeper(Steps& steps, Memory& memory, std::function<void(const Journal&)> changed);

    // First of all, once.
    void wake(const Facts& facts);
    // What somebody asks for or says. False, and nothing happens, when this is no time for it.
    [[nodiscard]] bool upgrade(const Source& source, After after, const Installed& running);
    [[nodiscard]] bool go_back(const Installed& running);
    // The order of it is in the state already.
    [[nodiscard]] bool reset();
    [[nodiscard]] bool report(Event health, const std::string& reason = {});
    // Does the work of the present phase. False: there is none, somebody must ask or restart.
    bool work();

    [[nodiscard]] const Journal& journal() const { return journal_; }

private:
    // Throws std::logic_error when the table has no row.
    void move(Event event);
    void settle(Event event);
    [[nodiscard]] Event perform();
    [[nodiscard]] Event write();
    [[nodiscard]] Event take_another_route(std::string refusal);
    void give_up();
    void end(std::string text);

    Steps& steps_;
    Memory& memory_;
    std::function<void(const Journal&)> changed_;
    Journal journal_;
    bool restarted_ = false;
};

} // namespace ashlar::upgrade
