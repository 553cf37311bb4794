#include "office.hpp"
#include "options.hpp"

#include <base/error.hpp>
#include <base/file.hpp>
#include <base/json.hpp>
#include <base/text.hpp>
#include <bundle/import.hpp>
#include <bundle/input.hpp>
#include <bundle/writer.hpp>
#include <confirmation/confirmation.hpp>
#include <releases/carry.hpp>
#include <tuf/metadata.hpp>

#include <array>
#include <fcntl.h>
#include <memory>
#include <optional>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace ashlar::command {

namespace {

namespace fs = std::filesystem;

struct ReadOptions {
    fs::path file, root, mirror, stale;
    bundle::ImportOrder::Sources sources = bundle::ImportOrder::Sources::taken;
};

struct ExportOptions : OfficeOptions {
    std::string release, since;
    std::vector<std::string> roles;
    fs::path repository, to;
    releases::CarryOrder::Sources sources = releases::CarryOrder::Sources::no;
    std::optional<std::uint64_t> split;
};

// ---- Where it comes from -------------------------------------------------------------------------

// On the terminal, whatever standard input is.
bool ask_for(const fs::path& piece) {
    const Fd terminal(::open("/dev/tty", O_RDWR | O_CLOEXEC));
    if (!terminal) return false;
    write_all(terminal.get(), fmt::format("'{}' is not there: put in its medium and press Enter (q and Enter: give up) ", piece.native()), "terminal");
    std::array<std::byte, 256> line;
    const std::size_t got = read_some(terminal.get(), line, "terminal");
    return got > 0 && line.front() != std::byte{'q'};
}

std::unique_ptr<bundle::Input> input_of(const ReadOptions& options) { return bundle::open_input(options.file, ask_for); }

std::optional<bundle::ReaderOptions::Word> stale_media(const ReadOptions& options) {
    if (options.stale.empty()) return std::nullopt;
    return bundle::ReaderOptions::Word{read_file(options.stale), options.stale.native()};
}

bundle::ReaderOptions how(const ReadOptions& options) { return {.now = now(), .stale_media = stale_media(options)}; }

std::optional<std::string> root_of(const ReadOptions& options) {
    if (!options.root.empty()) return read_file(options.root);
    return options.mirror.empty() ? std::nullopt : bundle::trusted_root(options.mirror);
}

// ---- What is said of it --------------------------------------------------------------------------

std::uint64_t bytes_of(const bundle::Contents& contents) {
    std::uint64_t sum = 0;
    for (const auto& item : contents.targets) sum += item.length;
    return sum;
}

std::string names_of(const bundle::Contents& contents) {
    std::vector<std::string> names;
    for (const auto& release : contents.releases) names.push_back(release.release);
    return names.empty() ? "no release" : join(names, ", ");
}

// Who has built it again, by the ids of their keys: what the train's role has signed. docs/formats/confirmation.md.
std::vector<std::string> confirmations_of(const bundle::Contents& contents, const bundle::Release& release) {
    const std::string folder = release.path.substr(0, release.path.rfind('/') + 1);
    std::vector<std::string> keys;
    for (const auto& item : contents.targets)
        if (item.path.starts_with(folder))
            if (const auto key = confirmation::key_id_in(std::string_view(item.path).substr(folder.size()))) keys.push_back(key->hex());
    return keys;
}

Json json_of(const bundle::Release& release) {
    Json images = Json::array();
    for (const auto& image : release.images) images.push_back({{"role", image.role}, {"architecture", image.architecture}, {"files", image.files.size()}});
    return {{"release", release.release}, {"supported_until", release.supported_until}, {"previous", release.previous}, {"images", images}};
}

Json json_of(const bundle::Contents& contents) {
    Json json{{"train", contents.train}, {"serial", contents.serial}, {"expires", tuf::text_of(contents.expires)}, {"size", contents.size}, {"root_version", contents.root_version},
              {"first_root", contents.first_root->hex()}, {"releases", Json::array()}, {"targets", Json::array()}};
    if (contents.issued) json["issued"] = tuf::text_of(*contents.issued);
    if (contents.roles) json["roles"] = *contents.roles;
    if (contents.sources) json["sources"] = *contents.sources;
    if (contents.stale) json["stale"] = {{"site", contents.stale->site}, {"reason", contents.stale->reason}};
    for (const auto& release : contents.releases) {
        json["releases"].push_back(json_of(release));
        json["releases"].back()["confirmations"] = confirmations_of(contents, release);
    }
    for (const auto& item : contents.targets) json["targets"].push_back({{"path", item.path}, {"size", item.length}, {"sha256", item.sha256.hex()}});
    return json;
}

std::string release_text(const bundle::Release& release) {
    std::string text = fmt::format("{:<12} supported until {}, from {}\n", release.release, release.supported_until, release.previous.empty() ? "a first installation only" : join(release.previous, ", "));
    for (const auto& image : release.images) {
        std::uint64_t bytes = 0;
        for (const auto& file : image.files) bytes += file.size;
        text += fmt::format("  {:<10} {}, {} files, {}\n", image.role, image.architecture, image.files.size(), human_bytes(bytes));
    }
    return text;
}

std::string text_of(const bundle::Contents& contents) {
    std::string text = fmt::format("bundle       {}, {}\n", names_of(contents), human_bytes(contents.size));
    text += fmt::format("train        {}, serial {}, good until {}\n", contents.train, contents.serial, tuf::text_of(contents.expires));
    text += fmt::format("chain        {} roots, the first has SHA-256 {}\n", contents.root_version, contents.first_root->hex());
    if (contents.stale) text += fmt::format("stale        let pass by site {}: {}\n", contents.stale->site, contents.stale->reason);
    if (contents.roles) text += fmt::format("roles        {}\n", join(*contents.roles, ", "));
    if (contents.sources) text += fmt::format("sources      {} files of source packages belong to it\n", contents.sources->size());
    for (const auto& release : contents.releases) {
        text += release_text(release);
        if (const auto keys = confirmations_of(contents, release); !keys.empty()) text += fmt::format("  built again and confirmed by the keys {}\n", join(keys, ", "));
    }
    return text + fmt::format("targets      {}, {}\n", contents.targets.size(), human_bytes(bytes_of(contents)));
}

// ---- Commands ------------------------------------------------------------------------------------

int verify(Context& context, const ReadOptions& options) {
    const auto root = root_of(options);
    if (!root) throw Error(fmt::format("cannot verify '{}': no root is trusted", options.file.native()), "give the one that you were handed: --root FILE, or the mirror that has one: --mirror DIR");
    const auto input = input_of(options);
    const bundle::Contents contents = bundle::verify(*input, *root, how(options), context.renderer());
    if (context.json()) fmt::print("{}", pretty(json_of(contents)));
    else fmt::print("{}all of it is what its holders have signed\n", text_of(contents));
    return 0;
}

int show(Context& context, const ReadOptions& options) {
    const auto root = root_of(options);
    const auto input = input_of(options);
    const bundle::Contents contents = root ? bundle::contents_of(*input, *root, how(options)) : bundle::contents_by_its_own_word(*input, how(options));
    if (context.json()) {
        Json json = json_of(contents);
        json["root"] = root ? "trusted" : "its own";
        fmt::print("{}", pretty(json));
    } else {
        fmt::print("{}{}\n", text_of(contents), root ? "targets were not read" : "by its own word: no root was given that is trusted; targets were not read");
    }
    return 0;
}

std::string text_of(const bundle::ImportReport& report, const fs::path& mirror) {
    if (report.change == bundle::ImportReport::Change::none) return fmt::format("{}: serial {} of train {} is there already\n", mirror.native(), report.contents.serial, report.contents.train);
    std::string text = text_of(report.contents);
    text += fmt::format("arrived      {} targets, {}; {} were there, {} under another name\n", report.arrived, human_bytes(report.arrived_bytes), report.present, report.shared);
    if (report.left > 0) text += fmt::format("left         {} files of source packages\n", report.left);
    for (const auto& path : report.repaired) text += fmt::format("repaired     {}\n", path);
    return text + fmt::format("{}: ready to be served\n", mirror.native());
}

int import(Context& context, const ReadOptions& options) {
    const auto input = input_of(options);
    bundle::ImportOrder order{.mirror = options.mirror, .root = std::nullopt, .now = now(), .stale_media = stale_media(options), .sources = options.sources, .before = {}};
    if (!options.root.empty()) order.root = options.root;
    const bundle::ImportReport report = bundle::import(*input, order, context.renderer());
    if (!context.json()) {
        fmt::print("{}", text_of(report, options.mirror));
        return 0;
    }
    Json json = json_of(report.contents);
    json["mirror"] = options.mirror.native();
    json["changed"] = report.change == bundle::ImportReport::Change::made;
    json["arrived"] = {{"targets", report.arrived}, {"bytes", report.arrived_bytes}};
    json["shared"] = report.shared;
    json["present"] = report.present;
    json["left"] = report.left;
    json["repaired"] = report.repaired;
    fmt::print("{}", pretty(json));
    return 0;
}

// Standard output takes the bundle or the answer.
int write_bundle(Context& context, const ExportOptions& options, const fs::path& repository, const std::string& train) {
    const bool piped = options.to == "-";
    std::optional<bundle::Output> output;
    if (piped) output.emplace(Fd(::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3)), "standard output");
    else output.emplace(options.to, options.split);
    const bundle::Written written = bundle::write({repository, train, now()}, *output, context.renderer());
    if (piped) return 0;
    if (context.json()) {
        Json files = Json::array();
        for (const auto& piece : output->pieces()) files.push_back(piece.native());
        fmt::print("{}", pretty(Json{{"train", train}, {"serial", written.serial}, {"size", written.size}, {"targets", written.targets}, {"files", files}}));
    } else {
        for (const auto& piece : output->pieces()) fmt::print("{}\n", piece.native());
        fmt::print("train {}, serial {}: {} targets, {}\n", train, written.serial, written.targets, human_bytes(written.size));
    }
    return 0;
}

// A repository's own manifest as it is, from a mirror too; or a new one, which says what is to be carried.
int export_bundle(Context& context, const ExportOptions& options) {
    if (!options.repository.empty()) return write_bundle(context, options, options.repository, options.release);
    const auto office = open_office(context);
    const auto claim = office.claim();
    const ReleaseVersion release = version_of(options.release);
    const releases::CarryOrder order{.release = release,
                                     .since = options.since.empty() ? std::nullopt : std::optional(version_of(options.since)),
                                     .roles = {options.roles.begin(), options.roles.end()},
                                     .sources = options.sources,
                                     .now = now()};
    if (options.sources == releases::CarryOrder::Sources::yes) {
        const auto carried = releases::carried_sources(office, order);
        context.renderer().note(fmt::format("sources of {}: {} packages, {} files, {}, of which {} are carried", options.release, carried.packages, carried.files, human_bytes(carried.bytes), human_bytes(carried.carried)));
    }
    if (releases::propose_manifest(office, order))
        if (const auto wanted = sign_what_can_be(office, options); !wanted.empty()) return tell_wanted(context, office, wanted);
    return write_bundle(context, options, office.repository().directory(), to_text(release.train));
}

std::uint64_t size_of(const std::string& text) {
    const auto size = parse_size(text);
    if (!size) throw CLI::ValidationError("--split", fmt::format("'{}' is no size: {}", text, size_remedy));
    return *size;
}

enum class Needs { mirror, nothing };

void add_reading(CLI::App& command, const std::shared_ptr<ReadOptions>& options, Needs needs) {
    command.add_option("FILE", options->file, "The bundle, its first piece (.001), or - for standard input")->required();
    command.add_option("--root", options->root, "The root that you were handed on another way than the bundle")->type_name("FILE");
    auto* mirror = command.add_option("--mirror", options->mirror, needs == Needs::mirror ? "The mirror's directory; made when it is not there" : "Trust what this mirror trusts")->type_name("DIR");
    if (needs == Needs::mirror) mirror->required();
    command.add_option("--accept-stale", options->stale, "The site's signed word that this bundle may be taken although it has expired")->type_name("FILE");
}

void add_export(CLI::App& command, const Choose& choose) {
    auto* one = command.add_subcommand("export", "Write one file that carries a release; its manifest is signed as all metadata is");
    one->footer("examples:\n  ashlar bundle export R1.0 -o r1.bundle\n"
                "  ashlar bundle export R1.0 --since R0.3 --roles compute,storage -o /media/usb/r1.bundle --split \"4 GiB\"\n"
                "  ashlar bundle export R1.0 --sources -o r1-with-sources.bundle\n"
                "  ashlar bundle export R1.0 -o - | ssh gate ashlar bundle import - --mirror /srv/mirror");
    auto options = std::make_shared<ExportOptions>();
    one->add_option("RELEASE", options->release, "What it carries; with --repository a train")->required();
    one->add_option("--since", options->since, "A release that the site has: what has the same bytes is left out")->type_name("RELEASE");
    one->add_option("--roles", options->roles, "Images of these roles only")->type_name("ROLE,…")->delimiter(',');
    one->add_flag_callback("--sources", [options] { options->sources = releases::CarryOrder::Sources::yes; }, "Also the source packages that the release was cut with; with --since those that the site has not got with that release");
    one->add_option("--repository", options->repository, "Carry what the train's manifest there says, as it is: a mirror will do, and no key is needed")->type_name("DIR");
    add_office(*one, *options);
    one->add_option("-o,--to", options->to, "Where it goes; - for standard output")->type_name("FILE")->required();
    one->add_option_function<std::string>("--split", [options](const std::string& text) { options->split = size_of(text); }, "Write pieces of that size, FILE.001 and so on")->type_name("SIZE");
    one->callback([=] { choose({.run = [options](Context& context) { return export_bundle(context, *options); }}); });
}

} // namespace

void add_bundle(CLI::App& app, const Choose& choose) {
    auto* command = app.add_subcommand("bundle", "Carry a release across an air gap in one file");
    command->require_subcommand(1);
    command->footer("examples:\n  ashlar bundle show r1.bundle\n  ashlar bundle verify r1.bundle --root root.json\n"
                    "  ashlar bundle import r1.bundle --mirror /srv/mirror --root root.json     the first time\n"
                    "  ashlar bundle import r1.bundle.001 --mirror /srv/mirror                  later ones, here in pieces\n"
                    "  ashlar bundle export R1 --repository /srv/releases --to r1.bundle");
    const auto add = [&](const char* name, const char* summary, Needs needs, int (*run)(Context&, const ReadOptions&)) {
        auto* one = command->add_subcommand(name, summary);
        auto options = std::make_shared<ReadOptions>();
        add_reading(*one, options, needs);
        if (needs == Needs::mirror)
            one->add_flag_callback("--without-sources", [options] { options->sources = bundle::ImportOrder::Sources::left; }, "Pass over source packages; a later import of the same bundle can still take them");
        one->callback([=] { choose({.run = [options, run](Context& context) { return run(context, *options); }}); });
    };
    add("show", "What is in a bundle; reads its metadata only", Needs::nothing, show);
    add("verify", "Read all of a bundle: is it what was signed?", Needs::nothing, verify);
    add("import", "Verify a bundle and add it to a mirror", Needs::mirror, import);
    add_export(*command, choose);
}

} // namespace ashlar::command
