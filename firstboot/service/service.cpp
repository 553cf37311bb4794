#include <service/service.hpp>

#include <base/error.hpp>
#include <base/file.hpp>
#include <base/process.hpp>
#include <bootmenu/menu.hpp>
#include <breakglass/use.hpp>
#include <gpt/table.hpp>
#include <node/container.hpp>
#include <service/entries.hpp>
#include <slots/slots.hpp>
#include <state/state.hpp>

#include <algorithm>
#include <sys/utsname.h>
#include <unistd.h>

#include <fmt/format.h>

namespace ashlar::service {

using upgrade::Event;
using upgrade::Keeper;
using upgrade::Phase;

namespace {

constexpr const char* blessed_mark = "/run/ashlar/blessed";

std::string host_name() {
    utsname names{};
    ::uname(&names);
    return names.nodename;
}

void require_root(const control::Caller& caller) {
    if (caller.user != 0) throw Error("cannot do that for you: only root may change the node", "use `sudo`, or ask whoever runs the site");
}

// What has to happen before something else can: the sentence that people want to read first.
std::string next_step(const upgrade::Journal& journal) {
    switch (journal.phase) {
    case Phase::resting: return "`ashlarctl upgrade SOURCE` installs another release";
    case Phase::armed: return "`systemctl reboot` tries the new release";
    case Phase::trying: return "boot-complete.target: when all gates are passed the release stays";
    case Phase::leaving:
    case Phase::resetting: return "a restart, which is under way";
    default: return "wait: it goes on by itself";
    }
}

Json json_of(const bootmenu::Entry& entry) {
    Json json{{"release", entry.release}, {"blessed", !entry.tries}};
    if (entry.tries) {
        json["attempts_left"] = entry.tries->left;
        json["attempts_done"] = entry.tries->done;
    }
    return json;
}

Json json_of(const upgrade::Target& target, const upgrade::Source& source) {
    Json json{{"release", target.image.release}, {"root_hash", target.image.root_hash.hex()}, {"way", target.route.way}, {"download", target.route.download}, {"source", source.location}};
    for (const auto& refusal : target.refusals) json["refused"].push_back({{"way", refusal.way}, {"text", refusal.text}});
    return json;
}

} // namespace

Service::Service(firstboot::Identity identity, std::optional<steps::Node> node, std::function<void()> changed, std::function<void(const journald::Entry&)> say)
    : identity_(std::move(identity)), node_(std::move(node)), changed_(std::move(changed)), say_(std::move(say)) {
    if (node_) thread_ = std::thread([this] { work(); });
}

Service::~Service() {
    {
        const std::lock_guard lock(mutex_);
        ended_ = true;
    }
    wished_.notify_all();
    if (thread_.joinable()) thread_.join();
}

// ---- The thread that works ----

void Service::work() {
    try {
        steps::NodeSteps steps(*node_, [this](const steps::Transfer& transfer) {
            note(transfer);
            changed_();
        }, [this](const steps::Notice& notice) { note(notice); });
        steps::StateMemory memory(node_->state);
        Keeper keeper(steps, memory, [this](const upgrade::Journal& journal) { see(journal); });
        wake(keeper, steps);
        for (;;) {
            while (keeper.work()) {}
            std::unique_lock lock(mutex_);
            wished_.wait(lock, [&] { return ended_ || !asked_.empty(); });
            if (ended_) return;
            Asked asked = std::move(asked_.front());
            asked_.pop_front();
            lock.unlock();
            asked.granted.set_value(asked.wish(keeper));
        }
    } catch (const std::exception& failure) {
        // The node runs on without anybody who keeps it; whoever asks is told.
        const auto* error = dynamic_cast<const Error*>(&failure);
        const std::string fault = error != nullptr ? error->render() : failure.what();
        say_(not_kept_entry(fault, identity_.release));
        const std::lock_guard lock(mutex_);
        fault_ = fault;
        for (auto& asked : asked_) asked.granted.set_value(false);
        asked_.clear();
    }
    wished_.notify_all();
    changed_();
}

void Service::note(const steps::Transfer& transfer) {
    const std::lock_guard lock(mutex_);
    if (!transfer_) {
        transfer_began_ = std::chrono::steady_clock::now();
        fetched_before_ = transfer.fetched;
    }
    transfer_ = transfer;
}

void Service::note(const steps::Notice& notice) {
    auto revocations = steps::firmware_revocations(*node_);
    {
        const std::lock_guard lock(mutex_);
        revocations_ = std::move(revocations);
        if (const auto* word = std::get_if<bundle::StaleMedia>(&notice)) stale_ = *word;
    }
    say_(entry_of(notice, identity_.release));
    changed_();
}

void Service::wake(Keeper& keeper, const steps::NodeSteps& steps) {
    steps::StateMemory memory(node_->state);
    if (const auto record = state::read(node_->state); record && record->content.contains("last_reset")) {
        const std::lock_guard lock(mutex_);
        last_reset_ = record->content.at("last_reset");
    }
    const upgrade::Journal before = memory.recall();
    auto revocations = steps::firmware_revocations(*node_);
    {
        const std::lock_guard lock(mutex_);
        journal_ = before;
        revocations_ = std::move(revocations);
    }
    keeper.wake(steps.facts(before));
    see(keeper.journal());
    {
        const std::lock_guard lock(mutex_);
        awake_ = true;
    }
    wished_.notify_all();
}

void Service::see(const upgrade::Journal& journal) {
    Json slots = look_at_slots();
    // Units that belong to a trial ask for it.
    if (journal.phase != Phase::trying && journal.phase != Phase::blessing) write_file(blessed_mark, "");
    std::optional<journald::Entry> entry;
    {
        const std::lock_guard lock(mutex_);
        entry = entry_of(journal_, journal, identity_.release);
        journal_ = journal;
        slots_ = std::move(slots);
        if (journal.phase != Phase::writing) transfer_.reset();
    }
    if (entry) say_(*entry);
    changed_();
}

Json Service::look_at_slots() const {
    const auto slots = slots::slots_of(gpt::read(node_->disk), node_->running.root_hash);
    const auto json_of_slot = [](const slots::Slot& slot) { return Json{{"label", slot.root.label}, {"partition", slot.root.number}, {"size", slot.root.size}}; };
    const auto partition = node_->boot_partition();
    Json menu = Json::array();
    for (const auto& entry : bootmenu::Menu(partition->path()).entries()) menu.push_back(json_of(entry));
    partition->close();
    return {{"running", json_of_slot(slots.running)}, {"other", json_of_slot(slots.other)}, {"menu", std::move(menu)}};
}

// ---- Whoever asks ----

bool Service::is_time_for(Event event) {
    std::unique_lock lock(mutex_);
    wished_.wait(lock, [&] { return awake_ || ended_ || !fault_.empty(); });
    return upgrade::next(journal_.phase, event).has_value();
}

void Service::require(Event event) const {
    const std::lock_guard lock(mutex_);
    if (!node_ && node::is_in_container()) throw Error("cannot do that here: the node runs in a container", "whoever starts it chooses its release: docs/formats/node-container.md");
    if (!node_) throw Error("cannot do that here: the node runs from a medium", "install it first: docs/guides/install.md");
    if (!fault_.empty()) throw Error(fmt::format("cannot do that: {}", fault_));
    if (!upgrade::next(journal_.phase, event))
        throw Error(fmt::format("cannot do that now: {}", upgrade::sentence_of(journal_.phase)), next_step(journal_));
}

bool Service::ask(Wish wish) {
    std::future<bool> granted;
    {
        const std::lock_guard lock(mutex_);
        asked_.push_back({std::move(wish), {}});
        granted = asked_.back().granted.get_future();
    }
    wished_.notify_all();
    return granted.get();
}

Json Service::answer(const std::string& method, const Json& parameters, const control::Caller& caller) {
    constexpr std::string_view interface = "org.ashlar.Node.";
    const std::string_view name = method.starts_with(interface) ? std::string_view(method).substr(interface.size()) : std::string_view();
    if (name == "Status") return status();
    require_root(caller);
    const auto text = [&](const char* key) { return parameters.value(key, std::string()); };
    if (name == "Recover") {
        recover();
        return {{"wanted", true}};
    }
    if (name == "FactoryReset") {
        const reset::Name next = factory_reset(text("node"), caller.user);
        return {{"wanted", true}, {"hostname", next.hostname}, {"machine_id", next.machine_id}};
    }
    bool granted = false;
    if (name == "Upgrade") {
        const upgrade::Source source{text("source"), text("proxy"), text("certificates"), text("release")};
        if (source.location.empty()) throw Error("cannot upgrade: no source is named", "name a directory, a URL or a device");
        const auto after = parameters.value("restart", false) ? upgrade::After::restart : upgrade::After::wait;
        require(Event::asked);
        granted = ask([=, this](Keeper& keeper) { return keeper.upgrade(source, after, node_->running); });
    } else if (name == "Rollback") {
        require(Event::asked_back);
        granted = ask([this](Keeper& keeper) { return keeper.go_back(node_->running); });
    } else if (name == "Healthy" || name == "Unhealthy") {
        const Event event = name == "Healthy" ? Event::healthy : Event::unhealthy;
        // Gates are there at each start; only a trial wants to know.
        if (!node_ || !is_time_for(event)) return {{"wanted", false}};
        granted = ask([event, reason = text("reason")](Keeper& keeper) { return keeper.report(event, reason); });
    } else {
        throw Error(fmt::format("cannot answer '{}': there is no such method", method));
    }
    if (!granted) throw Error("cannot do that now: something else has just begun", "look at `ashlarctl status`");
    return {{"wanted", true}};
}

// Only where nobody works: the journal is what keeps them from it.
void Service::recover() {
    {
        const std::lock_guard lock(mutex_);
        if (fault_.empty()) throw Error("cannot recover: nothing is broken", "look at `ashlarctl status`");
        fault_.clear();
        awake_ = false;
    }
    thread_.join();
    steps::StateMemory(node_->state).keep({});
    thread_ = std::thread([this] { work(); });
}

// Whoever asks names the node, so that nobody resets the one beside it.
reset::Name Service::factory_reset(const std::string& node, unsigned by) {
    require(Event::asked_reset);
    if (node != host_name())
        throw Error(fmt::format("cannot reset this node: it is '{}', and the request is for '{}'", host_name(), node), "name the node that is meant");
    std::optional<reset::Name> next;
    std::optional<Error> failure;
    const bool granted = ask([&](Keeper& keeper) {
        if (!upgrade::next(keeper.journal().phase, Event::asked_reset)) return false;
        try {
            next = node_->order_reset(by);
        } catch (const Error& error) {
            failure = error;
            return false;
        }
        return keeper.reset();
    });
    if (failure) throw Error(*failure);
    if (!granted) throw Error("cannot do that now: something else has just begun", "look at `ashlarctl status`");
    return *next;
}

// The container ends, and whoever starts it again starts another node.
void Service::wipe() {
    if (node_ || !node::is_in_container()) {
        (void)factory_reset(host_name(), 0);
        return;
    }
    node::order_reset_in_container(identity_.release, 0);
    run_checked({.argv = {"systemctl", "reboot", "--no-block"}});
}

upgrade::Phase Service::phase() const {
    const std::lock_guard lock(mutex_);
    return journal_.phase;
}

Json Service::status() const {
    const std::lock_guard lock(mutex_);
    Json json{{"format", 1},
              {"hostname", host_name()},
              {"role", identity_.role},
              {"release", identity_.release},
              {"architecture", identity_.architecture},
              {"boot_id", identity_.boot_id},
              {"place", node_ ? "disk" : node::is_in_container() ? "container" : "medium"}};
    if (const auto uses = breakglass::uses(); !uses.empty()) json["break_glass"] = breakglass::to_json(uses);
    if (const auto site = site_ ? site_() : std::nullopt) json["site"] = *site;
    if (!node_) {
        if (std::filesystem::exists(installation_file)) json["installation"] = read_file(installation_file);
        return json;
    }
    if (!fault_.empty()) json["fault"] = fault_;
    json["root_hash"] = node_->running.root_hash.hex();
    json["phase"] = upgrade::name_of(journal_.phase);
    json["sentence"] = upgrade::sentence_of(journal_.phase);
    json["next"] = next_step(journal_);
    json["slots"] = slots_;
    json["attempts"] = journal_.attempts;
    if (journal_.target && journal_.phase != Phase::resting) json["target"] = json_of(*journal_.target, journal_.source);
    if (journal_.ending) json["ending"] = {{"release", journal_.ending->release}, {"text", journal_.ending->text}};
    if (!last_reset_.is_null()) json["last_reset"] = last_reset_;
    for (const auto& one : revocations_) json["firmware_revocations"].push_back({{"train", one.train}, {"images", one.images}, {"state", steps::name_of(one.state)}, {"text", one.text}});
    if (stale_) json["stale_media"] = {{"train", stale_->train}, {"serial", stale_->serial}, {"site", stale_->site}, {"reason", stale_->reason}};
    if (transfer_) {
        const std::chrono::duration<double> time = std::chrono::steady_clock::now() - transfer_began_;
        const double rate = time.count() > 0 ? static_cast<double>(transfer_->fetched - fetched_before_) / time.count() : 0;
        json["transfer"] = {{"written", transfer_->written}, {"size", transfer_->size}, {"fetched", transfer_->fetched}, {"download", transfer_->download}, {"bytes_per_second", rate}};
    }
    return json;
}

} // namespace ashlar::service
