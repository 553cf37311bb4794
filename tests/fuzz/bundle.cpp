// A bundle that somebody has changed on the way: refused, or the same. The input says what is changed in a small one that is
// otherwise right: four bytes each, where (16 bits, little-endian), how, with what. One that begins with "raw" is the bundle.

#include "../support/handmade_repository.hpp"

#include <bundle/import.hpp>
#include <bundle/input.hpp>
#include <bundle/writer.hpp>

#include <base/error.hpp>
#include <base/file.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

namespace {

using namespace ashlar;

Fd memory(std::string_view bytes) {
    Fd file(::memfd_create("bundle", MFD_CLOEXEC));
    write_all(file.get(), bytes, "memory");
    if (::lseek(file.get(), 0, SEEK_SET) != 0) throw system_error("read", "memory");
    return file;
}

struct Sample {
    TemporaryDirectory directory{"/tmp", "fuzz-bundle-"};
    HandmadeRepository repository{directory.path()};
    std::unique_ptr<Renderer> renderer = make_renderer(ProgressStyle::quiet, -1);
    std::string bytes, root;

    Sample() {
        repository.publish(repository.add_release("R1.0", {{"a", std::string(3000, 'a')}, {"b", "b"}}));
        const auto file = directory.path() / "bundle";
        bundle::Output output(file, std::nullopt);
        (void)bundle::write({directory.path(), "R1", repository.now()}, output, *renderer);
        bytes = read_file(file);
        root = read_file(repository.root_file());
    }
};

void change(std::string& bytes, std::size_t at, unsigned how, char with) {
    at %= bytes.size() + 1;
    switch (how % 6) {
    case 0: bytes.insert(at, 1, with); break;
    case 1: bytes.erase(at, static_cast<unsigned char>(with)); break;
    case 2: bytes.resize(at); break;
    case 3: bytes.insert(at, bytes.substr(at / 512 * 512, 512)); break;
    default:
        if (at < bytes.size()) bytes[at] = static_cast<char>(bytes[at] ^ with);
    }
}

std::string changed(const std::string& sample, std::string_view input) {
    if (input.starts_with("raw")) return std::string(input.substr(3));
    std::string bytes = sample;
    for (; input.size() >= 4 && !bytes.empty(); input.remove_prefix(4)) {
        const auto at = static_cast<std::size_t>(static_cast<unsigned char>(input[0]) | static_cast<unsigned>(static_cast<unsigned char>(input[1])) << 8U);
        change(bytes, at, static_cast<unsigned char>(input[2]), input[3]);
    }
    return bytes;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const Sample sample;
    const std::string bytes = changed(sample.bytes, {reinterpret_cast<const char*>(data), size});
    const auto input = bundle::input_of(memory(bytes), "input");
    try {
        const bundle::Contents contents = bundle::verify(*input, sample.root, {.now = sample.repository.now()}, *sample.renderer);
        if (contents.serial != 1 || contents.targets.size() != 3) __builtin_trap(); // nobody has signed that
    } catch (const Error&) { // the expected answer
    }
    return 0;
}
