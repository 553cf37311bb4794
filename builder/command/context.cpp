#include "options.hpp"

#include <base/error.hpp>

#include <unistd.h>

#include <fmt/format.h>

namespace ashlar::command {

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
    workshop_ = std::make_unique<pipeline::Workshop>(std::move(options), renderer());
    return *workshop_;
}

Context& Context::for_train(const std::string& train) {
    if (!train.empty() && !options_.workshop.train.empty() && train != options_.workshop.train)
        throw Error(fmt::format("cannot lock '{}': --train says '{}'", train, options_.workshop.train), "name one of them");
    if (!train.empty()) options_.workshop.train = train;
    return *this;
}

} // namespace ashlar::command
