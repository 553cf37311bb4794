#include <pipeline/kept.hpp>

#include <set>

#include <fmt/format.h>

namespace ashlar::pipeline {

namespace fs = std::filesystem;

std::string roots_name(std::string_view what, const fs::path& place) {
    return fmt::format("{}-{}", what, sha256(fs::absolute(place).lexically_normal().native()).hex().substr(0, 12));
}

std::vector<Digest> blobs_of(const lock::Lock& lock) {
    std::set<Digest> blobs;
    for (const auto& package : lock.packages) blobs.insert(package.sha256);
    for (const auto& suite : lock.suites) {
        blobs.insert(suite.in_release);
        for (const auto& index : suite.indices) blobs.insert(index.content_sha256);
    }
    for (const auto& folder : lock.folders) blobs.insert(folder.index);
    for (const auto& [name, digest] : lock.outputs) blobs.insert(digest);
    return {blobs.begin(), blobs.end()};
}

void keep_lock(Workshop& workshop, const lock::Lock& lock) {
    const fs::path path = fs::absolute(workshop.lock_path()).lexically_normal();
    store::keep(workshop.store(), roots_name("lock-" + lock.train, path),
                {.reason = fmt::format("lock of train {}", lock.train), .while_exists = path, .blobs = blobs_of(lock), .stages = {}});
}

void keep_image(Workshop& workshop, const lock::Lock& lock, const std::string& role, const Product& product,
                std::span<const store::StageName> results) {
    const fs::path path = fs::absolute(product.disk()).lexically_normal();
    const std::set<store::StageName> stages(results.begin(), results.end());
    store::keep(workshop.store(), roots_name(fmt::format("image-{}-{}", lock.train, role), path.parent_path()),
                {.reason = fmt::format("newest image of {} in {}", role, path.parent_path().native()),
                 .while_exists = path,
                 .blobs = blobs_of(lock),
                 .stages = {stages.begin(), stages.end()}});
}

} // namespace ashlar::pipeline
