#pragma once

// How formations came into being on nodes, as bars over time: what each waited for, which steps it took, and how long. Pure.
//
// Of one node, as ashlard and `ashlarctl timeline --json` tell it (times in milliseconds):
//
//     {"format": 1, "node": "n01", "power_on": 1764558000000, "now": 95123,
//      "events": [{"at": 3120, "formation": "etcd", "state": "waiting", "why": "waits for this node's certificate"},
//                 {"at": 8050, "formation": "etcd", "state": "working", "step": "start", "why": "starts etcd"}, …]}
//
// `power_on`: Unix time at which the node's first process began; `at` and `now` count from there. States are those of <forming/engine.hpp>.

#include <base/json.hpp>

#include <map>
#include <string>
#include <vector>

namespace ashlar::timeline {

struct Span {
    std::string state, step, why;
    double from = 0, to = 0; // seconds since the first of all nodes came on
};

struct Row {
    std::string node, formation;
    std::vector<Span> spans; // one behind the other
    bool is_settled = false; // at the end
    double settled_at = 0;   // when it did for the last time
};

// An Error for what is not of the form. Formations that never ran on a node have no row there. The earliest to settle comes first.
[[nodiscard]] std::vector<Row> rows_of(const std::vector<Json>& nodes);

// A line for each row, `width` columns of bar: '.' waiting, '#' working, '!' waits for a person, '=' settled. Behind it when it settled, and what
// took it so long: steps and what it waited for, of half a second or more, the longest first.
[[nodiscard]] std::string text_of(const std::vector<Row>& rows, std::size_t width);

// SVG 1.1, as it stands in the docs; details are titles of the bars.
[[nodiscard]] std::string svg_of(const std::vector<Row>& rows);

} // namespace ashlar::timeline
