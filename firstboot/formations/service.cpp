#include <formations/service.hpp>

#include <base/error.hpp>
#include <base/file.hpp>
#include <base/text.hpp>
#include <formation/ladder.hpp>
#include <forming/decision.hpp>
#include <signing/json_object.hpp>

#include <algorithm>
#include <cerrno>
#include <set>
#include <sys/random.h>
#include <type_traits>
#include <utility>

#include <fmt/format.h>

namespace ashlar::formations {

namespace fs = std::filesystem;

namespace {

using forming::Standing;
using State = Standing::State;
using namespace std::chrono_literals;


constexpr forming::Time shortest_pause = 50ms, longest_pause = 30s; // between two turns
constexpr forming::Time try_again = 5s;                             // what does not even begin
constexpr forming::Time wait_for_site = 2s;
constexpr forming::Time ask_again = 2s; // a store that did not answer
// What others said in the store, and who has no copy of a secret: while something is under way, and when all is well.
constexpr forming::Time look_soon = 1s, look_at_leisure = 5s;
// The same where the store's mark says when there is something to see; and how often that is asked: the longer nothing has happened, the rarer.
constexpr forming::Time look_unasked = 30s, ask_soon = 250ms, ask_at_leisure = 10s;
constexpr int share_of_quiet = 20;

class SystemRandomness final : public forming::Randomness {
public:
    void fill(std::span<std::byte> bytes) override {
        for (std::size_t done = 0; done < bytes.size();) {
            const auto got = ::getrandom(bytes.data() + done, bytes.size() - done, 0);
            if (got < 0 && errno != EINTR) throw system_error("read", "random numbers");
            done += got > 0 ? static_cast<std::size_t>(got) : 0;
        }
    }
};

forming::Time monotonic() { return std::chrono::duration_cast<forming::Time>(std::chrono::steady_clock::now().time_since_epoch()); }
std::int64_t seconds_now() { return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count(); }

// The store, asked once and not by every formation in turn while it does not answer: what waits for it waits, all else goes on.
class PatientStore final : public forming::SiteStore {
public:
    explicit PatientStore(forming::SiteStore& store) : store_(store) {}

    Entries list(std::string_view prefix) const override {
        return ask([&] { return store_.list(prefix); });
    }
    bool swap(const std::string& key, std::uint64_t revision, const std::optional<std::string>& value) override {
        return ask([&] { return store_.swap(key, revision, value); });
    }

    // Asks it, when it did not answer and a while is over.
    [[nodiscard]] bool answers() {
        {
            const std::lock_guard lock(mutex_);
            if (!silence_) return true;
            if (monotonic() < again_) return false;
        }
        return look();
    }

    template <typename Question> std::invoke_result_t<Question> ask(Question question) const {
        {
            const std::lock_guard lock(mutex_);
            if (silence_) throw Error(*silence_);
        }
        try {
            return question();
        } catch (const Error&) {
            // One question may be refused, or its answer not understood: that is no silence.
            (void)look();
            throw;
        }
    }

private:
    bool look() const {
        std::optional<std::string> silence;
        try {
            (void)store_.list("locks/");
        } catch (const Error& error) {
            silence = error.message();
        }
        const std::lock_guard lock(mutex_);
        silence_ = std::move(silence);
        again_ = monotonic() + ask_again;
        return !silence_;
    }

    forming::SiteStore& store_;
    mutable std::mutex mutex_;
    mutable std::optional<std::string> silence_; // what it failed with
    mutable forming::Time again_{};
};

// ---- For people ----

std::string retry_command(std::string_view formation) { return fmt::format("`ashlarctl formation retry {}`", formation); }

// The one that says most of why it does not go on.
const std::pair<const std::string, forming::Attempt>* worst(const std::map<std::string, forming::Attempt, std::less<>>& attempts) {
    const auto found = std::ranges::max_element(attempts, {}, [](const auto& entry) { return std::pair(entry.second.needs_person, entry.second.failures); });
    return found == attempts.end() ? nullptr : &*found;
}

std::string next_of(const Standing& standing, const std::map<std::string, forming::Attempt, std::less<>>& attempts, forming::Time now) {
    const auto* failed = worst(attempts);
    switch (standing.state) {
    case State::settled:
    case State::absent: return "nothing has to be done";
    case State::working: return "it goes on by itself when the step has ended";
    case State::alarmed:
        if (failed != nullptr && failed->second.needs_person) return fmt::format("put right what stopped the step, then {}", retry_command(standing.formation));
        return "a person has to decide; nothing is changed until then";
    case State::waiting: break;
    }
    if (failed == nullptr) return "it goes on by itself";
    const auto left = std::max(failed->second.not_before - now, forming::Time{0});
    return fmt::format("it is tried again by itself in {}; {} tries at once", forming::in_words(left), retry_command(standing.formation));
}

} // namespace

Machine this_machine() { return {std::make_unique<forming::TransientUnitRunner>(), std::make_unique<forming::RootFiles>("/"), std::make_unique<forming::SystemUnits>()}; }

// ---- The thread's own ------------------------------------------------------------------------------------------

class FormationService::Work {
public:
    Work(Parts& parts, std::shared_ptr<const formation::Formations> formations)
        : parts_(parts), store_(parts.store), formations_(std::move(formations)), vault_(std::make_shared<SealedVault>(store_, *formations_, parts.key, random_)), certificates_(certificates_of(parts, *formations_)), journal_(parts.journal),
          engine_(*formations_, {store_, *vault_, *parts.machine.runner, *parts.machine.files, *parts.machine.units, random_, certificates_ ? &*certificates_ : nullptr}, journal_) {}

    [[nodiscard]] const std::shared_ptr<SealedVault>& vault() const { return vault_; }
    [[nodiscard]] forming::Engine& engine() { return engine_; }

    // Nothing: the site is not known.
    [[nodiscard]] std::optional<std::vector<Standing>> turn() {
        auto site = parts_.site();
        if (!site) return std::nullopt;
        forming::Self self = parts_.self();
        if (self.fulfilled.contains(formation::store_answers) && !store_.answers()) self.fulfilled.erase(std::string(formation::store_answers));
        const bool has_store = self.fulfilled.contains(formation::store_answers);
        if (has_store) listen(monotonic());
        else mark_.reset(); // nobody is asked for another one meanwhile
        if (known_ != site) look_ = {}; // somebody may be without a copy
        const bool is_time = monotonic() >= look_;
        vault_->see(*site, parts_.keys());
        warn_of_unknown_roles(*site);
        if (has_store && is_time) try_to([&] { (void)vault_->share(); });
        self_ = self.id;
        if (certificates_) certificates_->tend(*site, self, monotonic());
        auto standings = engine_.turn(*site, self, monotonic());
        const bool is_well = std::ranges::all_of(standings, [](const Standing& standing) { return standing.state == State::settled || standing.state == State::absent; });
        if (is_time) look_ = monotonic() + (mark_ ? look_unasked : is_well ? look_at_leisure : look_soon);
        known_ = std::move(site);
        return standings;
    }

    void look_again() {
        look_ = {};
        engine_.look_again();
    }
    // Of this turn.
    [[nodiscard]] bool follows_authorities() const {
        return std::ranges::all_of(*formations_, [this](const auto& entry) {
            const formation::Formation& formation = entry.second;
            if (!shows_authorities(formation) || !known_ || !forming::is_placed(formation, *known_, self_)) return true;
            return engine_.has_files(formation.name) && (!formation.certificate || (certificates_ && certificates_->is_of_now(formation.name)));
        });
    }
    [[nodiscard]] std::optional<Time> expires(std::string_view formation) const { return certificates_ ? certificates_->expires(formation) : std::nullopt; }
    // When to turn again at the latest.
    [[nodiscard]] forming::Time next() const { return std::min({engine_.next_turn(), certificates_ ? certificates_->next() : forming::Time::max(), look_, mark_ ? listen_ : forming::Time::max()}); }

private:
    static std::optional<ServiceCertificates> certificates_of(const Parts& parts, const formation::Formations& formations) {
        if (!parts.certification) return std::nullopt;
        return std::optional<ServiceCertificates>(std::in_place, formations, ServiceCertificates::Parts{.directory = parts.certification->directory, .key = parts.key, .trust = parts.certification->trust, .ask = parts.certification->ask, .now = parts.certification->now, .alarm = parts.alarm});
    }

    static bool shows_authorities(const formation::Formation& formation) {
        const auto names_them = [](const formation::Template& text) { return std::ranges::any_of(text.names(), [](const std::string& name) { return name == "site.authority"; }); };
        return formation.certificate || std::ranges::any_of(formation.renders, names_them, &formation::Render::text) || std::ranges::any_of(formation.listings, names_them, &formation::Listing::item);
    }

    // Whether somebody has written.
    void listen(forming::Time now) {
        if (!parts_.mark || now < listen_) return;
        try_to([&] {
            auto mark = store_.ask(parts_.mark);
            if (mark && mark != mark_) {
                changed_ = now;
                look_ = {};
                engine_.heed_store(now);
            }
            mark_ = std::move(mark);
        });
        listen_ = now + std::clamp<forming::Time>((now - changed_) / share_of_quiet, ask_soon, ask_at_leisure);
    }

    // Once of each: others may run a newer release for long.
    void warn_of_unknown_roles(const forming::Site& site) {
        for (const auto& member : site.members)
            for (const auto& role : member.unknown_roles)
                if (warned_.emplace(member.id, role).second && parts_.alarm)
                    parts_.alarm(fmt::format("the site's plan gives '{}' the role '{}', which this release does not know: what runs there because of it is not known here", member.name, role));
    }

    // What stands in its way is told by the formations that need it.
    template <typename Deed> static void try_to(const Deed& deed) {
        try {
            deed();
        } catch (const Error&) {
        }
    }

    Parts& parts_;
    PatientStore store_;
    SystemRandomness random_;
    const std::shared_ptr<const formation::Formations> formations_;
    const std::shared_ptr<SealedVault> vault_;
    std::optional<ServiceCertificates> certificates_;
    forming::FileJournal journal_;
    forming::Engine engine_;
    std::optional<forming::Site> known_; // in the last turn
    std::string self_;                   // the same
    std::set<std::pair<std::string, std::string>> warned_;
    forming::Time look_{};
    std::optional<std::string> mark_;
    forming::Time changed_{}, listen_{}; // when the mark was another, and when it is asked next
};

// ---- The service -----------------------------------------------------------------------------------------------

FormationService::FormationService(Parts parts) : parts_(std::move(parts)), history_(parts_.history), thread_([this](const std::stop_token& stop) { run(stop); }) {}

void FormationService::run(const std::stop_token& stop) {
    std::unique_ptr<Work> work;
    while (!stop.stop_requested()) {
        forming::Time longest = longest_pause;
        try {
            if (!work) {
                auto formations = std::make_shared<const formation::Formations>(formation::read_folder(parts_.definitions, parts_.definitions));
                work = std::make_unique<Work>(parts_, formations);
                const std::lock_guard lock(mutex_);
                vault_ = work->vault();
                formations_ = std::move(formations);
                for (const auto& [name, formation] : *formations_) summaries_[name] = formation.summary;
            }
            std::deque<std::string> retries;
            {
                const std::lock_guard lock(mutex_);
                retries.swap(retries_);
                if (std::exchange(is_woken_, false)) work->look_again();
            }
            for (const auto& formation : retries) work->engine().retry(formation);
            if (const auto standings = work->turn()) {
                show(*work, *standings);
                longest = std::clamp(work->next() - monotonic(), shortest_pause, longest_pause);
            } else {
                complain("the site is not known yet");
                longest = wait_for_site;
            }
        } catch (const std::exception& error) { // also of a function that was given: the thread must not end by it
            complain(error.what());
            longest = try_again;
        }
        pause(stop, longest);
    }
}

void FormationService::pause(const std::stop_token& stop, forming::Time longest) {
    std::unique_lock lock(mutex_);
    woken_.wait_for(lock, stop, longest, [this] { return is_woken_; });
}

void FormationService::show(Work& work, const std::vector<Standing>& standings) {
    bool has_changed = false;
    std::vector<std::string> alarms;
    {
        const std::lock_guard lock(mutex_);
        has_changed = !trouble_.empty();
        const std::int64_t now = age_of_node().now;
        trouble_.clear();
        follows_ = work.follows_authorities();
        for (const auto& standing : standings) {
            Seen& seen = seen_[standing.formation];
            if (seen.since == 0 || seen.standing.state != standing.state) seen.since = seconds_now();
            if (standing.state == State::alarmed && (seen.standing.state != State::alarmed || seen.standing.why != standing.why)) alarms.push_back(fmt::format("{}: {}", standing.formation, standing.why));
            has_changed = has_changed || seen.standing != standing;
            seen.standing = standing;
            history_.note(standing, now);
            seen.outlook = work.engine().outlook(standing.formation);
            seen.attempts = work.engine().attempts(standing.formation);
            seen.expires = work.expires(standing.formation);
        }
    }
    for (const auto& alarm : alarms)
        if (parts_.alarm) parts_.alarm(alarm);
    if (has_changed && parts_.changed) parts_.changed();
}

void FormationService::complain(const std::string& trouble) {
    {
        const std::lock_guard lock(mutex_);
        if (trouble_ == trouble) return;
        trouble_ = trouble;
    }
    if (parts_.changed) parts_.changed();
}

Json FormationService::status() const {
    const std::lock_guard lock(mutex_);
    const forming::Time now = monotonic();
    Json list = Json::array();
    for (const auto& [name, seen] : seen_) {
        Json one{{"name", name}, {"state", name_of(seen.standing.state)}, {"why", seen.standing.why}, {"since", seen.since}, {"next", next_of(seen.standing, seen.attempts, now)}};
        if (seen.expires) one["certificate"] = seen.expires->time_since_epoch().count();
        if (!seen.standing.step.empty()) one["step"] = seen.standing.step;
        for (const auto& [step, attempt] : seen.attempts)
            one["failed"].push_back({{"step", step}, {"failures", attempt.failures}, {"reason", attempt.reason}, {"needs_person", attempt.needs_person}});
        list.push_back(std::move(one));
    }
    Json status{{"list", std::move(list)}};
    if (!trouble_.empty()) status["trouble"] = trouble_;
    return status;
}

Json FormationService::timeline(const std::string& node) const {
    const std::lock_guard lock(mutex_);
    return history_.json(node, age_of_node());
}

Json FormationService::checks() const {
    const std::lock_guard lock(mutex_);
    Json rungs = Json::array();
    if (!formations_) return {{"rungs", std::move(rungs)}};
    for (const auto& name : formation::ladder(*formations_)) {
        const auto found = seen_.find(name);
        if (found == seen_.end()) continue;
        const auto& standing = found->second.standing;
        const auto& outlook = found->second.outlook;
        Json required = Json::array(), checks = Json::array();
        for (const auto& text : formations_->find(name)->second.requires_)
            if (formations_->contains(text.value)) required.push_back(text.value);
        for (const auto& check : outlook.checks) {
            Json one{{"id", check.id}, {"summary", check.summary}, {"timeout", std::chrono::ceil<std::chrono::seconds>(check.timeout).count()}};
            if (check.argv.empty()) one["waits_for"] = check.waits_for;
            else one["run"] = check.argv;
            checks.push_back(std::move(one));
        }
        rungs.push_back({{"formation", name}, {"summary", summaries_.at(name)}, {"state", name_of(standing.state)}, {"why", standing.why}, {"ready", outlook.ready}, {"missing", outlook.missing}, {"requires", std::move(required)}, {"checks", std::move(checks)}});
    }
    return {{"rungs", std::move(rungs)}};
}

const FormationService::Seen& FormationService::seen(std::string_view formation) const {
    const auto found = seen_.find(formation);
    if (found != seen_.end()) return found->second;
    std::vector<std::string> names;
    for (const auto& [name, one] : seen_) names.push_back(name);
    const auto meant = did_you_mean(formation, names);
    throw Error(fmt::format("cannot find the formation '{}': this node has no such formation", formation), meant ? fmt::format("did you mean '{}'?", *meant) : !trouble_.empty() ? trouble_ : names.empty() ? "its image carries none" : fmt::format("it has: {}", join(names, ", ")));
}

std::string FormationService::why(std::string_view formation) const {
    const std::lock_guard lock(mutex_);
    const Seen& about = seen(formation);
    const auto summary = summaries_.find(formation);
    std::string text = fmt::format("{} ({}): {}\n", formation, summary == summaries_.end() ? "" : summary->second, name_of(about.standing.state));
    text += fmt::format("  why    {}\n", about.standing.why);
    text += fmt::format("  since  {}\n", forming::in_words(std::chrono::seconds(std::max<std::int64_t>(seconds_now() - about.since, 0))));
    for (const auto& [step, attempt] : about.attempts)
        text += fmt::format("  failed {}: {} ({} {}{})\n", step, attempt.reason, attempt.failures, attempt.failures == 1 ? "time" : "times", attempt.needs_person ? ", and waits for a person" : "");
    text += fmt::format("  next   {}\n", next_of(about.standing, about.attempts, monotonic()));
    if (!trouble_.empty()) text += fmt::format("  but    {}\n", trouble_);
    return text;
}

void FormationService::retry(const std::string& formation) {
    const std::lock_guard lock(mutex_);
    (void)seen(formation);
    retries_.push_back(formation);
    is_woken_ = true;
    woken_.notify_all();
}

std::shared_ptr<SealedVault> FormationService::vault_of(const std::string& formation, const std::string& secret) const {
    const std::lock_guard lock(mutex_);
    if (!vault_ || !trouble_.empty()) throw Error(fmt::format("cannot rotate the secret '{}/{}': {}", formation, secret, trouble_.empty() ? "the site is not known yet" : trouble_));
    (void)seen(formation);
    return vault_;
}

void FormationService::rotate(const std::string& formation, const std::string& secret) {
    vault_of(formation, secret)->rotate(formation, secret);
    wake();
}

SealedVault::Rotation FormationService::rotation(const std::string& formation, const std::string& secret) { return vault_of(formation, secret)->rotation(formation, secret); }
SealedVault::Rotation FormationService::gift(const std::string& formation, const std::string& secret, const Secret& value) { return vault_of(formation, secret)->gift(formation, secret, value); }

bool FormationService::follows_authorities() const {
    const std::lock_guard lock(mutex_);
    return follows_ || std::chrono::steady_clock::now() - begun_ > patience;
}

void FormationService::wake() {
    const std::lock_guard lock(mutex_);
    is_woken_ = true;
    woken_.notify_all();
}

} // namespace ashlar::formations
