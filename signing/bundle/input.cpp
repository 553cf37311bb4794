#include <bundle/input.hpp>

#include <base/error.hpp>

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <mutex>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

#include <fmt/format.h>

namespace ashlar::bundle {

namespace fs = std::filesystem;

namespace {

bool nothing_left(const Fd& file, std::string_view name) {
    std::byte more{};
    return read_some(file.get(), {&more, 1}, name) == 0;
}

class Stream final : public Input {
public:
    Stream(Fd file, std::string name) : file_(std::move(file)), name_(std::move(name)) {}

    std::string name() const override { return name_; }
    std::size_t read(std::span<std::byte> out) override { return read_some(file_.get(), out, name_); }
    bool ended() override { return nothing_left(file_, name_); }
    std::optional<std::uint64_t> size() const override { return std::nullopt; }
    void read_at(std::uint64_t, std::span<std::byte>) override { throw Error(fmt::format("cannot read '{}' by position: it is a stream", name_)); }

private:
    Fd file_;
    std::string name_;
};

struct stat information_of(const Fd& file, const fs::path& path) {
    struct stat information {};
    if (::fstat(file.get(), &information) != 0) throw system_error("read", path.native());
    return information;
}

// A file of its own is one piece.
class Pieces final : public Input {
public:
    struct Piece {
        fs::path path;
        std::uint64_t begin = 0, size = 0; // bytes
    };

    Pieces(fs::path bundle, AskForPiece ask) : bundle_(std::move(bundle)), ask_(std::move(ask)), name_(bundle_.native() + ".001") {
        while (pieces_.size() < most_pieces && fs::exists(next_path())) (void)open_next();
        file_ = pieces_.empty() ? Fd() : open_file(pieces_.front().path, O_RDONLY);
    }
    // The whole.
    Pieces(Fd file, std::uint64_t size, fs::path path) : name_(path.native()), pieces_{{std::move(path), 0, size}}, file_(std::move(file)) {}

    std::string name() const override { return name_; }
    bool ended() override;
    std::optional<std::uint64_t> size() const override { return end(); }
    std::size_t read(std::span<std::byte> out) override;
    void read_at(std::uint64_t offset, std::span<std::byte> out) override;
    std::string place(std::uint64_t offset) const override;

private:
    [[nodiscard]] std::uint64_t end() const { return pieces_.back().begin + pieces_.back().size; }
    [[nodiscard]] bool whole() const { return bundle_.empty(); }
    [[nodiscard]] fs::path next_path() const { return piece_name(bundle_, static_cast<unsigned>(pieces_.size()) + 1); }
    [[nodiscard]] const Piece& holding(std::uint64_t offset) const;
    Fd open_next();
    bool advance();
    int opened(const Piece& piece);

    fs::path bundle_; // empty: one file
    AskForPiece ask_;
    std::string name_;
    std::vector<Piece> pieces_;
    std::size_t current_ = 0;
    Fd file_; // of the current one
    std::mutex mutex_;
    std::vector<Fd> by_position_;
};

Fd Pieces::open_next() {
    const fs::path path = next_path();
    Fd file = open_file(path, O_RDONLY);
    const std::uint64_t begin = pieces_.empty() ? 0 : end(), size = static_cast<std::uint64_t>(information_of(file, path).st_size);
    pieces_.push_back({path, begin, size});
    return file;
}

// To the next piece, which may have to be brought first.
bool Pieces::advance() {
    file_ = Fd();
    if (current_ + 1 < pieces_.size()) {
        file_ = open_file(pieces_[++current_].path, O_RDONLY);
        return true;
    }
    if (whole() || pieces_.size() == most_pieces) return false;
    while (!fs::exists(next_path()))
        if (!ask_ || !ask_(next_path())) return false;
    file_ = open_next();
    ++current_;
    return true;
}

std::size_t Pieces::read(std::span<std::byte> out) {
    for (;;) {
        const std::size_t got = file_ ? read_some(file_.get(), out, pieces_[current_].path.native()) : 0;
        if (got > 0 || !advance()) return got;
    }
}

bool Pieces::ended() {
    const bool last = current_ + 1 == pieces_.size() && (whole() || !fs::exists(next_path()));
    return last && (!file_ || nothing_left(file_, pieces_[current_].path.native()));
}

const Pieces::Piece& Pieces::holding(std::uint64_t offset) const {
    const auto after = std::ranges::upper_bound(pieces_, offset, {}, &Piece::begin);
    return after == pieces_.begin() ? pieces_.front() : *std::prev(after);
}

int Pieces::opened(const Piece& piece) {
    const auto index = static_cast<std::size_t>(&piece - pieces_.data());
    const std::lock_guard lock(mutex_);
    by_position_.resize(pieces_.size());
    if (!by_position_[index]) by_position_[index] = open_file(piece.path, O_RDONLY);
    return by_position_[index].get();
}

void Pieces::read_at(std::uint64_t offset, std::span<std::byte> out) {
    while (!out.empty()) {
        const Piece& piece = holding(offset);
        const std::uint64_t inside = offset - piece.begin;
        const auto want = static_cast<std::size_t>(std::min<std::uint64_t>(out.size(), piece.size - std::min(piece.size, inside)));
        const ssize_t got = want == 0 ? 0 : ::pread(opened(piece), out.data(), want, static_cast<off_t>(inside));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) throw system_error("read", piece.path.native());
        if (got == 0) throw Error(fmt::format("cannot read '{}': it became shorter meanwhile", piece.path.native()), "something else writes to it; leave it alone and run again");
        offset += static_cast<std::uint64_t>(got);
        out = out.subspan(static_cast<std::size_t>(got));
    }
}

std::string Pieces::place(std::uint64_t offset) const {
    if (whole()) return Input::place(offset);
    return fmt::format("byte {}, in '{}'", offset, holding(offset).path.filename().native());
}

std::unique_ptr<Input> first_piece(const fs::path& path, AskForPiece ask) {
    if (!fs::exists(path)) throw system_error("open", path.native(), ENOENT);
    return std::make_unique<Pieces>(fs::path(path).replace_extension(), std::move(ask));
}

} // namespace

std::string Input::place(std::uint64_t offset) const { return fmt::format("byte {}", offset); }

fs::path piece_name(const fs::path& bundle, unsigned number) { return bundle.native() + fmt::format(".{:03}", number); }

std::unique_ptr<Input> input_of(Fd stream, std::string name) { return std::make_unique<Stream>(std::move(stream), std::move(name)); }

std::unique_ptr<Input> open_input(const fs::path& path, AskForPiece ask) {
    if (path == "-") return input_of(Fd(::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)), "standard input");
    if (path.extension() == ".001") return first_piece(path, std::move(ask));
    Fd file = open_file(path, O_RDONLY);
    const struct stat information = information_of(file, path);
    if (S_ISDIR(information.st_mode)) throw system_error("read", path.native(), EISDIR);
    if (!S_ISREG(information.st_mode)) return input_of(std::move(file), path.native());
    return std::make_unique<Pieces>(std::move(file), static_cast<std::uint64_t>(information.st_size), path);
}

} // namespace ashlar::bundle
