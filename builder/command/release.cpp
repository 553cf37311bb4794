#include "evidence_inputs.hpp"
#include "inputs.hpp"
#include "office.hpp"
#include "options.hpp"

#include <base/day.hpp>
#include <base/error.hpp>
#include <base/file.hpp>
#include <base/json.hpp>
#include <base/text.hpp>
#include <command_line/choice.hpp>
#include <diff/report.hpp>
#include <pipeline/inputs.hpp>
#include <pipeline/roots.hpp>
#include <confirmation/confirmation.hpp>
#include <releases/confirmations.hpp>
#include <releases/cut.hpp>
#include <releases/office.hpp>
#include <releases/revocation.hpp>
#include <requests/request.hpp>
#include <signing/key_set.hpp>

#include <functional>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace ashlar::command {

namespace {

using releases::Channel;
using releases::Listed;
using releases::Office;

struct ReleaseOptions : OfficeOptions {
    std::string release, train, reason;
    std::vector<std::filesystem::path> files;
    enum class Firmware { told, left_out } firmware = Firmware::told;
    Inputs inputs = Inputs::automatic;
    releases::CutOrder::Sources sources = releases::CutOrder::Sources::left;
    Channel channel = Channel::candidate;
    TrackerOptions tracker;
};

// ---- cut -----------------------------------------------------------------------------------------

// A cut that was begun goes on with its inputs.
lock::Lock lock_for(pipeline::Workshop& workshop, const Office& office, const ReleaseVersion& release, Inputs inputs, const std::vector<std::string>& roots) {
    if (auto begun = releases::lock_of(office, release)) return std::move(*begun);
    if (auto chosen = chosen_lock(workshop, inputs, "cut")) return std::move(*chosen);
    return pipeline::resolve(workshop, roots, pipeline::Daemon::compiled).lock;
}

// What is built waits in the store; exit code 1, as wherever signatures are wanted.
int tell_wanted_images(const Context& context, const Office& office, const std::vector<requests::WantedSignature>& wanted, const std::string& release) {
    if (context.json()) fmt::print("{}", pretty(Json{{"published", Json::array()}, {"wanted", json_of(wanted)}}));
    else print_wanted(wanted, office.requests(), fmt::format("ashlar release cut {}", release));
    return 1;
}

int cut(Context& context, const ReleaseOptions& options) {
    const ReleaseVersion release = version_of(options.release);
    context.for_release(options.release);
    pipeline::Workshop& workshop = context.workshop();
    const Office office = open_office(context);
    const auto claim = office.claim();
    releases::require_ready(office, context.options().keys, workshop.train(), release, now());
    const BuildKeys keys = load_build_keys(context.options().keys, now(), PrivateHalves::may_be_elsewhere);
    const auto roots = pipeline::with_helpers(workshop, workshop.train().roles);
    const lock::Lock lock = lock_for(workshop, office, release, options.inputs, roots);
    pipeline::fetch_packages(workshop, lock, roots);
    const auto outcome = releases::cut(workshop, office, {.release = release, .lock = lock, .keys = keys, .sources = options.sources, .now = now()});
    if (const auto* wanted = std::get_if<std::vector<requests::WantedSignature>>(&outcome)) return tell_wanted_images(context, office, *wanted, options.release);
    if (!context.json()) fmt::print("{}: {} images, channel edge\n", options.release, std::get<ClusterRelease>(outcome).images.size());
    return go_on(context, office, options);
}

// ---- What changes a train's metadata -------------------------------------------------------------

using releases::FirmwareRevocation;

// Firmware's memory is small, and nothing is ever taken from dbx.
constexpr std::size_t many_bytes = 8192;

std::vector<authority::Wanted> wanted_by(const FirmwareRevocation& revocation) {
    if (revocation.state != FirmwareRevocation::State::asked) return {};
    return {{.role = "dbx-" + revocation.train, .version = 0, .key = "KEK", .request = revocation.request}};
}

void print(const FirmwareRevocation& revocation) {
    if (revocation.state == FirmwareRevocation::State::nothing) return;
    const std::size_t bytes = revocation.images * releases::bytes_per_image;
    const bool one = revocation.images == 1;
    if (revocation.state == FirmwareRevocation::State::complete)
        fmt::print("firmware  {} image{}, {} bytes of its dbx; nodes hand {} to it when they have taken it\n", revocation.images, one ? "" : "s", bytes, releases::revocation_path(revocation.train));
    else
        fmt::print("firmware  {} image{}, {} bytes of its dbx, wait{} for the key KEK: until then firmware starts the old UKIs for whoever stands before a machine\n", revocation.images, one ? "" : "s", bytes, one ? "s" : "");
    if (bytes > many_bytes)
        fmt::print("          that is much for a dbx, which often has 32 KiB with what vendors put there: another db key for new releases ends all older ones (docs/guides/secure-boot.md)\n");
}

int attach(Context& context, const ReleaseOptions& options) {
    const Office office = open_office(context);
    const auto claim = office.claim();
    releases::remove_idle_requests(office);
    AlsoWanted also{.firmware = {}, .images = requests::waiting_images(office.requests())};
    for (const auto& revocation : releases::take_firmware_answers(office, context.options().keys, now()))
        for (auto& one : wanted_by(revocation)) also.firmware.push_back(std::move(one));
    return go_on(context, office, options, also);
}

int promote(Context& context, const ReleaseOptions& options) {
    const Office office = open_office(context);
    const auto claim = office.claim();
    releases::promote(office, version_of(options.release), options.channel, now());
    return go_on(context, office, options);
}

// Before anything is said: who asks for both gets both or nothing.
void require_firmware_keys(const Context& context) {
    try {
        (void)load_revocation_keys(context.options().keys, now());
    } catch (const Error& error) {
        throw Error(error.message(), "KEK.pem and owner are public: copy them there; or leave firmware out by --without-dbx: it goes on starting the UKIs then");
    }
}

// Nodes obey what metadata says; whoever stands before a machine is stopped by its firmware alone.
int stop(Context& context, const ReleaseOptions& options, const std::function<void(const Office&, const ReleaseVersion&)>& say) {
    const Office office = open_office(context);
    const auto claim = office.claim();
    const ReleaseVersion release = version_of(options.release);
    if (options.firmware == ReleaseOptions::Firmware::told) require_firmware_keys(context);
    say(office, release);
    if (options.firmware == ReleaseOptions::Firmware::left_out) {
        if (!context.json())
            fmt::print("firmware  left out: it starts the UKIs, which are still signed, for whoever stands before a machine; `ashlar key variables --revoke UKI` makes a dbx by hand\n");
        return go_on(context, office, options);
    }
    const auto revocation = releases::revoke_in_firmware(office, to_text(release.train), context.options().keys, now());
    if (!context.json()) print(revocation);
    return go_on(context, office, options, {.firmware = wanted_by(revocation), .images = {}});
}

int revoke(Context& context, const ReleaseOptions& options) {
    return stop(context, options, [&](const Office& office, const ReleaseVersion& release) { releases::revoke(office, release, options.reason, now()); });
}

// A confirmation; or a request for one with its answer beside it, where the key was elsewhere.
releases::Offered offered(const std::filesystem::path& file) {
    if (!file.native().ends_with(".request.json")) return {file.native(), read_file(file)};
    const std::string text = requests::read_request(file);
    const auto request = requests::parse_request(text, file.native());
    if (request.kind != requests::Kind::confirmation) throw Error(fmt::format("cannot use the signing request '{}': it is not for a confirmation", file.native()), "`ashlar release attach` takes the answers to others");
    const auto said = confirmation::read_message(text_of(request.message), file.native());
    const auto answer = requests::answer_path(file);
    return {file.native(), confirmation::text_of(said, requests::check_answer(requests::read_answer(answer), text, said.key, answer.native()))};
}

int confirm(Context& context, const ReleaseOptions& options) {
    const Office office = open_office(context);
    const auto claim = office.claim();
    std::vector<releases::Offered> all;
    for (const auto& file : options.files) all.push_back(offered(file));
    for (const auto& taken : releases::confirm(office, all, now()))
        if (!context.json()) fmt::print("{}: {} by {}\n", to_text(taken.release), taken.change == releases::Taken::Change::made ? "confirmed" : "was confirmed before", taken.key);
    return go_on(context, office, options);
}

int raise_floor(Context& context, const ReleaseOptions& options) {
    return stop(context, options, [](const Office& office, const ReleaseVersion& release) { releases::raise_floor(office, release, now()); });
}

// ---- What tells ----------------------------------------------------------------------------------

std::string state_of(const Listed& one) {
    std::string text(releases::to_string(one.channel));
    if (one.state == Listed::State::proposed) text += ", waits for signatures";
    if (one.revoked) text += fmt::format(", revoked: {}", *one.revoked);
    if (one.below_floor) text += ", below the security floor";
    return text;
}

// Nothing where the policy asks for none.
std::optional<releases::Tally> words_on(const Office& office, const ReleaseVersion& release) {
    return office.policy().find(authority::rebuilders) ? std::optional(releases::tally(office, release)) : std::nullopt;
}

Json json_of(const Listed& one) {
    return {{"release", to_text(one.release)}, {"channel", releases::to_string(one.channel)}, {"published", one.state == Listed::State::published},
            {"revoked", one.revoked ? Json(*one.revoked) : Json()}, {"below_floor", one.below_floor}, {"digest", "sha256:" + one.digest.hex()}};
}

int list(Context& context, const ReleaseOptions& options) {
    const Office office = open_office(context);
    const auto trains = options.train.empty() ? releases::trains(office) : std::vector{options.train};
    Json all = Json::array();
    for (const auto& train : trains)
        for (const auto& one : releases::list(office, train)) {
            all.push_back(json_of(one));
            const auto words = words_on(office, one.release);
            if (words) all.back()["rebuilders"] = Json{{"wanted", words->threshold}, {"confirmed", words->confirmed}, {"missing", words->missing}};
            if (!context.json()) fmt::print("{:<8} {}{}\n", to_text(one.release), state_of(one), words ? fmt::format(", confirmed by {} of {}", words->confirmed.size(), words->threshold) : "");
        }
    if (context.json()) fmt::print("{}", pretty(all));
    else if (all.empty()) fmt::print("no release yet\n");
    return 0;
}

std::string shown(const ClusterRelease& release, const Listed& listed) {
    std::string text = fmt::format("{}: {}\nsupported {} to {}\n", to_text(release.release), state_of(listed), to_text(release.support.from), to_text(release.support.until));
    text += "images\n";
    for (const auto& image : release.images)
        text += fmt::format("  {:<20} {:<8} root {}  {}\n", image.role, image.architecture, image.index.root_hash.hex().substr(0, 16), human_bytes(image.index.root_size));
    if (!release.components.empty()) text += "components\n";
    for (const auto& component : release.components)
        text += fmt::format("  {:<20} {:<12} {}{}\n", component.name, component.version, component.maintainer, component.maintained_until ? ", until " + to_text(*component.maintained_until) : "");
    const auto joined = [](const auto& versions) {
        std::vector<std::string> texts;
        for (const auto& version : versions) texts.push_back(to_text(version));
        return join(texts, ", ");
    };
    if (!release.previous.empty()) text += fmt::format("reached from {}\n", joined(release.previous));
    if (!release.floors.empty()) text += fmt::format("not without {}\n", joined(release.floors));
    for (const auto& barrier : release.barriers) text += fmt::format("no way back after {}: {}\n", barrier.name, barrier.summary);
    for (const auto& word : release.accept) text += fmt::format("accepted {} {}: {}\n", word.rule, word.subject, word.reason);
    return text;
}

Listed listed(const Office& office, const ReleaseVersion& release) {
    for (const auto& one : releases::list(office, to_text(release.train)))
        if (one.release == release) return one;
    throw Error(fmt::format("cannot find release {}", to_text(release)), "`ashlar release list` shows what there is");
}

int show(Context& context, const ReleaseOptions& options) {
    const Office office = open_office(context);
    const ReleaseVersion version = version_of(options.release);
    const ClusterRelease release = releases::load(office, version);
    fmt::print("{}", context.json() ? cluster_release_text(release) : shown(release, listed(office, version)));
    if (const auto words = words_on(office, version); words && !context.json())
        fmt::print("built again and confirmed by {}; not by {}; {} wanted to be stable\n", words->confirmed.empty() ? "nobody" : join(words->confirmed, ", "), words->missing.empty() ? "nobody" : join(words->missing, ", "),
                   words->threshold);
    return 0;
}

// From the release that the notes compare with to this one; both as they were built.
vulnerabilities::Step tracked(Context& context, const Office& office, const ReleaseVersion& version, const TrackerOptions& options) {
    const auto before = releases::compared_with(office, releases::load(office, version));
    if (!before) throw Error(fmt::format("cannot compare {} with the release before: its images are not in '{}'", to_text(version), office.images("").native()), "leave out --tracker, or bring them back");
    const auto inventory = [&](const ReleaseVersion& one) { return read_inventory(context, {office.images(to_text(one))}); };
    const auto assessments = assess(context, {inventory(*before), inventory(version)}, options);
    return vulnerabilities::step(assessments.front(), assessments.back());
}

int notes(Context& context, const ReleaseOptions& options) {
    const Office office = open_office(context);
    const ReleaseVersion version = version_of(options.release);
    std::string text = releases::notes_of(office, version);
    Json json{{"release", options.release}};
    if (!options.tracker.snapshot.empty()) {
        const auto step = tracked(context, office, version, options.tracker);
        text += "\n" + diff::tracked_notes(step);
        json["tracker"] = vulnerabilities::to_json(step);
    }
    json["notes"] = text;
    fmt::print("{}", context.json() ? pretty(json) : text);
    return 0;
}

// What a site on a release may do next, and until when it may stay.
int support(Context& context, const ReleaseOptions& options) {
    const Office office = open_office(context);
    const Day today = std::chrono::floor<std::chrono::days>(now());
    Json all = Json::array();
    bool supported = true;
    const auto tell = [&](const Listed& one, const std::string& text, Json json) {
        json["release"] = to_text(one.release);
        all.push_back(std::move(json));
        if (!context.json()) fmt::print("{:<8} {}\n", to_text(one.release), text);
    };
    for (const auto& train : releases::trains(office))
        for (const auto& one : releases::list(office, train)) {
            const ClusterRelease release = releases::load(office, one.release);
            if (options.release.empty() || to_text(one.release) == options.release) {
                const bool over = today > release.support.until;
                if (!options.release.empty()) supported = !over && !one.revoked && !one.below_floor;
                tell(one, fmt::format("{} {}{}", over ? "out of support since" : "supported until", to_text(release.support.until), one.revoked || one.below_floor ? "; " + state_of(one) : ""),
                     {{"until", to_text(release.support.until)}, {"supported", !over}});
                continue;
            }
            if (one.revoked || one.below_floor) continue;
            const auto step = step_from(options.release, release);
            if (const auto* refused = std::get_if<StepRefused>(&step)) tell(one, fmt::format("no: {}; {}", refused->cause, refused->remedy), {{"allowed", false}, {"cause", refused->cause}});
            else tell(one, fmt::format("may be next ({})", releases::to_string(one.channel)), {{"allowed", true}});
        }
    if (context.json()) fmt::print("{}", pretty(all));
    return supported ? 0 : 1;
}

// ---- The command line ----------------------------------------------------------------------------

using Options = std::shared_ptr<ReleaseOptions>;

CLI::App* subcommand(CLI::App& parent, const char* name, const char* summary, const char* example) {
    auto* command = parent.add_subcommand(name, summary);
    command->footer(std::string("example:\n  ") + example);
    return command;
}

void run_by(CLI::App& command, const Choose& choose, Place place, int (*body)(Context&, const ReleaseOptions&), const Options& options) {
    command.callback([=] { choose({place, [=](Context& context) { return body(context, *options); }}); });
}

} // namespace

void add_release(CLI::App& app, const Choose& choose) {
    auto* command = app.add_subcommand("release", "Releases of the trains: cut, sign, confirm, promote, revoke");
    command->require_subcommand(1);
    command->footer("examples:\n  ashlar release cut R1.0\n  ashlar release promote R1.0 candidate\n  ashlar release support R0.2     what a site on R0.2 may do next");
    const auto options = std::make_shared<ReleaseOptions>();
    const auto with_release = [&](CLI::App& one) { one.add_option("RELEASE", options->release, "R1.0")->required(); };

    auto* one = subcommand(*command, "cut", "Lock, build all roles of a train, and ask for the signatures; goes on where it stopped",
                      "ashlar release cut R1.0     exit code 1 while signatures are wanted: then `ashlar sign`, and the same again");
    with_release(*one);
    add_inputs(*one, options->inputs);
    one->add_flag_callback("--sources", [options] { options->sources = releases::CutOrder::Sources::kept; }, "Keep the source packages of all that is in its images, as a part of the release: gigabytes");
    add_office(*one, *options);
    run_by(*one, choose, Place::contained, cut, options);

    one = subcommand(*command, "attach", "Take answers to signing requests of metadata, and publish what is complete; those of images are taken by cut",
                      "ashlar release attach");
    add_office(*one, *options);
    run_by(*one, choose, Place::plain, attach, options);

    one = subcommand(*command, "confirm", "Take in what independent builders have signed: `ashlar rebuild`", "ashlar release confirm R1.0.confirmation.json");
    one->add_option("FILE", options->files, "A confirmation, or a signing request for one whose answer lies beside it; several")->required();
    add_office(*one, *options);
    run_by(*one, choose, Place::plain, confirm, options);

    one = subcommand(*command, "promote", "Move a release to the next channel; nothing is rebuilt", "ashlar release promote R1.0 stable");
    with_release(*one);
    command_line::add_choice(*one, "CHANNEL", options->channel, {{"candidate", Channel::candidate}, {"stable", Channel::stable}}, "candidate or stable");
    add_office(*one, *options);
    run_by(*one, choose, Place::plain, promote, options);

    const auto with_firmware = [&](CLI::App& which) {
        which.add_flag_callback("--without-dbx", [options] { options->firmware = ReleaseOptions::Firmware::left_out; }, "Make no update of dbx: firmware goes on starting the UKIs");
    };

    one = subcommand(*command, "revoke", "Let no node install a release any more, and its firmware not start it",
                     "ashlar release revoke R1.0 --reason 'CVE-2026-0001 in its kernel'\n  ashlar release revoke R1.0 --reason 'it loses data' --without-dbx     firmware goes on starting it");
    with_release(*one);
    one->add_option("--reason", options->reason, "Why; it is published")->type_name("TEXT")->required();
    add_office(*one, *options);
    with_firmware(*one);
    run_by(*one, choose, Place::plain, revoke, options);

    one = subcommand(*command, "floor", "Raise a train's security floor: nothing older is installed or gone back to", "ashlar release floor R1.2");
    with_release(*one);
    add_office(*one, *options);
    with_firmware(*one);
    run_by(*one, choose, Place::plain, raise_floor, options);

    one = subcommand(*command, "list", "Releases, and their channels", "ashlar release list R1");
    one->add_option("TRAIN", options->train, "Of this train only");
    run_by(*one, choose, Place::plain, list, options);

    one = subcommand(*command, "show", "What a release is", "ashlar release show R1.0 --json");
    with_release(*one);
    run_by(*one, choose, Place::plain, show, options);

    one = subcommand(*command, "notes", "What changed since the release before, as Markdown", "ashlar release notes R1.0 --tracker tracker.json > notes.md");
    with_release(*one);
    add_tracker(*one, options->tracker);
    run_by(*one, choose, Place::plain, notes, options);

    one = subcommand(*command, "support", "What is supported until when, and what a site on a release may do next", "ashlar release support R0.2");
    one->add_option("RELEASE", options->release, "On which the site is");
    run_by(*one, choose, Place::plain, support, options);
}

} // namespace ashlar::command
