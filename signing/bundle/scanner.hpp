#pragma once

// Walks over the entries of a bundle in order.

#include <bundle/entry.hpp>
#include <bundle/input.hpp>

#include <base/error.hpp>

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

namespace ashlar::bundle {

class Scanner {
public:
    explicit Scanner(Input& input) : input_(input) {}

    [[nodiscard]] std::uint64_t offset() const noexcept { return offset_; }
    // The next entry, whose name is known from itself only.
    [[nodiscard]] Entry next();
    // This entry, and no other, is next.
    void expect(const Entry& entry);
    // All of out, which is a part of the current entry's contents.
    void read(std::span<std::byte> out);
    // Behind the contents.
    void skip_padding(std::uint64_t size);
    [[nodiscard]] std::string text(const Entry& entry, std::uint64_t most);
    void expect_end();

    // The same by position: headers, zeros.
    void expect_at(std::uint64_t offset, const Entry& entry);
    void expect_zeros_at(std::uint64_t offset, std::size_t count, std::string_view entry);

    // `cannot read '<bundle>': byte 512, entry '<entry>': <cause>`
    [[nodiscard]] Error refusal(std::uint64_t offset, std::string_view entry, std::string_view cause) const;

private:
    void check_header(std::uint64_t offset, const Entry& entry, std::string_view found) const;
    void check_zeros(std::uint64_t offset, std::string_view entry, std::span<const std::byte> bytes) const;

    Input& input_;
    std::uint64_t offset_ = 0, entry_begin_ = 0;
    std::string entry_ = "README.md"; // the current one
};

} // namespace ashlar::bundle
