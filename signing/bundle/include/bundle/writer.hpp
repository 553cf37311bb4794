#pragma once

// A bundle from a repository and a manifest that is signed already. The same repository gives the same bytes.

#include <base/file.hpp>
#include <base/progress.hpp>
#include <signing/bytes.hpp>
#include <signing/key.hpp>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ashlar::bundle {

// Where a bundle goes. Files get their names when all of them are whole and on the disk.
class Output {
public:
    // A file, or with `split` pieces of so many bytes.
    Output(std::filesystem::path file, std::optional<std::uint64_t> split);
    // A stream; the descriptor is owned.
    Output(Fd stream, std::string name);
    Output(const Output&) = delete;
    Output& operator=(const Output&) = delete;
    ~Output(); // removes what was not finished

    // Before the first byte: how many will come. An Error when they make too many pieces, or do not fit.
    void expect(std::uint64_t size);
    void put(std::string_view bytes);
    // The first `size` bytes of a file; an Error when it has fewer.
    void copy(const std::filesystem::path& file, std::uint64_t size);
    void finish();
    [[nodiscard]] const std::vector<std::filesystem::path>& pieces() const noexcept { return pieces_; }

private:
    [[nodiscard]] std::uint64_t room();
    void open_piece();
    void flush();
    std::uint64_t copy_some(const Fd& from, const std::filesystem::path& name, std::uint64_t most);

    std::filesystem::path file_; // empty: a stream
    std::optional<std::uint64_t> split_;
    std::string name_;
    Fd fd_;
    std::uint64_t in_piece_ = 0;
    std::string buffer_;
    std::vector<std::filesystem::path> pieces_; // final names
    enum class Whole { no, yes } whole_ = Whole::no;
};

struct WriteOrder {
    std::filesystem::path repository; // with metadata/ and targets/
    std::string train;                // whose metadata/bundle-<train>.json says what is carried
    Time now;                         // what has expired is not exported
};
struct Written {
    std::uint64_t size = 0; // bytes
    std::uint64_t serial = 0;
    std::uint64_t targets = 0;
};

// What an import would refuse is refused here: the chain, the manifest, metadata, length and SHA-256 of each target.
Written write(const WriteOrder& order, Output& output, Renderer& renderer);

} // namespace ashlar::bundle
