#pragma once

#include <store/store.hpp>

namespace ashlar::store {

// Where a blob is being received: the store's own partial file, or, while another process is at the
// same blob, a file in `workspace` that only we know.
class Landing {
public:
    Landing(Store& store, std::filesystem::path workspace, const Digest& digest)
        : store_(&store), workspace_(std::move(workspace)), digest_(digest) {}

    std::filesystem::path open() {
        partial_ = store_->claim_partial(digest_);
        return path();
    }
    // The file is complete, and its digest is what it should be.
    void adopt() {
        store_->adopt(path(), digest_);
        partial_.reset();
    }
    void let_go() { partial_.reset(); }

private:
    [[nodiscard]] std::filesystem::path path() const { return partial_ ? partial_->path : workspace_ / digest_.hex(); }

    Store* store_;
    std::filesystem::path workspace_;
    Digest digest_;
    std::optional<Partial> partial_;
};

} // namespace ashlar::store
