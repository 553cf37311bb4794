#pragma once

// `ashlarctl verify`: climbs the formations of a site, what is required before what requires it, and says of each whether it is formed on all
// its nodes and whether it does its work. docs/guides/verify.md.

#include <base/json.hpp>

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace ashlar::ctl {

struct Verdict {
    std::string formation, check; // check: "formed", or one of the formation's own
    std::string summary;          // what is true when it passes
    enum class Result { passed, failed, not_run } result = Result::passed;
    std::string text; // why it did not, or what there is to say; may have lines
    double seconds = 0;
};

// What a check's program came to; its exit code is 124 when it was too slow.
struct Ended {
    int exit_code = 0;
    std::string said; // standard output and error
    double seconds = 0;
};
using RunCheck = std::function<Ended(const std::vector<std::string>& argv, unsigned seconds)>;

// `answer`: of org.ashlar.Site.Checks, docs/formats/control.md. `only`: formations, with what they require; empty: all. What stands on something
// that failed is not run. `seen` is told each verdict when it is known. An Error for a formation that is not there.
[[nodiscard]] std::vector<Verdict> verify(const Json& answer, const std::vector<std::string>& only, const RunCheck& run, const std::function<void(const Verdict&)>& seen);

[[nodiscard]] std::string_view name_of(Verdict::Result result) noexcept;
[[nodiscard]] std::string verdict_text(const Verdict& verdict); // lines, ended
[[nodiscard]] std::string summary_text(const std::vector<Verdict>& verdicts);
[[nodiscard]] Json json_of(const std::vector<Verdict>& verdicts);
// The form that Jenkins, GitLab and others read: a suite for each formation.
[[nodiscard]] std::string junit_of(const std::vector<Verdict>& verdicts, const std::string& host);

} // namespace ashlar::ctl
