#include "suites.hpp"

#include "signature.hpp"
#include "url.hpp"

#include <base/error.hpp>

#include <algorithm>
#include <chrono>

#include <fmt/format.h>

namespace ashlar::fetch {

namespace {

constexpr std::uint64_t largest_in_release = 32'000'000; // bytes; Debian's are under 200,000

std::int64_t clock_now() {
    return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch())
        .count();
}

std::optional<std::int64_t> date_in(const lock::Lock* before, const std::string& archive, const std::string& suite) {
    if (before == nullptr) return std::nullopt;
    for (const auto& record : before->suites)
        if (record.archive == archive && record.suite == suite) return record.date;
    return std::nullopt;
}

// A suite on its way: the mirrors that were not refused yet, and why the others were.
struct Search {
    const WantedSuite* wanted;
    std::vector<std::string> urls;
    std::vector<Error> refused;
    std::filesystem::path target;
    std::optional<OpenedSuite> found;

    [[nodiscard]] std::string name() const { return fmt::format("{} {}", wanted->wish.archive, wanted->wish.suite); }
};

[[noreturn]] void give_up(const Search& search, std::optional<Error> last) {
    std::vector<Error> causes = search.refused;
    if (last) causes.push_back(std::move(*last));
    if (causes.size() == 1) throw causes.front();
    std::string text = fmt::format("cannot use suite '{}' of '{}': no mirror has one that can be used",
                                   search.wanted->wish.suite, search.wanted->wish.archive);
    for (const auto& cause : causes) text += "\n  " + cause.message();
    throw Error(text, causes.front().hint());
}

void judge(Search& search, const transfer::Received& received, store::Store& store) {
    try {
        search.found = open_suite(*search.wanted, search.target, store, received.url);
    } catch (const Error& error) {
        search.refused.push_back(error);
        search.urls.erase(search.urls.begin() + static_cast<std::ptrdiff_t>(received.mirror.value()));
        if (search.urls.empty()) give_up(search, std::nullopt);
        return;
    }
    search.found->record.in_release = received.sha256;
    store.adopt(search.target, received.sha256); // what fails here is no mirror's fault
}

std::vector<Search> begin_searches(const std::vector<WantedSuite>& wanted, const Mirrors& mirrors,
                                   const std::filesystem::path& directory) {
    std::vector<Search> searches;
    for (const auto& suite : wanted) {
        Search search{.wanted = &suite, .target = directory / std::to_string(searches.size())};
        for (const auto& base : mirrors.of(suite.wish.archive))
            search.urls.push_back(below(base, fmt::format("dists/{}/InRelease", suite.wish.suite)));
        searches.push_back(std::move(search));
    }
    return searches;
}

// One round: every suite that is not found yet, from its remaining mirrors.
void search_once(std::vector<Search*> open, store::Store& store, transfer::Downloader& downloader) {
    std::vector<transfer::Request> requests;
    for (const Search* search : open)
        requests.push_back({.name = search->name(),
                            .urls = search->urls,
                            .expected = transfer::AtMost{largest_in_release},
                            .target = [search] { return search->target; }});
    const auto results = downloader.fetch(requests, "fetching releases");
    for (std::size_t i = 0; i < open.size(); ++i) {
        if (const auto* failed = std::get_if<transfer::Failed>(&results[i])) give_up(*open[i], error_of(*failed));
        judge(*open[i], std::get<transfer::Received>(results[i]), store);
    }
}

} // namespace

std::vector<WantedSuite> wanted_suites(const recipe::Train& train, const Options& options, const lock::Lock* before) {
    const std::int64_t now = options.now.value_or(clock_now());
    std::vector<WantedSuite> wanted;
    for (const auto& archive : train.archives) {
        if (archive.folder) continue;
        for (const auto& suite : archive.suites)
            wanted.push_back({&archive,
                              {archive.name, suite, train.architecture, now, options.expired,
                               date_in(before, archive.name, suite)}});
    }
    return wanted;
}

OpenedSuite open_suite(const WantedSuite& wanted, const std::filesystem::path& file, const store::Store& store,
                       std::string shown) {
    const store::Workspace workspace = store.temporary();
    SignedText signed_text = check_signature(file, wanted.archive->keys, workspace.path(), shown);
    debian::Release release = debian::parse_release(signed_text.text, shown);
    require_usable(release, wanted.wish, shown);
    lock::Suite record{.archive = wanted.wish.archive,
                       .suite = wanted.wish.suite,
                       .in_release = sha256_of_file(file),
                       .signers = std::move(signed_text.signers),
                       .date = release.date,
                       .valid_until = release.valid_until};
    return {wanted.archive, std::move(shown), std::move(release), std::move(record)};
}

std::vector<OpenedSuite> open_suites(const std::vector<WantedSuite>& wanted, const Mirrors& mirrors,
                                     store::Store& store, transfer::Downloader& downloader) {
    const store::Workspace workspace = store.temporary();
    std::vector<Search> searches = begin_searches(wanted, mirrors, workspace.path());
    for (;;) {
        std::vector<Search*> open;
        for (auto& search : searches)
            if (!search.found) open.push_back(&search);
        if (open.empty()) break;
        search_once(std::move(open), store, downloader);
    }
    std::vector<OpenedSuite> opened;
    for (auto& search : searches) opened.push_back(std::move(*search.found));
    return opened;
}

} // namespace ashlar::fetch
