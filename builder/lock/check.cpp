#include "check.hpp"

#include "names.hpp"
#include "time.hpp"

#include <base/error.hpp>

#include <set>
#include <tuple>

#include <fmt/format.h>

namespace ashlar::lock {

namespace {

// The first fault ends the search: whoever finds it throws it, first_fault() catches it.
struct Fault {
    std::string text;
};

void expect(Rule rule, const std::string& word, const std::string& place) {
    if (const auto wanted = rule(word)) throw Fault{fmt::format("{}: expected {}, found '{}'", place, *wanted, word)};
}

void expect_time(std::int64_t seconds, const std::string& place) {
    if (!write_time(seconds))
        throw Fault{fmt::format("{}: expected a time from 1970 to 9999, found {} seconds", place, seconds)};
}

void expect_size(std::uint64_t size, const std::string& place) {
    if (size == 0) throw Fault{fmt::format("{}: expected the number of bytes, found 0", place)};
}

void check(const Index& index, const std::string& place) {
    expect(not_a_name, index.component, place + ".component");
    expect(not_a_path, index.path, place + ".path");
    expect_size(index.size, place + ".size");
}

void check(const Suite& suite, const std::string& place) {
    expect(not_a_name, suite.archive, place + ".archive");
    expect(not_a_name, suite.suite, place + ".suite");
    expect_time(suite.date, place + ".date");
    if (suite.valid_until) expect_time(*suite.valid_until, place + ".valid_until");
    if (suite.signers.empty()) throw Fault{fmt::format("{}.signers: expected at least one", place)};
    for (const auto& signer : suite.signers) expect(not_a_fingerprint, signer, place + ".signers");
    for (std::size_t i = 0; i < suite.indices.size(); ++i)
        check(suite.indices[i], fmt::format("{}.indices[{}]", place, i));
}

void check(const Package& package, const std::string& place) {
    expect(not_a_package, package.name, place + ".name");
    expect(not_a_version, package.version, place + ".version");
    expect(not_an_architecture, package.architecture, place + ".architecture");
    expect(not_a_name, package.archive, place + ".archive");
    if (!package.component.empty()) expect(not_a_name, package.component, place + ".component");
    expect(not_a_path, package.path, place + ".path");
    expect_size(package.size, place + ".size");
    expect(not_a_package, package.source, place + ".source");
    expect(not_a_version, package.source_version, place + ".source_version");
    expect(not_a_line, package.maintainer, place + ".maintainer");
    expect(not_a_line, package.homepage, place + ".homepage");
}

std::set<std::string> archives_of(const Lock& lock) {
    std::set<std::string> archives;
    for (const auto& suite : lock.suites) archives.insert(suite.archive);
    for (const auto& folder : lock.folders) archives.insert(folder.archive);
    return archives;
}

void check_suites(const Lock& lock) {
    for (std::size_t i = 0; i < lock.suites.size(); ++i) {
        const Suite& suite = lock.suites[i];
        check(suite, fmt::format("suites[{}]", i));
        if (i > 0 && lock.suites[i - 1].archive == suite.archive && lock.suites[i - 1].suite == suite.suite)
            throw Fault{fmt::format("suites[{}]: '{}' of '{}' is there twice", i, suite.suite, suite.archive)};
    }
}

void check_folders(const Lock& lock) {
    for (std::size_t i = 0; i < lock.folders.size(); ++i) {
        const std::string& archive = lock.folders[i].archive;
        expect(not_a_name, archive, fmt::format("folders[{}].archive", i));
        if (i > 0 && lock.folders[i - 1].archive == archive)
            throw Fault{fmt::format("folders[{}]: '{}' is there twice", i, archive)};
    }
}

void check_packages(const Lock& lock) {
    const std::set<std::string> archives = archives_of(lock);
    for (std::size_t i = 0; i < lock.packages.size(); ++i) {
        const Package& package = lock.packages[i];
        const std::string place = fmt::format("packages[{}]", i);
        check(package, place);
        // What Ashlar compiled itself comes from no archive; its digest is an output of this lock.
        const auto output = lock.outputs.find(package.name);
        const bool made_here = output != lock.outputs.end() && output->second == package.sha256;
        if (!made_here && !archives.contains(package.archive))
            throw Fault{
                fmt::format("{}.archive: '{}' is neither in 'suites' nor in 'folders'", place, package.archive)};
        if (i == 0) continue;
        const Package& before = lock.packages[i - 1];
        if (std::tie(before.name, before.version, before.architecture) ==
            std::tie(package.name, package.version, package.architecture))
            throw Fault{fmt::format("{}: '{}' {} {} is there twice", place, package.name, package.version,
                                    package.architecture)};
    }
}

void check_lock(const Lock& lock) {
    expect(not_a_name, lock.train, "train");
    expect(not_an_architecture, lock.architecture, "architecture");
    expect_time(lock.epoch, "epoch");
    for (const auto& [role, indices] : lock.roles) expect(not_a_name, role, "roles");
    check_suites(lock);
    check_folders(lock);
    check_packages(lock);
    for (const auto& [output, digest] : lock.outputs) expect(not_a_name, output, "outputs");
}

} // namespace

std::optional<std::string> first_fault(const Lock& lock) {
    try {
        check_lock(lock);
        return std::nullopt;
    } catch (Fault& fault) {
        return std::move(fault.text);
    }
}

} // namespace ashlar::lock
