// ashlar-pull: ashlard's hand to the network. One request as JSON on standard input, answers a line each on
// standard output. It yields to everything else on the node.

#include <puller/puller.hpp>

#include <base/error.hpp>
#include <base/file.hpp>
#include <base/json.hpp>
#include <delta/stream.hpp>

#include <cstdio>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <fmt/format.h>

namespace {

using namespace ashlar;

// ioprio_set(2) has no wrapper, and what <linux/ioprio.h> has for it is C that C++ does not take in each
// version of the kernel's headers.
constexpr int this_process = 1, idle_class = 3, class_shift = 13;

void yield_to_others() {
    ::setpriority(PRIO_PROCESS, 0, 10);
    // Where the scheduler knows no classes it changes nothing.
    ::syscall(SYS_ioprio_set, this_process, 0, idle_class << class_shift);
}

void answer(const Json& json) {
    fmt::print("{}\n", json.dump());
    std::fflush(stdout);
}

// A way that cannot be gone is an answer.
void fill(const pull::Source& source, const pull::Work& work) {
    try {
        puller::fill(source, work, [](const pull::Progress& progress) { answer(pull::to_json(progress)); });
    } catch (const delta::Refused& refused) {
        answer(pull::to_json(pull::Refusal{refused.message()}));
    }
}

// Where ashlard knows it from what was signed, nobody reads one.
std::optional<ReleaseIndex> index_in(const Json& request) {
    const auto found = request.find("index");
    return found == request.end() ? std::nullopt : std::optional(parse_release_index(found->get<std::string>(), "index"));
}

void serve(const Json& request) {
    const pull::Source source = pull::source_from(request.at("source"));
    if (request.at("what") == "get")
        answer(pull::to_json(pull::Got{puller::get(source, request.at("file").get<std::string>(), request.at("most").get<std::uint64_t>(), request.at("scratch").get<std::string>())}));
    else if (request.at("what") == "look")
        answer(pull::to_json(puller::look(source, pull::have_from(request.at("have")), request.at("uki").get<std::string>(), index_in(request))));
    else
        fill(source, pull::work_from(request.at("work")));
}

} // namespace

int main() {
    try {
        yield_to_others();
        serve(parse_json(read_file("/dev/stdin"), "request"));
        return 0;
    } catch (const Error& error) {
        fmt::print(stderr, "{}\n", error.render());
    } catch (const std::exception& failure) {
        fmt::print(stderr, "cannot serve the request: {}\n", failure.what());
    }
    return 1;
}
