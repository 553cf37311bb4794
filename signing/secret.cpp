#include <signing/secret.hpp>

#include "private_key.hpp"

#include <base/error.hpp>
#include <base/file.hpp>

#include <algorithm>
#include <cstring>
#include <fcntl.h>
#include <new>
#include <span>
#include <utility>

#include <fmt/format.h>
#include <sys/resource.h>

#include <openssl/crypto.h>

namespace ashlar {

namespace fs = std::filesystem;

void prepare_for_secrets() {
    constexpr std::size_t heap = std::size_t{1} << 20, smallest = 32;
    [[maybe_unused]] static const bool prepared = [] {
        rlimit limit{};
        ::getrlimit(RLIMIT_CORE, &limit);
        limit.rlim_cur = 1;
        limit.rlim_max = std::max<rlim_t>(limit.rlim_max, 1);
        // Fails where the limit is 0 already, and only root may raise it.
        ::setrlimit(RLIMIT_CORE, &limit);
        // Memory that cannot be locked is still wiped and not dumped.
        return CRYPTO_secure_malloc_init(heap, smallest) != 0;
    }();
}

namespace {

Error too_large(std::string_view name) { return Error(fmt::format("cannot read '{}': it is larger than 64 KiB", name)); }

// Where bytes arrive whose number is not known yet.
class Arrival {
public:
    Arrival() {
        prepare_for_secrets();
        if (data_ = static_cast<char*>(OPENSSL_secure_malloc(capacity)); data_ == nullptr) throw std::bad_alloc();
    }
    Arrival(const Arrival&) = delete;
    Arrival& operator=(const Arrival&) = delete;
    ~Arrival() { OPENSSL_secure_clear_free(data_, capacity); }

    // Whether there was more; at most `most` bytes.
    bool more(int fd, std::string_view name, std::size_t most) {
        if (size_ == capacity) throw too_large(name);
        const std::size_t got = read_some(fd, std::as_writable_bytes(std::span(data_ + size_, std::min(most, capacity - size_))), name);
        size_ += got;
        return got != 0;
    }
    [[nodiscard]] std::string_view text() const { return {data_, size_}; }

private:
    static constexpr std::size_t capacity = Secret::most + 1;
    char* data_ = nullptr;
    std::size_t size_ = 0;
};

std::string_view without_line_end(std::string_view text) { return text.ends_with('\n') ? text.substr(0, text.size() - 1) : text; }

} // namespace

Secret::Secret(std::string_view text) : size_(text.size()) {
    prepare_for_secrets();
    if (data_ = static_cast<char*>(OPENSSL_secure_malloc(size_ + 1)); data_ == nullptr) throw std::bad_alloc();
    std::ranges::copy(text, data_);
    data_[size_] = '\0';
}

Secret::Secret(Secret&& other) noexcept : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

Secret& Secret::operator=(Secret&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
}

Secret::~Secret() {
    if (data_ != nullptr) OPENSSL_secure_clear_free(data_, size_ + 1);
}

Secret Secret::all_from(int fd, std::string_view name) {
    Arrival arrival;
    while (arrival.more(fd, name, most)) continue;
    return Secret(arrival.text());
}

Secret Secret::line_from(int fd, std::string_view name) {
    Arrival arrival;
    while (arrival.more(fd, name, 1) && !arrival.text().ends_with('\n')) continue;
    return Secret(without_line_end(arrival.text()));
}

namespace {

Error refusal(const fs::path& path, std::string_view cause, std::string hint) {
    return Error(fmt::format("cannot read the secret in '{}': {}", path.native(), cause), std::move(hint));
}

} // namespace

Secret Secret::of_file(const fs::path& path) {
    const Fd fd = open_file(path, O_RDONLY);
    if (const auto mode = mode_for_others(fd.get(), path))
        throw refusal(path, fmt::format("its mode {:04o} lets others than its owner use it", *mode), fmt::format("chmod 600 '{}'", path.native()));
    return all_from(fd.get(), path.native());
}

Secret Secret::line_of(const fs::path& path) {
    const Secret all = of_file(path);
    const std::string_view line = without_line_end(all.text());
    if (line.empty()) throw refusal(path, "it is empty", "write the passphrase or PIN into it, and nothing else");
    if (line.find('\n') != line.npos) throw refusal(path, "it has more than one line", "write the passphrase or PIN into it, and nothing else");
    return Secret(line);
}

} // namespace ashlar
