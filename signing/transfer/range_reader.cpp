#include <transfer/range_reader.hpp>

#include "body.hpp"

#include <base/error.hpp>

#include <algorithm>
#include <optional>
#include <thread>

#include <fmt/format.h>

namespace ashlar::transfer {

namespace {

constexpr std::uint64_t head_size = 64U << 10U;
constexpr std::uint64_t worthwhile = 1'000'000; // bytes of progress that make a failure not count

} // namespace

class RangeReader::Engine {
public:
    Engine(std::string url, Options options)
        : url_(std::move(url)), parts_(parse_url(url_)), options_(std::move(options)), multi_(make_multi()) {
        if (parts_.scheme == "file") file_.emplace(path_of(url_));
    }

    [[nodiscard]] const std::string& name() const noexcept { return parts_.shown; }
    [[nodiscard]] std::uint64_t transferred() const noexcept { return transferred_ + (body_ ? body_->received() : 0); }

    std::uint64_t size() {
        if (file_) return file_->size();
        contact();
        return *size_;
    }

    Service service() {
        if (!file_) contact();
        return service_;
    }

    void read(std::uint64_t offset, std::span<std::byte> out) {
        if (const std::uint64_t whole = size(); offset > whole || out.size() > whole - offset)
            fail({Cause::wrong, fmt::format("it ends at byte {}, byte {} is wanted", whole, offset + out.size()), {}});
        if (file_) return file_->read(offset, out);
        const std::size_t known = offset < head_.size() ? std::min<std::size_t>(out.size(), head_.size() - offset) : 0;
        if (known > 0) std::ranges::copy(ByteView(head_).subspan(offset, known), out.begin());
        fetch(offset + known, out.subspan(known));
    }

private:
    // The beginning, and with it how large the file is and how the server serves it.
    void contact() {
        for (unsigned failures = 0; !size_;) {
            open({0, head_size});
            if (!body_->begin()) {
                give_up_or_wait(failures);
                continue;
            }
            const auto whole = body_->file_size();
            if (!whole) fail({Cause::refused, "the server does not say how large it is", {}});
            service_ = body_->partial() ? Service::parts : Service::whole;
            head_.resize(std::min(*whole, head_size));
            if (body_->take(0, head_) == head_.size())
                size_ = whole;
            else
                give_up_or_wait(failures);
        }
    }

    void fetch(std::uint64_t offset, std::span<std::byte> out) {
        std::uint64_t gained = 0;
        for (unsigned failures = 0; !out.empty();) {
            if (!body_ || !body_->reaches(offset)) open({offset, out.size()});
            const std::size_t got = begun() ? body_->take(offset, out) : 0;
            offset += got;
            out = out.subspan(got);
            if (out.empty()) return;
            if (gained += got; gained >= worthwhile) gained = failures = 0;
            give_up_or_wait(failures);
        }
    }

    // The response has a good head, and is about the same file as the first.
    bool begun() {
        if (!body_->begin()) return false;
        service_ = body_->partial() ? Service::parts : Service::whole;
        if (body_->file_size() && body_->file_size() != size_)
            fail({Cause::wrong, fmt::format("its size was {} bytes and is {} now", *size_, *body_->file_size()), {}});
        return true;
    }

    void open(Part part) {
        close();
        body_.emplace(multi_.get(), url_, parts_, options_, part);
    }
    void close() {
        transferred_ = transferred();
        body_.reset();
    }

    // After the response has ended without all that was wanted.
    void give_up_or_wait(unsigned& failures) {
        const Finding finding = body_->finding().value();
        const auto asked = body_->retry_after();
        close();
        if (finding.cause != Cause::transient || failures + 1 >= options_.tries) fail(finding);
        std::this_thread::sleep_for(pause_before(failures++, options_, asked));
    }

    [[noreturn]] void fail(const Finding& finding) {
        close();
        throw Error(fmt::format("cannot fetch '{}': {}", name(), finding.text), finding.hint);
    }

    std::string url_;
    UrlParts parts_;
    Options options_;
    Multi multi_;
    std::optional<FileSource> file_;
    std::optional<Body> body_; // before multi_ goes
    std::optional<std::uint64_t> size_;
    Service service_ = Service::parts;
    Bytes head_;
    std::uint64_t transferred_ = 0;
};

RangeReader::RangeReader(std::string url, Options options)
    : engine_(std::make_unique<Engine>(std::move(url), std::move(options))) {}
RangeReader::~RangeReader() = default;

std::uint64_t RangeReader::size() { return engine_->size(); }
void RangeReader::read(std::uint64_t offset, std::span<std::byte> out) { engine_->read(offset, out); }
RangeReader::Service RangeReader::service() { return engine_->service(); }
std::string RangeReader::name() const { return engine_->name(); }
std::uint64_t RangeReader::transferred() const noexcept { return engine_->transferred(); }

} // namespace ashlar::transfer
