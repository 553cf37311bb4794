#pragma once

// All that the engine does to a machine and to a site, besides the store.

#include <forming/site.hpp>
#include <forming/store.hpp>

#include <base/json.hpp>

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace ashlar::forming {

// A program that runs for a formation. One at a time has a name.
struct Job {
    std::string name; // "etcd-observe", "etcd-join"
    std::vector<std::string> argv;
    formation::Duration timeout{};
    enum class Kind { observation, step } kind = Kind::step; // an observation may write nowhere
};

struct Outcome {
    int exit_code = 0; // 128 + signal when killed
    std::string output, errors;
    bool was_too_slow = false;
};

class Runner {
public:
    virtual ~Runner() = default;
    // Returns at once. Error when it cannot be started.
    virtual void start(const Job& job) = 0;
    struct Unknown {}; // nothing of that name was started, or nobody knows what became of it
    struct Running {};
    using Answer = std::variant<Unknown, Running, Outcome>;
    // An outcome is told once.
    [[nodiscard]] virtual Answer poll(const std::string& name) = 0;
};

// Rendered files. Paths are those of the node.
class Files {
public:
    virtual ~Files() = default;
    struct File {
        std::string text, owner, group;
        unsigned mode = 0;
        bool operator==(const File&) const = default;
    };
    [[nodiscard]] virtual std::optional<File> read(const std::string& path) const = 0;
    // Under its name it is complete, and has its owner and mode from the first byte.
    virtual void write(const std::string& path, const File& file) = 0;
};

class Units {
public:
    virtual ~Units() = default;
    enum class State { inactive, active, failed };
    [[nodiscard]] virtual State state(const std::string& unit) const = 0;
    // Forgets failures, and with them how often it was started lately: systemd refuses a start that came too often.
    virtual void reset_failed(const std::string& unit) = 0;
    virtual void start(const std::string& unit) = 0; // returns when it was asked for, not when it is up
    // Only what is active.
    virtual void reload(const std::string& unit) = 0;
    virtual void restart(const std::string& unit) = 0;
};

// Secrets: kept in the store, sealed to the nodes that may read them.
class Vault {
public:
    virtual ~Vault() = default;
    // Nothing when it was not made, or not for this node.
    [[nodiscard]] virtual std::optional<std::string> open(std::string_view formation, std::string_view secret) const = 0;
    // Makes one of random bytes and keeps it, unless another node was faster.
    virtual void make(std::string_view formation, const formation::Secret& secret) = 0;
};

// With what this node speaks TLS for a formation that has [certificate].
class Certificates {
public:
    virtual ~Certificates() = default;
    struct Credentials {
        std::string chain, key; // PEM
    };
    // Nothing while there is none.
    [[nodiscard]] virtual std::optional<Credentials> credentials(std::string_view formation) const = 0;
    // Why, for people; empty: it was not asked for yet.
    [[nodiscard]] virtual std::string trouble(std::string_view formation) const = 0;
};

class Randomness {
public:
    virtual ~Randomness() = default;
    virtual void fill(std::span<std::byte> bytes) = 0;
};

struct Effects {
    SiteStore& store;
    Vault& vault;
    Runner& runner;
    Files& files;
    Units& units;
    Randomness& random;
    const Certificates* certificates = nullptr; // null: there are none, and what needs one waits
};

} // namespace ashlar::forming
