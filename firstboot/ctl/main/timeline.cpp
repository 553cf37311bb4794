// `ashlarctl timeline`.

#include "site.hpp"

#include <base/error.hpp>
#include <base/file.hpp>
#include <timeline/timeline.hpp>

#include <memory>

#include <fmt/format.h>

namespace ashlar::ctl {

namespace {

constexpr std::size_t columns = 60; // of bars: a line has room for a word or two behind them

struct Wish {
    std::vector<std::string> files;
    std::string svg;
};

int show_timeline(const Door& door, const Wish& wish) {
    std::vector<Json> nodes;
    for (const auto& file : wish.files) nodes.push_back(parse_strict_json(read_file(file), file));
    if (nodes.empty()) nodes.push_back(ask_node(door, "Timeline"));
    const auto rows = timeline::rows_of(nodes);
    if (!wish.svg.empty()) write_file(wish.svg, timeline::svg_of(rows));
    if (door.json && nodes.size() > 1) throw Error("cannot print several nodes as one JSON object", "leave out --json: the files are it");
    return show(door, nodes.front(), [&](const Json&) { return timeline::text_of(rows, columns); });
}

} // namespace

void add_timeline_command(CLI::App& app, const Choose& choose) {
    auto wish = std::make_shared<Wish>();
    auto* command = add_command(app, choose, "timeline", "How the services of this node came into being since it came on: what each waited for, its steps, and how long they took",
                                "ashlarctl timeline\n  ashlarctl timeline --svg /run/n01.svg\n  ashlarctl timeline --json > n01.json         on each node, and then, anywhere:\n  ashlarctl timeline --svg site.svg n01.json n02.json n03.json",
                                [wish](const Door& door) { return show_timeline(door, *wish); });
    command->add_option("FILE", wish->files, "What --json printed, of one or more nodes (default: this node)")->type_name("FILE")->check(CLI::ExistingFile);
    command->add_option("--svg", wish->svg, "Draw it there as well")->type_name("FILE");
}

} // namespace ashlar::ctl
