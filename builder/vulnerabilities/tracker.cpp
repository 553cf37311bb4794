#include <vulnerabilities/tracker.hpp>

#include <base/error.hpp>
#include <base/json.hpp>

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace ashlar::vulnerabilities {

namespace {

class Reader {
public:
    explicit Reader(std::string_view name) : name_(name) {}

    std::map<std::string, Issues> sources(const Json& json) const {
        std::map<std::string, Issues> all;
        for (const auto& [source, issues] : object(json, "").items())
            for (const auto& [id, one] : object(issues, source).items()) all[source].emplace(id, issue(one, source + ": " + id));
        return all;
    }

private:
    [[nodiscard]] Error refuse(std::string_view place, std::string_view cause) const {
        return Error(fmt::format("cannot read the security tracker '{}': {}{}{}", name_, place, place.empty() ? "" : ": ", cause),
                     "give the file that the tracker exports for all packages, in JSON");
    }

    [[nodiscard]] const Json& object(const Json& json, std::string_view place) const {
        if (!json.is_object()) throw refuse(place, "it is no object");
        return json;
    }

    [[nodiscard]] std::optional<std::string> text(const Json& json, const char* key, std::string_view place) const {
        const auto found = json.find(key);
        if (found == json.end() || found->is_null()) return std::nullopt;
        if (!found->is_string()) throw refuse(place, fmt::format("'{}' is no text", key));
        return found->get<std::string>();
    }

    [[nodiscard]] Issue issue(const Json& json, const std::string& place) const {
        Issue issue{text(object(json, place), "description", place).value_or(""), {}};
        const auto releases = json.find("releases");
        if (releases == json.end()) throw refuse(place, "'releases' is missing");
        for (const auto& [release, one] : object(*releases, place).items()) issue.releases.emplace(release, record(one, place + ": " + release));
        return issue;
    }

    [[nodiscard]] Record record(const Json& json, const std::string& place) const {
        constexpr std::array<std::string_view, 3> statuses{"open", "resolved", "undetermined"};
        const auto status = text(object(json, place), "status", place);
        const auto known = std::ranges::find(statuses, status.value_or(""));
        if (!status) throw refuse(place, "'status' is missing");
        if (known == statuses.end()) throw refuse(place, fmt::format("the status '{}' is not known", *status));
        return {static_cast<Record::Status>(known - statuses.begin()), text(json, "urgency", place).value_or("not yet assigned"), text(json, "fixed_version", place), text(json, "nodsa", place)};
    }

    std::string_view name_;
};

// The export has tens of megabytes; of the object at its top only the members that are wanted are kept.
Json members(std::string_view text, std::string_view name, const std::set<std::string>& wanted) {
    const auto keep = [&](int depth, Json::parse_event_t event, Json& value) {
        return depth != 1 || event != Json::parse_event_t::key || wanted.contains(value.get_ref<const std::string&>());
    };
    try {
        return Json::parse(text, keep);
    } catch (const Json::exception& error) {
        throw Error(fmt::format("cannot parse '{}': {}", name, error.what()));
    }
}

} // namespace

Tracker Tracker::parse(std::string_view text, std::string_view name, const std::set<std::string>& sources) {
    Tracker tracker;
    tracker.sources_ = Reader(name).sources(members(text, name, sources));
    return tracker;
}

const Issues* Tracker::find(const std::string& source) const {
    const auto found = sources_.find(source);
    return found == sources_.end() ? nullptr : &found->second;
}

bool Tracker::knows_release(const std::string& release) const {
    return std::ranges::any_of(sources_, [&](const auto& source) { return std::ranges::any_of(source.second, [&](const auto& issue) { return issue.second.releases.contains(release); }); });
}

} // namespace ashlar::vulnerabilities
