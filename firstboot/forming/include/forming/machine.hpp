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

// On a node: each job is a transient unit of its own, which survives the daemon and ends by its own deadline. An observation
// gets a system that it can only read.
class TransientUnitRunner final : public ChildRunner {
public:
    void start(const Job& job) override;
    [[nodiscard]] Answer poll(const std::string& name) override;
    [[nodiscard]] static std::string unit_of(const std::string& job); // "ashlar-formation-etcd-join.service"
    [[nodiscard]] std::vector<std::string> command(const Job& job) const override;

private:
    std::map<std::string, bool> started_; // by this process
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

// systemctl(1).
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
