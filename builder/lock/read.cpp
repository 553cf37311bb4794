#include <lock/lock.hpp>

#include "check.hpp"
#include "time.hpp"

#include <base/error.hpp>
#include <base/json.hpp>
#include <base/text.hpp>

#include <algorithm>
#include <set>

#include <fmt/format.h>

namespace ashlar::lock {

namespace {

[[noreturn]] void refuse(const std::string& place, std::string_view what) {
    throw Error(fmt::format("{}{}{}", place, place.empty() ? "" : ": ", what));
}

std::string shown(const Json& value) {
    std::string text = value.dump(-1, ' ', false, Json::error_handler_t::replace);
    if (text.size() > 100) text = text.substr(0, 97) + "...";
    return text;
}

const std::string& as_text(const Json& value, const std::string& place) {
    if (!value.is_string()) refuse(place, fmt::format("expected a string, found {}", shown(value)));
    return value.get_ref<const std::string&>();
}

std::uint64_t as_size(const Json& value, const std::string& place) {
    if (!value.is_number_unsigned()) refuse(place, fmt::format("expected the number of bytes, found {}", shown(value)));
    return value.get<std::uint64_t>();
}

std::int64_t as_time(const Json& value, const std::string& place) {
    const auto seconds = read_time(as_text(value, place));
    if (!seconds) refuse(place, fmt::format("expected a time like \"2025-08-09T11:10:42Z\", found {}", shown(value)));
    return *seconds;
}

Digest as_digest(const Json& value, const std::string& place) {
    constexpr std::string_view algorithm = "sha256:";
    const std::string& text = as_text(value, place);
    std::optional<Digest> digest;
    if (text.starts_with(algorithm)) digest = Digest::from_hex(std::string_view(text).substr(algorithm.size()));
    if (!digest) refuse(place, fmt::format("expected \"sha256:\" and 64 hexadecimal digits, found {}", shown(value)));
    return *digest;
}

const Json& as_array(const Json& value, const std::string& place) {
    if (!value.is_array()) refuse(place, fmt::format("expected a list, found {}", shown(value)));
    return value;
}

template <typename Read> auto as_list(const Json& value, const std::string& place, Read read) {
    std::vector<decltype(read(value, place))> list;
    for (const auto& entry : as_array(value, place)) {
        list.push_back(read(entry, fmt::format("{}[{}]", place, list.size())));
    }
    return list;
}

// An object whose every key must be asked for: what is left over at the end is an error.
class Object {
public:
    Object(const Json& value, std::string place) : value_(value), place_(std::move(place)) {
        if (!value.is_object()) refuse(place_, fmt::format("expected an object, found {}", shown(value)));
    }

    template <typename Read> auto take(const std::string& key, Read read) {
        const auto found = find(key);
        if (found == value_.end()) refuse(place_, fmt::format("'{}' is missing", key));
        return read(*found, below(key));
    }
    template <typename Read> auto take_if_there(const std::string& key, Read read) {
        const auto found = find(key);
        std::optional<std::decay_t<decltype(read(value_, place_))>> taken;
        if (found != value_.end()) taken = read(*found, below(key));
        return taken;
    }
    std::string text(const std::string& key) { return take(key, as_text); }
    std::string text_or(const std::string& key, const std::string& usual) {
        return take_if_there(key, as_text).value_or(usual);
    }

    void finish() const {
        for (const auto& [key, value] : value_.items()) {
            if (std::find(asked_.begin(), asked_.end(), key) != asked_.end()) continue;
            const auto meant = did_you_mean(key, asked_);
            refuse(place_,
                   fmt::format("unknown key '{}'{}", key, meant ? fmt::format(", did you mean '{}'?", *meant) : ""));
        }
    }

private:
    Json::const_iterator find(const std::string& key) {
        asked_.push_back(key);
        return value_.find(key);
    }
    [[nodiscard]] std::string below(const std::string& key) const { return place_.empty() ? key : place_ + "." + key; }

    const Json& value_;
    std::string place_;
    std::vector<std::string> asked_;
};

Index read_index(const Json& value, const std::string& place) {
    Object object(value, place);
    Index index{.component = object.text("component"),
                .path = object.text("path"),
                .sha256 = object.take("sha256", as_digest),
                .size = object.take("size", as_size),
                .content_sha256 = object.take("content", as_digest)};
    object.finish();
    return index;
}

std::vector<std::string> as_texts(const Json& value, const std::string& place) {
    return as_list(value, place,
                   [](const Json& entry, const std::string& at) { return std::string(as_text(entry, at)); });
}

Suite read_suite(const Json& value, const std::string& place) {
    Object object(value, place);
    Suite suite{.archive = object.text("archive"),
                .suite = object.text("suite"),
                .in_release = object.take("in_release", as_digest),
                .signers = object.take("signers", as_texts),
                .date = object.take("date", as_time),
                .valid_until = object.take_if_there("valid_until", as_time),
                .indices = object.take("indices", [](const Json& entry, const std::string& at) {
                    return as_list(entry, at, read_index);
                })};
    object.finish();
    return suite;
}

Folder read_folder(const Json& value, const std::string& place) {
    Object object(value, place);
    Folder folder{.archive = object.text("archive"), .index = object.take("index", as_digest)};
    object.finish();
    return folder;
}

struct LockedPackage {
    Package package;
    std::vector<std::string> roles;
};

LockedPackage read_package(const Json& value, const std::string& place) {
    Object object(value, place);
    Package package{.name = object.text("name"),
                    .version = object.text("version"),
                    .architecture = object.text("architecture"),
                    .archive = object.text("archive"),
                    .component = object.text_or("component", ""),
                    .path = object.text("path"),
                    .size = object.take("size", as_size),
                    .sha256 = object.take("sha256", as_digest)};
    package.source = object.text_or("source", package.name);
    package.source_version = object.text_or("source_version", package.version);
    package.maintainer = object.text_or("maintainer", "");
    package.homepage = object.text_or("homepage", "");
    std::vector<std::string> roles = object.take("roles", as_texts);
    object.finish();
    return {std::move(package), std::move(roles)};
}

std::map<std::string, Digest> read_outputs(const Json& value, const std::string& place) {
    if (!value.is_object()) refuse(place, fmt::format("expected an object, found {}", shown(value)));
    std::map<std::string, Digest> outputs;
    for (const auto& [name, digest] : value.items())
        outputs.emplace(name, as_digest(digest, fmt::format("{}.{}", place, name)));
    return outputs;
}

void add_packages(Lock& lock, std::vector<LockedPackage> packages) {
    for (auto& [package, roles] : packages) {
        const std::size_t index = lock.packages.size();
        for (const auto& role : roles) {
            const auto found = lock.roles.find(role);
            if (found == lock.roles.end())
                refuse(fmt::format("packages[{}].roles", index), fmt::format("'{}' is not in 'roles'", role));
            found->second.push_back(index);
        }
        lock.packages.push_back(std::move(package));
    }
}

void expect_format(Object& object) {
    const std::string format = object.text("format");
    if (format != "ashlar-lock") refuse("format", fmt::format("expected \"ashlar-lock\", found \"{}\"", format));
    const Json version = object.take("version", [](const Json& value, const std::string&) { return value; });
    if (version != 1) refuse("version", fmt::format("this Ashlar reads version 1, found {}", shown(version)));
}

Lock read_lock(const Json& value) {
    Object object(value, "");
    expect_format(object);
    Lock lock{.train = object.text("train"),
              .architecture = object.text("architecture"),
              .epoch = object.take("epoch", as_time)};
    for (auto& role : object.take("roles", as_texts)) lock.roles.try_emplace(std::move(role));
    lock.suites =
        object.take("suites", [](const Json& list, const std::string& at) { return as_list(list, at, read_suite); });
    lock.folders =
        object.take("folders", [](const Json& list, const std::string& at) { return as_list(list, at, read_folder); });
    add_packages(lock, object.take("packages", [](const Json& list, const std::string& at) {
        return as_list(list, at, read_package);
    }));
    lock.outputs = object.take("outputs", read_outputs);
    object.finish();
    return lock;
}

// The library keeps the last of two equal keys; a lock has none.
Json parse_without_doubles(std::string_view text) {
    std::vector<std::set<std::string>> open;
    const auto watch = [&](int, Json::parse_event_t event, Json& value) {
        if (event == Json::parse_event_t::object_start) open.emplace_back();
        if (event == Json::parse_event_t::object_end) open.pop_back();
        if (event == Json::parse_event_t::key && !open.back().insert(value.get<std::string>()).second)
            throw Error(fmt::format("the key '{}' is there twice", value.get<std::string>()));
        return true;
    };
    try {
        return Json::parse(text, watch);
    } catch (const Json::exception& error) {
        // "[json.exception.parse_error.101] parse error at line …": the bracket is for programmers.
        const std::string_view said = error.what();
        throw Error(std::string(said.substr(said.find("] ") + 2)));
    }
}

// One lock has one text: order, spaces and omitted defaults included. So two locks differ exactly
// when their files do, and a diff shows nothing but what changed.
void expect_canonical(std::string_view text, const std::string& canonical) {
    if (text == canonical) return;
    const auto difference = std::mismatch(text.begin(), text.end(), canonical.begin(), canonical.end());
    const auto line = 1 + std::count(text.begin(), difference.first, '\n');
    refuse(fmt::format("line {}", line), "not as Ashlar writes it (order, spaces or a value that is left out)");
}

} // namespace

Lock parse(std::string_view text, std::string_view name) {
    try {
        Lock lock = read_lock(parse_without_doubles(text));
        if (const auto fault = first_fault(lock)) throw Error(*fault);
        expect_canonical(text, to_text(lock));
        return lock;
    } catch (const Error& error) {
        throw Error(fmt::format("cannot read the lock '{}': {}", name, error.message()),
                    "take it from version control again, or write it anew with `ashlar lock`");
    }
}

} // namespace ashlar::lock
