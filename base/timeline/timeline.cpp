#include <timeline/timeline.hpp>

#include <base/error.hpp>
#include <base/text.hpp>

#include <algorithm>
#include <cmath>
#include <set>

#include <fmt/format.h>

namespace ashlar::timeline {

namespace {

constexpr std::string_view settled = "settled", working = "working", alarmed = "alarmed", absent = "absent";

// What happens after the last has settled is life, and not forming: the bars end soon behind it.
constexpr double tail = 0.05;

std::vector<Row> rows_of_one(const Json& node, double offset) {
    std::map<std::string, Row> rows;
    const double end = offset + node.at("now").get<double>() / 1000;
    for (const auto& event : node.at("events")) {
        Row& row = rows[event.at("formation")];
        row.node = node.at("node");
        row.formation = event.at("formation");
        const double at = offset + event.at("at").get<double>() / 1000;
        if (!row.spans.empty()) row.spans.back().to = at;
        row.spans.push_back({event.at("state"), event.value("step", ""), event.value("why", ""), at, end});
    }
    std::vector<Row> all;
    for (auto& [formation, row] : rows) {
        if (std::ranges::all_of(row.spans, [](const Span& span) { return span.state == absent; })) continue;
        row.is_settled = row.spans.back().state == settled;
        for (auto span = row.spans.rbegin(); span != row.spans.rend() && span->state == settled; ++span) row.settled_at = span->from;
        all.push_back(std::move(row));
    }
    return all;
}

// Until when there is something to see.
double end_of(const std::vector<Row>& rows) {
    double end = 0;
    for (const auto& row : rows) end = std::max(end, row.is_settled ? row.settled_at : row.spans.back().to);
    return std::max(1.0, end * (1 + tail));
}

char sign_of(const Span& span) {
    if (span.state == settled) return '=';
    if (span.state == working) return '#';
    return span.state == alarmed ? '!' : span.state == absent ? ' ' : '.';
}

std::string bar(const Row& row, double end, std::size_t width) {
    std::string bar(width, ' ');
    for (const auto& span : row.spans) {
        const auto column = [&](double time) { return std::min(width, static_cast<std::size_t>(std::floor(time / end * static_cast<double>(width)))); };
        // What was short is seen as well.
        for (std::size_t at = column(span.from); at < std::max(column(span.to), std::min(width, column(span.from) + 1)); ++at) bar[at] = sign_of(span);
    }
    return bar;
}

std::string detail_of(const Row& row) {
    std::map<std::string, double> times;
    for (const auto& span : row.spans) {
        if (span.state == settled || span.state == absent || (row.is_settled && span.from > row.settled_at)) continue;
        times[span.why] += span.to - span.from;
    }
    std::vector<std::pair<std::string, double>> longest(times.begin(), times.end());
    std::erase_if(longest, [](const auto& entry) { return entry.second < 0.5; });
    std::ranges::stable_sort(longest, std::greater{}, &std::pair<std::string, double>::second);
    std::vector<std::string> parts;
    for (const auto& [what, seconds] : longest) parts.push_back(fmt::format("{} {:.1f} s", what, seconds));
    return join(parts, ", ");
}

std::string escaped(std::string_view text) {
    std::string xml;
    for (const char character : text) {
        if (character == '&') xml += "&amp;";
        else if (character == '<') xml += "&lt;";
        else if (character == '>') xml += "&gt;";
        else if (character == '"') xml += "&quot;";
        else if (static_cast<unsigned char>(character) >= 0x20) xml += character;
        else xml += ' ';
    }
    return xml;
}

std::string_view colour_of(const Span& span) {
    if (span.state == settled) return "#3a9d5d";
    if (span.state == working) return "#2f6fbf";
    return span.state == alarmed ? "#c0392b" : "#d9d9d9";
}

// Between marks of the axis: 1, 2, 5, 10, 20, 50 … seconds, at most ten of them.
double step_of_axis(double end) {
    for (double step = 1;; step *= 10)
        for (const double factor : {1.0, 2.0, 5.0})
            if (end / (step * factor) <= 10) return step * factor;
}

} // namespace

std::vector<Row> rows_of(const std::vector<Json>& nodes) try {
    double begin = INFINITY;
    for (const auto& node : nodes) {
        if (node.at("format") != 1) throw Error("cannot read a timeline: it is not of format 1", "it is of another release");
        begin = std::min(begin, node.at("power_on").get<double>());
    }
    std::vector<Row> rows;
    for (const auto& node : nodes)
        for (auto& row : rows_of_one(node, (node.at("power_on").get<double>() - begin) / 1000)) rows.push_back(std::move(row));
    std::ranges::stable_sort(rows, {}, [](const Row& row) { return std::tuple(!row.is_settled, row.settled_at, row.formation, row.node); });
    return rows;
} catch (const Json::exception& error) {
    throw Error(fmt::format("cannot read a timeline: {}", error.what()), "it is what `ashlarctl timeline --json` prints");
}

std::string text_of(const std::vector<Row>& rows, std::size_t width) {
    if (rows.empty()) return "nothing has formed here since this node came on\n";
    const double end = end_of(rows);
    const bool are_several = std::ranges::any_of(rows, [&](const Row& row) { return row.node != rows.front().node; });
    const auto name_of = [&](const Row& row) { return are_several ? row.formation + " " + row.node : row.formation; };
    std::size_t longest = 0;
    for (const auto& row : rows) longest = std::max(longest, name_of(row).size());
    std::string text = fmt::format("{:<{}}  0{:>{}.0f} s\n", "", longest, end, width - 3);
    for (const auto& row : rows) {
        const std::string when = row.is_settled ? fmt::format("{:.1f} s", row.settled_at) : "not yet";
        const std::string detail = detail_of(row);
        text += fmt::format("{:<{}}  {}  {:>8}{}{}\n", name_of(row), longest, bar(row, end, width), when, detail.empty() ? "" : "  ", detail);
    }
    return text;
}

std::string svg_of(const std::vector<Row>& rows) {
    constexpr int row_height = 16, bar_height = 11, left = 210, bars = 760, top = 30, right = 70;
    const double end = rows.empty() ? 1.0 : end_of(rows);
    const int height = top + static_cast<int>(rows.size()) * row_height + 20;
    const auto x = [&](double time) { return left + std::min(time, end) / end * bars; };
    std::string svg = fmt::format("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" viewBox=\"0 0 {0} {1}\" font-family=\"sans-serif\" font-size=\"11\">\n", left + bars + right, height);
    svg += fmt::format("<rect width=\"{}\" height=\"{}\" fill=\"#ffffff\"/>\n", left + bars + right, height);
    for (double mark = 0; mark <= end; mark += step_of_axis(end))
        svg += fmt::format("<line x1=\"{0:.1f}\" y1=\"{1}\" x2=\"{0:.1f}\" y2=\"{2}\" stroke=\"#eeeeee\"/><text x=\"{0:.1f}\" y=\"{3}\" text-anchor=\"middle\">{4:g} s</text>\n", x(mark), top - 6, height - 14, top - 10, mark);
    int y = top;
    for (const auto& row : rows) {
        svg += fmt::format("<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{} {}</text>\n", left - 8, y + bar_height - 2, escaped(row.formation), escaped(row.node));
        for (const auto& span : row.spans) {
            if (span.state == absent || span.from >= end) continue;
            svg += fmt::format("<rect x=\"{:.1f}\" y=\"{}\" width=\"{:.1f}\" height=\"{}\" fill=\"{}\"><title>{}: {} ({:.1f} s)</title></rect>\n", x(span.from), y, std::max(0.6, x(span.to) - x(span.from)), bar_height, colour_of(span), escaped(row.formation),
                               escaped(span.why), span.to - span.from);
        }
        if (row.is_settled) svg += fmt::format("<text x=\"{}\" y=\"{}\">{:.1f} s</text>\n", left + bars + 6, y + bar_height - 2, row.settled_at);
        y += row_height;
    }
    svg += fmt::format("<text x=\"{}\" y=\"{}\" fill=\"#666666\">grey: waits; blue: a step; red: waits for a person; green: as it should be</text>\n", left, height - 4);
    return svg + "</svg>\n";
}

} // namespace ashlar::timeline
