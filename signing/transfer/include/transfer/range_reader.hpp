#pragma once

// Parts of one file behind a URL (http, https, file), by position.
//
// One range a request, over connections that stay open; a part that was cut off is continued where it
// ended, after a pause. A server that answers every request with the whole file is borne: the response is
// kept open, and as long as reads go forward they all take from it, so that the file comes once and not
// once for each read.
//
// Nothing is verified here: whoever reads knows the digests.

#include <transfer/downloader.hpp>

#include <signing/source.hpp>

#include <cstdint>
#include <memory>
#include <string>

namespace ashlar::transfer {

class RangeReader final : public Source {
public:
    // Asks nobody yet. Of the options, connections_per_host means nothing here.
    RangeReader(std::string url, Options options);
    RangeReader(const RangeReader&) = delete;
    RangeReader& operator=(const RangeReader&) = delete;
    ~RangeReader() override;

    // Throws Error `cannot fetch '<url>': …`, with a hint where there is one, when no try led to the bytes
    // (Options::tries in a row without a megabyte of progress), at once for what trying again cannot cure
    // (404, a certificate), and when the file has another size than at first. The first call of any of
    // these asks for the first 64 KiB and keeps them.
    [[nodiscard]] std::uint64_t size() override;
    void read(std::uint64_t offset, std::span<std::byte> out) override;

    enum class Service {
        parts, // each read costs what it asks for
        whole, // reads that go back begin at the file's start: better read forward, once
    };
    [[nodiscard]] Service service();

    // The URL without user name and password.
    [[nodiscard]] std::string name() const override;
    // Bytes of responses so far, what was skipped and thrown away included.
    [[nodiscard]] std::uint64_t transferred() const noexcept;

private:
    class Engine;
    std::unique_ptr<Engine> engine_;
};

} // namespace ashlar::transfer
