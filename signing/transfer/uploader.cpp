#include <transfer/uploader.hpp>

#include "cause.hpp"
#include "connection.hpp"

#include <base/file.hpp>

#include <array>
#include <exception>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

namespace ashlar::transfer {

namespace fs = std::filesystem;

namespace {

// A file as libcurl wants to read it, from the beginning again if the connection was an old one.
class Outgoing {
public:
    explicit Outgoing(const fs::path& path) : name_(path.native()), file_(open_file(path, O_RDONLY)) {
        struct stat info {};
        if (::fstat(file_.get(), &info) != 0) throw system_error("read", name_);
        size_ = static_cast<curl_off_t>(info.st_size);
    }

    void attach(CURL* easy) {
        set(easy, CURLOPT_UPLOAD, 1L);
        set(easy, CURLOPT_INFILESIZE_LARGE, size_);
        set(easy, CURLOPT_READFUNCTION, &Outgoing::on_read);
        set(easy, CURLOPT_READDATA, static_cast<void*>(this));
        set(easy, CURLOPT_SEEKFUNCTION, &Outgoing::on_seek);
        set(easy, CURLOPT_SEEKDATA, static_cast<void*>(this));
    }
    // What went wrong on our side.
    void rethrow() const {
        if (failure_) std::rethrow_exception(failure_);
    }

private:
    static std::size_t on_read(char* buffer, std::size_t, std::size_t count, void* self) {
        auto& outgoing = *static_cast<Outgoing*>(self);
        try {
            return read_some(outgoing.file_.get(), std::as_writable_bytes(std::span(buffer, count)), outgoing.name_);
        } catch (...) {
            outgoing.failure_ = std::current_exception();
            return CURL_READFUNC_ABORT;
        }
    }
    static int on_seek(void* self, curl_off_t offset, int origin) {
        const auto& outgoing = *static_cast<Outgoing*>(self);
        return ::lseek(outgoing.file_.get(), offset, origin) < 0 ? CURL_SEEKFUNC_FAIL : CURL_SEEKFUNC_OK;
    }

    std::string name_;
    Fd file_;
    curl_off_t size_ = 0;
    std::exception_ptr failure_;
};

std::size_t ignore_body(char*, std::size_t, std::size_t count, void*) { return count; }

// "https://host/a/b/c" → "https://host/a/b/"; empty above the server's root.
std::string collection_around(const std::string& url) {
    const std::size_t root = url.find('/', url.find("://") + 3);
    if (root == url.npos || url.size() < 2) return {};
    const std::size_t slash = url.rfind('/', url.size() - 2);
    return slash == url.npos || slash <= root ? std::string() : url.substr(0, slash + 1);
}

} // namespace

class Uploader::Work {
public:
    explicit Work(Options options) : options_(std::move(options)), easy_(make_easy()) {}

    std::optional<Attempt> put(const std::string& url, const fs::path& file) {
        auto failed = send(url, file);
        if (!failed || status_ != 409 || !make_collection(collection_around(url))) return failed;
        return send(url, file);
    }

    std::optional<Attempt> look_for(const std::string& url) {
        return ask(url, [](CURL* easy) { set(easy, CURLOPT_NOBODY, 1L); });
    }

private:
    std::optional<Attempt> send(const std::string& url, const fs::path& file) {
        Outgoing outgoing(file);
        std::optional<Digest> payload;
        if (options_.credentials.s3_region) payload = sha256_of_file(file);
        auto failed = ask(url, [&](CURL* easy) { outgoing.attach(easy); }, payload);
        outgoing.rethrow();
        return failed;
    }

    // False when there is none to be had. 405 says that there is one already (RFC 4918, 9.3.1).
    bool make_collection(const std::string& url) {
        if (url.empty()) return false;
        const auto make = [&] {
            return ask(url, [](CURL* easy) {
                set(easy, CURLOPT_CUSTOMREQUEST, "MKCOL");
                set(easy, CURLOPT_NOBODY, 1L);
            });
        };
        auto failed = make();
        if (failed && status_ == 409 && make_collection(collection_around(url))) failed = make();
        return !failed || status_ == 405;
    }

    // One request. curl_easy_reset() forgets options and keeps connections.
    template <typename Prepare>
    std::optional<Attempt> ask(const std::string& url, Prepare&& prepare, const std::optional<Digest>& payload = std::nullopt) {
        CURL* const easy = easy_.get();
        const UrlParts parts = parse_url(url);
        curl_easy_reset(easy);
        detail_.fill('\0');
        const Lines headers = configure(easy, url, parts, options_, detail_.data(), payload);
        set(easy, CURLOPT_EXPECT_100_TIMEOUT_MS, 1L); // or it waits a second for servers that never say "100 Continue"
        set(easy, CURLOPT_WRITEFUNCTION, &ignore_body);
        prepare(easy);
        const CURLcode outcome = curl_easy_perform(easy);
        status_ = status_of(easy);
        return judge(outcome, parts.shown);
    }

    [[nodiscard]] std::optional<Attempt> judge(CURLcode outcome, const std::string& shown) const {
        const bool answered = outcome == CURLE_OK || outcome == CURLE_HTTP_RETURNED_ERROR;
        if (answered && status_ >= 200 && status_ < 300) return std::nullopt;
        const Finding finding = answered ? judge_status(status_) : judge_outcome(outcome, detail_.data());
        return Attempt{shown, finding.cause, finding.text, finding.hint};
    }

    Options options_;
    Easy easy_;
    std::array<char, CURL_ERROR_SIZE> detail_{};
    long status_ = 0;
};

Uploader::Uploader(Options options) : work_(std::make_unique<Work>(std::move(options))) {}

Uploader::~Uploader() = default;

std::optional<Attempt> Uploader::put(const std::string& url, const fs::path& file) { return work_->put(url, file); }

std::optional<Attempt> Uploader::look_for(const std::string& url) { return work_->look_for(url); }

Error error_of(const Attempt& attempt, std::string_view verb) {
    return Error(fmt::format("cannot {} '{}': {}", verb, attempt.url, attempt.text), attempt.hint);
}

} // namespace ashlar::transfer
