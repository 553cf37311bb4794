#pragma once

// A release manager with a repository, who has all keys of it.

#include "cluster_releases.hpp"
#include "error_of.hpp"

#include <authority/ceremony.hpp>
#include <base/error.hpp>
#include <base/file.hpp>
#include <releases/office.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <string>

namespace ashlar::releases {

constexpr Time now{std::chrono::sys_days(std::chrono::year(2026) / 11 / 30)};

class Manager : public testing::Test {
protected:
    Manager() {
        (void)authority::make_keys(keys, {.role = "train-R1", .scheme = SignatureScheme::ed25519, .count = 1, .passphrase = {}});
        hold_ceremony(now);
    }
    [[nodiscard]] Office office() const { return {directory.path() / "releases", keys}; }
    void hold_ceremony(Time time) const {
        const Office office = this->office();
        (void)authority::prepare(office.policy(), office.repository(), office.desk(), time);
        sign(office, time);
    }
    static void sign(const Office& office, Time time = now) { EXPECT_TRUE(office.desk().advance(authority::keys_at_hand(office.policy(), {}), time).wanted.empty()); }
    // As a cut leaves it; each file has its name for contents.
    void add(const std::string& version) const {
        const Office office = this->office();
        const ClusterRelease release = samples::cluster_release(version);
        edit(office, to_text(release.release.train), now, [&](tuf::Targets& targets) {
            const auto put = [&](const std::string& file, const std::string& text, Json custom) {
                const std::string path = target_path(release.release, file);
                auto target = office.repository().add_target_text(path, text);
                target.custom = std::move(custom);
                targets.targets.insert_or_assign(path, target);
            };
            put("release.json", cluster_release_text(release), Json{{"release", version}, {"channel", "edge"}});
            for (const auto& image : release.images)
                for (const auto& file : image.files) put(file.file, file.file, {});
            for (const auto& file : release.evidence) put(file.file, file.file, {});
        });
        sign(office);
    }

    TemporaryDirectory directory{testing::TempDir()};
    std::filesystem::path keys = directory.path() / "keys";
};

} // namespace ashlar::releases
