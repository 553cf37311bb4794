#pragma once

// The effects on a real machine, and on a directory that stands for one.

#include <forming/effects.hpp>

#include <filesystem>
#include <future>
#include <map>
#include <optional>
#include <string>

namespace ashlar::forming {

// Runs each job as a child, in a thread that waits for it, with timeout(1) for its deadline.
class ChildRunner : public Runner {
public:
    ~ChildRunner() override; // waits for what runs
    void start(const Job& job) override;
    [[nodiscard]] Answer poll(const std::string& name) override;

protected:
    // What is run for the job.
    [[nodiscard]] virtual std::vector<std::string> command(const Job& job) const { return job.argv; }

private:
    std::map<std::string, std::future<Outcome>> running_;
};

// On a node: each job is a transient unit of its own, with its own deadline, and what it prints is kept in files in memory. It
// survives the daemon: whoever comes after asks for the same name, waits as its predecessor would have, and gets exit code and output.
// Only what ran when the machine stopped is Unknown: then an observation is made again, and a step is judged by one.
//
// An observation gets a system that it can only read: of files nothing is its own but an empty /tmp and /var/tmp, which go with it. It is
// kept from writing by mistake, not from malice: it runs as root, and what it tells a service over a socket is not held back.
class TransientUnitRunner final : public Runner {
public:
    // `output`: a directory in memory, which is made.
    explicit TransientUnitRunner(std::filesystem::path output = "/run/ashlar/formations") : output_(std::move(output)) {}

    // One that an earlier daemon started, and that still runs, is waited for and not doubled. What it left behind otherwise is dropped.
    void start(const Job& job) override;
    [[nodiscard]] Answer poll(const std::string& name) override;

    [[nodiscard]] static std::string unit_of(const std::string& job); // "ashlar-formation-etcd-join.service"
    [[nodiscard]] std::vector<std::string> command(const Job& job) const;

    // What systemctl(1) says of a unit, as `Name=value` lines of the properties that `asked` names, and no output yet.
    static constexpr std::string_view asked = "LoadState,ActiveState,SubState,Result,ExecMainCode,ExecMainStatus";
    [[nodiscard]] static Answer answer_in(std::string_view properties);

private:
    [[nodiscard]] std::filesystem::path file_of(const std::string& job, std::string_view ending) const;
    void drop(const std::string& job, const Outcome& outcome) const;

    const std::filesystem::path output_;
};

// Files below a directory; owners by the names of its own /etc/passwd and /etc/group.
class RootFiles final : public Files {
public:
    explicit RootFiles(std::filesystem::path root) : root_(std::move(root)) {}
    [[nodiscard]] std::optional<File> read(const std::string& path) const override;
    void write(const std::string& path, const File& file) override;

private:
    std::filesystem::path root_;
};

// systemctl(1). What cannot be asked is an Error: a unit is not said to be inactive because nobody answers.
class SystemUnits final : public Units {
public:
    [[nodiscard]] State state(const std::string& unit) const override;
    void reset_failed(const std::string& unit) override;
    void start(const std::string& unit) override;
    void reload(const std::string& unit) override;
    void restart(const std::string& unit) override;
};

// Secrets as they are in the store: for tests, and for a site of one node whose store nobody else reads.
class OpenVault final : public Vault {
public:
    OpenVault(SiteStore& store, Randomness& random) : store_(store), random_(random) {}
    [[nodiscard]] std::optional<std::string> open(std::string_view formation, std::string_view secret) const override;
    void make(std::string_view formation, const formation::Secret& secret) override;

private:
    SiteStore& store_;
    Randomness& random_;
};

// A new secret in its form.
[[nodiscard]] std::string random_secret(const formation::Secret& secret, Randomness& random);

} // namespace ashlar::forming
