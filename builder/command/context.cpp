#include "options.hpp"

#include <authority/repository.hpp>
#include <base/error.hpp>

#include <unistd.h>

#include <fmt/format.h>

namespace ashlar::command {

namespace {

std::filesystem::path newest_root(const std::filesystem::path& releases) {
    const authority::Repository repository(releases / "repository");
    const auto version = repository.version("root");
    return version ? repository.metadata_file("root", *version) : std::filesystem::path();
}

} // namespace

Renderer& Context::renderer() {
    if (!renderer_) renderer_ = make_renderer(options_.progress, STDERR_FILENO);
    return *renderer_;
}

pipeline::Workshop& Context::workshop() {
    if (workshop_) return *workshop_;
    pipeline::WorkshopOptions options = options_.workshop;
    using Options = pipeline::WorkshopOptions;
    options.network = options_.offline ? Options::Network::forbidden : Options::Network::allowed;
    options.expired = options_.allow_expired ? Options::Expired::accepted : Options::Expired::refused;
    options.trusted_root = newest_root(options_.releases);
    workshop_ = std::make_unique<pipeline::Workshop>(std::move(options), renderer());
    return *workshop_;
}

Context& Context::for_train(const std::string& train) {
    if (!train.empty() && !options_.workshop.train.empty() && train != options_.workshop.train)
        throw Error(fmt::format("cannot lock '{}': --train says '{}'", train, options_.workshop.train), "name one of them");
    if (!train.empty()) options_.workshop.train = train;
    return *this;
}

Context& Context::for_release(const std::string& release) {
    options_.workshop.release = release;
    return for_train(release.substr(0, release.find('.')));
}

} // namespace ashlar::command
