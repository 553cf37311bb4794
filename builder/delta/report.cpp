#include <deltas/report.hpp>

#include <base/text.hpp>

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace ashlar::deltas {

namespace {

constexpr std::array<std::string_view, 4> kind_names{"zero", "copy", "patch", "data"};
constexpr std::string_view nobodys_name = "(directories and inodes)";
constexpr std::size_t shown = 10, named = 3;

std::uint64_t rounded(double bytes) { return static_cast<std::uint64_t>(std::llround(bytes)); }

std::vector<Share> sorted(std::vector<Share> shares) {
    std::erase_if(shares, [](const Share& share) { return share.bytes == 0; });
    std::ranges::sort(shares, [](const Share& a, const Share& b) { return a.bytes != b.bytes ? a.bytes > b.bytes : a.name < b.name; });
    return shares;
}

Json to_json(const std::vector<Share>& shares) {
    Json list = Json::array();
    for (const Share& share : shares) list.push_back({{"name", share.name}, {"package", share.package}, {"bytes", share.bytes}});
    return list;
}

std::string table(std::string_view title, const std::vector<Share>& shares) {
    std::string text = fmt::format("{}\n", title);
    for (const Share& share : std::span(shares).first(std::min(shares.size(), shown)))
        text += fmt::format("  {:>10}  {}\n", human_bytes(share.bytes), share.name);
    if (shares.size() > shown) text += fmt::format("  {:>10}  and {} more\n", "", shares.size() - shown);
    return text;
}

} // namespace

Report::Report(Subject subject) : subject_(std::move(subject)) {
    const auto& files = subject_.now.files;
    for (std::size_t i = 0; i < files.size(); ++i)
        for (const Extent& extent : files[i].extents) owners_.emplace_back(extent, i);
    std::ranges::sort(owners_, {}, [](const auto& owner) { return owner.first.offset; });
}

void Report::add(const Piece& piece, std::uint64_t payload, const Plan& plan) {
    Kind& kind = kinds_.at(static_cast<std::size_t>(piece.kind));
    ++kind.operations;
    kind.made += piece.made.size;
    kind.payload += payload;
    if (payload > 0) charge(piece.made, payload, plan);
}

// By the bytes that each has in changed blocks. A file that is what it was has none: what changed beside
// it are inodes.
void Report::charge(const Extent& made, std::uint64_t payload, const Plan& plan) {
    std::map<std::size_t, std::uint64_t> bytes;
    std::uint64_t all = 0, owned = 0;
    auto owner = std::ranges::upper_bound(owners_, made.offset, {}, [](const auto& one) { return one.first.offset; });
    if (owner != owners_.begin()) --owner;
    for (std::uint64_t at = made.offset; at < made.offset + made.size; at += delta::block_size) {
        if (!plan.changed[at / delta::block_size]) continue;
        all += delta::block_size;
        const std::uint64_t end = at + delta::block_size;
        while (owner != owners_.end() && owner->first.offset + owner->first.size <= at) ++owner;
        for (auto one = owner; one != owners_.end() && one->first.offset < end; ++one) {
            const std::uint64_t from = std::max(at, one->first.offset), to = std::min(end, one->first.offset + one->first.size);
            if (from >= to || (!plan.kept.empty() && plan.kept[one->second])) continue;
            bytes[one->second] += to - from;
            owned += to - from;
        }
    }
    if (all == 0) return void(nobodys_ += static_cast<double>(payload));
    const double each = static_cast<double>(payload) / static_cast<double>(all);
    for (const auto& [index, count] : bytes) by_file_[index] += each * static_cast<double>(count);
    nobodys_ += each * static_cast<double>(all - owned);
}

std::vector<Share> Report::files() const {
    std::vector<Share> shares{{std::string(nobodys_name), "", rounded(nobodys_)}};
    for (const auto& [index, bytes] : by_file_) {
        const std::string& path = subject_.now.files[index].path;
        shares.push_back({path, subject_.package_of(path), rounded(bytes)});
    }
    return sorted(std::move(shares));
}

std::vector<Share> Report::packages() const {
    std::map<std::string, double> by_package{{std::string(nobodys_name), nobodys_}};
    for (const auto& [index, bytes] : by_file_) {
        const std::string package = subject_.package_of(subject_.now.files[index].path);
        by_package[package.empty() ? "(no package)" : package] += bytes;
    }
    std::vector<Share> shares;
    for (const auto& [name, bytes] : by_package) shares.push_back({name, "", rounded(bytes)});
    return sorted(std::move(shares));
}

Json Report::to_json() const {
    Json json{{"file", file},
              {"size", size},
              {"tree", tree},
              {"from", subject_.from ? Json(subject_.from->hex()) : Json()},
              {"to", subject_.to.hex()},
              {"root", subject_.now.bytes.size()},
              {"packages", deltas::to_json(packages())},
              {"files", deltas::to_json(files())}};
    if (blocks) json["blocks"] = *blocks;
    for (std::size_t i = 0; i < kinds_.size(); ++i)
        json["operations"][std::string(kind_names[i])] = {{"count", kinds_[i].operations}, {"makes", kinds_[i].made}, {"bytes", kinds_[i].payload}};
    return json;
}

std::string Report::to_text() const {
    std::string text = fmt::format("{}  {} for a root of {}\n", file, human_bytes(size), human_bytes(subject_.now.bytes.size()));
    for (std::size_t i = 0; i < kinds_.size(); ++i)
        if (const Kind& kind = kinds_[i]; kind.operations > 0)
            text += fmt::format("  {:<5}  {:>6} operations make {:>10} from {:>10}\n", kind_names[i], kind.operations,
                                human_bytes(kind.made), human_bytes(kind.payload));
    if (tree > 0) text += fmt::format("  tree   {:>36} {:>10}\n", "", human_bytes(tree));
    if (blocks) text += fmt::format("  blocks {:>36} {:>10}  what a node with the old root fetches of it\n", "", human_bytes(*blocks));
    return text + table("packages", packages()) + table("files", files());
}

std::string Report::top() const {
    std::vector<std::string> words;
    const auto shares = packages();
    for (const Share& share : std::span(shares).first(std::min(shares.size(), named)))
        words.push_back(fmt::format("{} {}", share.name, human_bytes(share.bytes)));
    return join(words, ", ");
}

} // namespace ashlar::deltas
