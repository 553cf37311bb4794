// Repositories for tests/bench/bundle.sh, signed by keys that are gone afterwards.
//
//     bench_repository DIRECTORY     DIRECTORY/first: R1.0, 1.3 GB; DIRECTORY/next: R1.0 and R1.1, whose manifest carries what is new

#include <handmade_repository.hpp>

#include <base/error.hpp>
#include <base/file.hpp>
#include <base/random.hpp>

#include <chrono>
#include <cstdio>

#include <fmt/format.h>

namespace {

using namespace ashlar;
namespace fs = std::filesystem;

std::string random_text(std::size_t size) {
    std::string text(size, '\0');
    fill_with_random(std::as_writable_bytes(std::span(text)));
    return text;
}

// A few images, and the small files beside them.
HandmadeRepository::Files files(std::string_view release) {
    HandmadeRepository::Files all;
    for (int i = 0; i < 5; ++i) all[fmt::format("ashlar_role{}_{}_amd64.full", i, release)] = random_text(std::size_t{256} << 20U);
    for (int i = 0; i < 200; ++i) all[fmt::format("ashlar_role{}_{}_amd64.part{}.json", i % 5, release, i)] = random_text(20'000);
    return all;
}

void make(const fs::path& directory) {
    const Time now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
    HandmadeRepository repository(directory / "first", now - std::chrono::hours(1));
    auto first = files("R1.0");
    repository.publish(repository.add_release("R1.0", first));
    fs::rename(directory / "first", directory / "next");
    fs::copy(directory / "next", directory / "first", fs::copy_options::recursive | fs::copy_options::create_hard_links);

    repository.directory = directory / "next";
    auto next = files("R1.1");
    const std::string shared = next.begin()->first;
    next[shared] = first.begin()->second; // an image that stays as it is
    auto carried = repository.add_release("R1.1", next);
    std::erase(carried, "trains/R1/R1.1/" + shared);
    fs::remove(directory / "next/metadata/bundle-R1.json"); // a second name of the one in first
    repository.publish(carried);
}

} // namespace

int main(int argc, char** argv) {
    if (argc != 2) {
        fmt::print(stderr, "usage: bench_repository DIRECTORY\n");
        return 2;
    }
    try {
        make(argv[1]);
        return 0;
    } catch (const ashlar::Error& error) {
        fmt::print(stderr, "bench_repository: {}\n", error.render());
        return 1;
    }
}
