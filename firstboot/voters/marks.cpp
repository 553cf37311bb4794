#include <voters/marks.hpp>

#include "handlers.hpp"

#include <roster/roster.hpp>
#include <signing/json_object.hpp>
#include <voters/plan.hpp>

#include <base/error.hpp>

#include <fmt/format.h>

namespace ashlar::voters {

namespace {

constexpr JsonDocument document{.kind = "answer", .name = "store.mark", .remedy = ""};
constexpr std::chrono::milliseconds good_for{100};

std::string text_of(const etcd::Extent& extent) { return fmt::format("{}/{}", extent.newest, extent.keys); }

} // namespace

Marks read_marks(etcd::Client& client) {
    const auto of = client.extents({std::string(key::formations), std::string(key::locks), std::string(roster::key::nodes), std::string(roster::key::seats), std::string(key::plan)});
    return {.formations = fmt::format("{} {}", text_of(of[0]), text_of(of[1])), .members = fmt::format("{} {} {}", text_of(of[2]), text_of(of[3]), text_of(of[4]))};
}

std::optional<Marks> ask_marks(VotersClient& voters) {
    const auto answer = voters.ask({.ask = "store.mark", .parameters = Json::object()}, VotersClient::Changes::nothing);
    if (const auto* const refusal = std::get_if<Refusal>(&answer)) {
        if (refusal->reason == Reason::unknown_ask) return std::nullopt;
        throw Error(fmt::format("cannot ask whether the site's store has changed: the voters refuse: {}", refusal->text));
    }
    JsonObject object(std::get<Json>(answer), document, "it");
    Marks marks{.formations = object.text("formations"), .members = object.text("members")};
    object.finish();
    return marks;
}

Marks SharedMarks::read(etcd::Client& client) {
    const std::lock_guard lock(mutex_);
    const auto now = std::chrono::steady_clock::now();
    if (!marks_ || now - read_ >= good_for) {
        marks_ = read_marks(client);
        read_ = now;
    }
    return *marks_;
}

} // namespace ashlar::voters
