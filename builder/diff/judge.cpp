#include <diff/report.hpp>

#include <base/text.hpp>

#include <fmt/format.h>

namespace ashlar::diff {

namespace {

using policy::Finding, policy::Verdict;

class Judge {
public:
    Judge(const policy::ChangeRules& rules, const ImageDifference& image, std::vector<Finding>& findings) : rules_(rules), image_(image), findings_(findings) {}

    void judge() {
        if (rules_.downgrades == Verdict::refuse) downgrades();
        if (rules_.privileges == Verdict::refuse) privileges();
        if (rules_.accounts == Verdict::refuse) accounts();
        if (rules_.listening == Verdict::refuse) listening();
        if (rules_.growth) growth(*rules_.growth);
    }

private:
    void add(const char* rule, std::string subject, std::string message) { findings_.push_back({rule, std::move(subject), fmt::format("{}, in {}", message, image_.role)}); }

    void downgrades() {
        for (const auto& source : image_.sources)
            for (const auto& package : source.packages)
                if (package.kind == PackageChange::Kind::downgraded) add("changes.downgrades", package.name, fmt::format("it goes back from {} to {}", package.old_version, package.new_version));
    }
    void privileges() {
        for (const auto& one : image_.privileges)
            if (!one.after.empty()) add("changes.privileges", "/" + one.path, one.before.empty() ? fmt::format("it is new with {}", one.after) : fmt::format("it was {} and is {}", one.before, one.after));
    }
    void accounts() {
        for (const auto& one : image_.accounts)
            if (one.moved()) add("changes.accounts", one.name, fmt::format("the {} had the number {} and has {}", name_of(one.kind), *one.before, *one.after));
    }
    void listening() {
        for (const auto& unit : image_.units)
            if (unit.name.ends_with(".socket") && unit.after == "on") add("changes.listening", unit.name, unit.listens.empty() ? std::string("it is on and was not") : fmt::format("it listens on {}", join(unit.listens, ", ")));
    }
    void growth(std::uint64_t most) {
        for (const auto& size : image_.sizes)
            if (size.name == "files of the root" && size.growth() > 0 && static_cast<std::uint64_t>(size.growth()) > most)
                add("changes.growth", image_.role, fmt::format("the files of the root grow by {}, {} are allowed", human_bytes(static_cast<std::uint64_t>(size.growth())), human_bytes(most)));
    }

    const policy::ChangeRules& rules_;
    const ImageDifference& image_;
    std::vector<Finding>& findings_;
};

} // namespace

std::vector<Finding> judge(const policy::ChangeRules& rules, const ReleaseDifference& difference) {
    std::vector<Finding> findings;
    for (const auto& image : difference.images) Judge(rules, image, findings).judge();
    return findings;
}

} // namespace ashlar::diff
