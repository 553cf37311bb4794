#include <ctl/verification.hpp>

#include <base/error.hpp>
#include <base/text.hpp>

#include <algorithm>
#include <set>

#include <fmt/format.h>

namespace ashlar::ctl {

namespace {

using Result = Verdict::Result;

constexpr int too_slow = 124; // timeout(1)

std::vector<std::string> texts(const Json& rung, const char* key) { return rung.at(key).get<std::vector<std::string>>(); }

// With all that they require, in the ladder's order.
std::set<std::string> with_required(const Json& rungs, const std::vector<std::string>& only) {
    std::set<std::string> wanted(only.begin(), only.end());
    std::vector<std::string> known;
    for (const auto& rung : rungs) known.push_back(rung.at("formation"));
    for (const auto& name : only)
        if (std::ranges::find(known, name) == known.end()) {
            const auto meant = did_you_mean(name, known);
            throw Error(fmt::format("cannot verify '{}': this node knows no such formation", name), meant ? fmt::format("did you mean '{}'?", *meant) : fmt::format("it knows: {}", join(known, ", ")));
        }
    for (auto rung = rungs.rbegin(); rung != rungs.rend(); ++rung)
        if (wanted.contains(rung->at("formation")))
            for (auto& name : texts(*rung, "requires")) wanted.insert(std::move(name));
    return wanted;
}

class Climb {
public:
    Climb(const RunCheck& run, const std::function<void(const Verdict&)>& seen) : run_(run), seen_(seen) {}

    void step_on(const Json& rung) {
        const auto ready = texts(rung, "ready"), missing = texts(rung, "missing");
        if (ready.empty() && missing.empty()) return; // the site has no node for it
        const std::string formation = rung.at("formation");
        Verdict formed{.formation = formation, .check = "formed", .summary = fmt::format("{}: formed on all its nodes", rung.at("summary").get<std::string>()), .text = fmt::format("{} of {}", ready.size(), ready.size() + missing.size())};
        if (!missing.empty()) {
            formed.result = Result::failed;
            formed.text += fmt::format("; not on {}", join(missing, ", "));
            if (const std::string state = rung.at("state"); state != "settled" && state != "absent") formed.text += fmt::format("\nhere: {}", rung.at("why").get<std::string>());
        }
        take(std::move(formed));
        for (const auto& check : rung.at("checks")) take(verdict_of(formation, check, broken_below(rung)));
    }

    [[nodiscard]] std::vector<Verdict> verdicts() && { return std::move(verdicts_); }

private:
    void take(Verdict verdict) {
        if (verdict.result != Result::passed) broken_.insert(verdict.formation);
        seen_(verdict);
        verdicts_.push_back(std::move(verdict));
    }

    // The formation itself, or the first that it stands on.
    [[nodiscard]] std::string broken_below(const Json& rung) const {
        for (const auto& required : texts(rung, "requires"))
            if (broken_.contains(required)) return required;
        const std::string own = rung.at("formation");
        return broken_.contains(own) ? own : std::string();
    }

    [[nodiscard]] Verdict verdict_of(const std::string& formation, const Json& check, const std::string& broken) const {
        Verdict verdict{.formation = formation, .check = check.at("id"), .summary = check.at("summary")};
        if (!broken.empty() || !check.contains("run")) {
            verdict.result = Result::not_run;
            verdict.text = broken.empty() ? fmt::format("{} is not known yet", check.value("waits_for", "")) : fmt::format("'{}' has failed", broken);
            return verdict;
        }
        const auto seconds = check.at("timeout").get<unsigned>();
        const Ended ended = run_(check.at("run").get<std::vector<std::string>>(), seconds);
        verdict.seconds = ended.seconds;
        verdict.text = trim(ended.said);
        if (ended.exit_code == 0) return verdict;
        verdict.result = Result::failed;
        const std::string why = ended.exit_code == too_slow ? fmt::format("not done within {} s", seconds) : fmt::format("exit code {}", ended.exit_code);
        verdict.text = verdict.text.empty() ? why : fmt::format("{}\n{}", why, verdict.text);
        return verdict;
    }

    const RunCheck& run_;
    const std::function<void(const Verdict&)>& seen_;
    std::vector<Verdict> verdicts_;
    std::set<std::string> broken_;
};

std::size_t count(const std::vector<Verdict>& verdicts, Result result) { return static_cast<std::size_t>(std::ranges::count(verdicts, result, &Verdict::result)); }

// XML 1.0, 2.2: other control characters cannot be written at all.
std::string escaped(std::string_view text) {
    std::string xml;
    for (const char character : text) {
        switch (character) {
        case '&': xml += "&amp;"; break;
        case '<': xml += "&lt;"; break;
        case '>': xml += "&gt;"; break;
        case '"': xml += "&quot;"; break;
        case '\n': xml += "&#10;"; break;
        default:
            if (static_cast<unsigned char>(character) >= 0x20 || character == '\t') xml += character;
        }
    }
    return xml;
}

std::string case_of(const Verdict& verdict) {
    std::string xml = fmt::format("    <testcase classname=\"{}\" name=\"{}: {}\" time=\"{:.3f}\"", escaped(verdict.formation), escaped(verdict.check), escaped(verdict.summary), verdict.seconds);
    switch (verdict.result) {
    case Result::passed: return xml + "/>\n";
    case Result::failed: return xml + fmt::format("><failure message=\"{}\"/></testcase>\n", escaped(verdict.text));
    case Result::not_run: return xml + fmt::format("><skipped message=\"{}\"/></testcase>\n", escaped(verdict.text));
    }
    return xml;
}

} // namespace

std::string_view name_of(Result result) noexcept {
    switch (result) {
    case Result::passed: return "passed";
    case Result::failed: return "failed";
    case Result::not_run: return "not-run";
    }
    return "failed";
}

std::vector<Verdict> verify(const Json& answer, const std::vector<std::string>& only, const RunCheck& run, const std::function<void(const Verdict&)>& seen) {
    const Json& rungs = answer.at("rungs");
    const auto wanted = with_required(rungs, only);
    Climb climb(run, seen);
    for (const auto& rung : rungs)
        if (wanted.empty() || wanted.contains(rung.at("formation"))) climb.step_on(rung);
    return std::move(climb).verdicts();
}

std::string verdict_text(const Verdict& verdict) {
    const std::string_view word = verdict.result == Result::passed ? "ok" : verdict.result == Result::failed ? "FAILED" : "not run";
    std::string text = fmt::format("{:<8} {:<32} {}", word, verdict.formation + "/" + verdict.check, verdict.summary);
    if (verdict.seconds >= 0.1) text += fmt::format(", {:.1f} s", verdict.seconds);
    text += '\n';
    const bool is_plain = verdict.result == Result::passed && verdict.check != "formed";
    if (is_plain || verdict.text.empty()) return text;
    for (const auto& line : split(verdict.text, '\n')) text += fmt::format("{:<8} {:<32}   {}\n", "", "", line);
    return text;
}

std::string summary_text(const std::vector<Verdict>& verdicts) {
    const auto failed = count(verdicts, Result::failed), not_run = count(verdicts, Result::not_run);
    if (verdicts.empty()) return "nothing to verify: this site has no services yet\n";
    if (failed + not_run == 0) return fmt::format("all {} are in order\n", verdicts.size());
    return fmt::format("{} of {} failed, {} not run\n", failed, verdicts.size(), not_run);
}

Json json_of(const std::vector<Verdict>& verdicts) {
    Json list = Json::array();
    for (const auto& verdict : verdicts)
        list.push_back({{"formation", verdict.formation}, {"check", verdict.check}, {"summary", verdict.summary}, {"result", name_of(verdict.result)}, {"text", verdict.text}, {"seconds", verdict.seconds}});
    return {{"format", 1}, {"passed", count(verdicts, Result::passed)}, {"failed", count(verdicts, Result::failed)}, {"not_run", count(verdicts, Result::not_run)}, {"checks", std::move(list)}};
}

std::string junit_of(const std::vector<Verdict>& verdicts, const std::string& host) {
    std::string xml = fmt::format("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"ashlarctl verify\" tests=\"{}\" failures=\"{}\" skipped=\"{}\">\n", verdicts.size(), count(verdicts, Result::failed), count(verdicts, Result::not_run));
    for (auto first = verdicts.begin(); first != verdicts.end();) {
        const auto last = std::find_if(first, verdicts.end(), [&](const Verdict& verdict) { return verdict.formation != first->formation; });
        const std::vector<Verdict> suite(first, last);
        double seconds = 0;
        for (const auto& verdict : suite) seconds += verdict.seconds;
        xml += fmt::format("  <testsuite name=\"{}\" hostname=\"{}\" tests=\"{}\" failures=\"{}\" skipped=\"{}\" time=\"{:.3f}\">\n", escaped(first->formation), escaped(host), suite.size(), count(suite, Result::failed), count(suite, Result::not_run), seconds);
        for (const auto& verdict : suite) xml += case_of(verdict);
        xml += "  </testsuite>\n";
        first = last;
    }
    return xml + "</testsuites>\n";
}

} // namespace ashlar::ctl
