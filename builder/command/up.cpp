#include "duration.hpp"
#include "options.hpp"
#include "stage.hpp"

#include <base/error.hpp>
#include <base/file.hpp>
#include <base/json.hpp>
#include <base/process.hpp>
#include <base/text.hpp>
#include <command_line/choice.hpp>
#include <formation/roles.hpp>
#include <machine/firmware.hpp>
#include <pipeline/build.hpp>
#include <signing/bytes.hpp>
#include <site/key.hpp>
#include <site/site.hpp>
#include <sites/new_site.hpp>
#include <toml/source.hpp>
#include <virtual_site/body.hpp>
#include <virtual_site/roster.hpp>
#include <virtual_site/site_copy.hpp>

#include <algorithm>
#include <charconv>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unistd.h>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace ashlar::command {

namespace fs = std::filesystem;

using virtual_site::Body;
using virtual_site::Vessel;

namespace {

struct UpOptions {
    fs::path site;
    std::optional<unsigned> nodes;
    std::vector<std::string> images;
    fs::path keep;
    Vessel vessel = Vessel::container;
    machine::Acceleration acceleration = machine::Acceleration::emulated;
    unsigned memory_mib = 1024, processors = 2;
    virtual_site::ServiceDisks disks;
    Stage::Until until = Stage::Until::interrupted;
    std::string patience;
    Stage::Timeline timeline = Stage::Timeline::hidden;
};

std::string shown(const fs::path& path) { return fs::proximate(path).native(); }

// ---- What is started -----------------------------------------------------------------------------------

struct Original {
    fs::path directory;
    site::Site site;
};

Original load(const fs::path& place) {
    const fs::path file = fs::is_directory(place) ? place / sites::site_file : place;
    return {file.has_parent_path() ? file.parent_path() : fs::path("."), site::load(file, shown(file))};
}

// Which image a node is started from: of the role that it has first.
class Images {
public:
    Images(Context& context, const std::vector<std::string>& given) : context_(context) {
        for (const auto& one : given) {
            const auto sign = one.find('=');
            const std::string role = sign == one.npos || one.find('/') < sign ? std::string() : one.substr(0, sign);
            const fs::path file = role.empty() ? one : one.substr(sign + 1);
            if (!fs::is_regular_file(file)) throw Error(fmt::format("cannot start nodes from '{}': there is no such image", file.native()));
            if (!given_.emplace(role, fs::absolute(file)).second)
                throw Error(fmt::format("cannot use '--image': {} is given twice", role.empty() ? "one for all nodes" : fmt::format("one for '{}'", role)), "give one for all, or ROLE=FILE for each role");
        }
    }

    [[nodiscard]] fs::path of(const virtual_site::Cast& node) const {
        const std::string role = node.roles.empty() ? std::string() : node.roles.front();
        for (const std::string& key : {role, std::string()})
            if (const auto found = given_.find(key); found != given_.end()) return found->second;
        if (role.empty()) throw Error(fmt::format("cannot start '{}': it has no role that says from which image", node.name), "name one with --image FILE");
        const fs::path image = pipeline::product_of(context_.workshop().train(), role, context_.options().output).disk();
        if (!fs::exists(image)) throw Error(fmt::format("cannot start '{}': there is no '{}'", node.name, image.native()), fmt::format("build it with `ashlar build {0}`, or name one with --image {0}=FILE", role));
        return fs::absolute(image);
    }

private:
    Context& context_;
    std::map<std::string, fs::path> given_; // by role; "": of every other
};

// ---- Where it is kept ------------------------------------------------------------------------------------

constexpr const char* kept_file = "up.json";

std::string_view name_of(Vessel vessel) { return vessel == Vessel::container ? "containers" : "machines"; }

// Nodes of a site and of one kind in a directory, or nothing.
void take_place(const fs::path& directory, const SiteId& id, Vessel vessel) {
    const fs::path file = directory / kept_file;
    const Json wanted{{"format", 1}, {"site", id.text()}, {"nodes", name_of(vessel)}};
    const auto refuse = [&](std::string cause, std::string hint) { return Error(fmt::format("cannot keep nodes in '{}': {}", directory.native(), std::move(cause)), std::move(hint)); };
    if (!fs::exists(file)) {
        if (fs::exists(directory) && !fs::is_empty(directory)) throw refuse("there is something else in it", "name a directory that is empty, or not there yet");
        fs::create_directories(directory);
        fs::permissions(directory, fs::perms::owner_all); // the site key is in it
        write_file(file, pretty(wanted));
        return;
    }
    const Json there = parse_json(read_file(file), file.native());
    if (there.value("site", "") != id.text()) throw refuse("it has nodes of another site", "name another directory, or remove this one");
    if (there != wanted) throw refuse(fmt::format("its nodes are {}", there.value("nodes", "")), vessel == Vessel::machine ? "leave out --qemu, or name another directory" : "say --qemu, or name another directory");
}

fs::path key_of(const Original& original) {
    fs::path key = original.directory / sites::key_file;
    if (!fs::exists(key)) throw Error(fmt::format("cannot start site '{}': there is no '{}'", original.site.name, shown(key)), "media of its nodes need it; `ashlar site new` makes one with a site, and never again");
    if (site::SiteKey::load(key).site() != *original.site.id) throw Error(fmt::format("cannot start site '{}': '{}' is the key of another site", original.site.name, shown(key)), "site.key and site.toml belong together: neither may be taken from elsewhere");
    return key;
}

void write_medium(const fs::path& directory, const std::string& text, const fs::path& key) {
    (void)site::read(toml::source_from_text("the copy for this machine", text));
    remove_tree(directory);
    fs::create_directories(directory);
    write_file(directory / sites::site_file, text);
    fs::copy_file(key, directory / sites::key_file);
}

std::string ssh_key_in(const fs::path& directory) {
    const fs::path key = directory / "ssh-key";
    if (!fs::exists(key)) run_checked({.argv = {"ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "ashlar-up", "-f", key.native()}});
    return std::string(trim(read_file(key.native() + ".pub")));
}

// ---- The site --------------------------------------------------------------------------------------------

// A store in which the keys that signed the images are enrolled.
fs::path variables_in(const fs::path& directory, const machine::Firmware& firmware, const fs::path& keys) {
    if (!fs::exists(keys)) throw Error(fmt::format("cannot start machines: there are no keys in '{}'", keys.native()), "name the directory whose keys signed the images with --keys");
    const std::string blank = read_file(firmware.variables);
    const fs::path file = directory / "variables";
    write_file(file, text_of(machine::enrol(bytes_of(blank), firmware.variables.native(), machine::load_enrolled_keys(keys))));
    return file;
}

// Bodies for all nodes, and what they stand on; taken down in reverse order.
class Site {
public:
    Site(Context& context, const UpOptions& options, const Original& original)
        : copy_(copied(original, options)), runtime_(fs::temp_directory_path(), "ashlar-up-"), work_(options.keep.empty() ? runtime_.path() / "site" : fs::absolute(options.keep)),
          claim_(*original.site.id, original.site.name) {
        const Images images(context, options.images);
        std::vector<fs::path> chosen;
        for (const auto& node : copy_.nodes) chosen.push_back(images.of(node));
        const fs::path key = key_of(original);
        if (options.vessel == Vessel::machine) firmware(context);
        // From here on something is kept.
        take_place(work_, *original.site.id, options.vessel);
        if (options.vessel == Vessel::machine) copy_ = copied(original, options, {ssh_key_in(work_)});
        write_medium(work_ / "medium", copy_.text, key);
        if (copy_.wants_addresses) addresses_.emplace(switch_, work_ / "addresses");
        for (unsigned i = 0; i < copy_.nodes.size(); ++i) bodies_.push_back(made(options, original, i, chosen[i]));
        Json ways = Json::object();
        for (unsigned i = 0; i < bodies_.size(); ++i) ways[copy_.nodes[i].name] = bodies_[i]->way_in();
        claim_.tell(ways);
    }

    [[nodiscard]] const virtual_site::SiteCopy& copy() const { return copy_; }
    [[nodiscard]] const std::vector<std::unique_ptr<Body>>& bodies() const { return bodies_; }

private:
    static virtual_site::SiteCopy copied(const Original& original, const UpOptions& options, std::vector<std::string> ssh_keys = {}) {
        return virtual_site::copy_for_this_machine(original.site, {.vessel = options.vessel, .nodes = options.nodes, .disks = options.disks.count, .ssh_keys = std::move(ssh_keys)});
    }

    void firmware(Context& context) {
        firmware_ = machine::find_firmware();
        variables_ = variables_in(runtime_.path(), *firmware_, context.options().keys);
    }

    std::unique_ptr<Body> made(const UpOptions& options, const Original& original, unsigned index, const fs::path& image) {
        const auto& node = copy_.nodes[index];
        // Two sites on one machine have names of their own.
        const virtual_site::BodyOptions body{.name = fmt::format("{}-{}", original.site.id->text().substr(0, 6), index + 1), .serial = node.serial, .directory = work_ / "nodes" / node.name, .medium = work_ / "medium"};
        if (options.vessel == Vessel::machine)
            return make_machine(body, {.image = image, .variables = variables_, .firmware = *firmware_, .acceleration = options.acceleration, .processors = options.processors,
                                       .memory_mib = options.memory_mib, .number = index + 1, .key = work_ / "ssh-key", .run = runtime_.path()});
        auto& root = roots_[image];
        if (!root) root = std::make_unique<virtual_site::RootMount>(image, runtime_.path() / fmt::format("root-{}", roots_.size()));
        return make_container(body, *root, has_disks(original.site, node, root->path()) ? options.disks : virtual_site::ServiceDisks{});
    }

    // A rule of the plan is for one of its roles, or for one that such a role extends: as the image knows it.
    static bool has_disks(const site::Site& site, const virtual_site::Cast& node, const fs::path& root) {
        const fs::path file = root / "usr/lib/ashlar/formations/role.json";
        const auto roles = fs::exists(file) ? formation::read_roles(read_file(file), file.native()).graph : formation::RoleGraph();
        const auto has = [&](const std::string& wanted) {
            return std::ranges::any_of(node.roles, [&](const std::string& role) { return role == wanted || (roles.knows(role) && roles.extends(role, wanted)); });
        };
        return std::ranges::any_of(site.data_disks, [&](const auto& set) {
            return std::ranges::any_of(set.second, [&](const site::DataDisks& rule) { return rule.roles.empty() || std::ranges::any_of(rule.roles, has); });
        });
    }

    virtual_site::SiteCopy copy_;
    TemporaryDirectory runtime_;
    fs::path work_, variables_;
    std::optional<machine::Firmware> firmware_;
    virtual_site::Claim claim_;
    virtual_site::Switch switch_;
    std::optional<virtual_site::AddressServer> addresses_;
    std::map<fs::path, std::unique_ptr<virtual_site::RootMount>> roots_;
    std::vector<std::unique_ptr<Body>> bodies_;
};

std::size_t voters_of(const site::Genesis& genesis) {
    if (genesis.mode == site::Founding::anonymous) return genesis.expect;
    return genesis.mode == site::Founding::seed ? 1 : genesis.voters;
}

// "2", "2:20GiB"
virtual_site::ServiceDisks disks_in(const std::string& text) {
    constexpr unsigned most = 32;
    virtual_site::ServiceDisks disks;
    const auto colon = text.find(':');
    const char* const end = text.data() + std::min(colon, text.size());
    const auto [at, failure] = std::from_chars(text.data(), end, disks.count);
    bool is_good = failure == std::errc() && at == end && disks.count <= most;
    if (colon != text.npos) {
        std::string size = text.substr(colon + 1);
        if (const auto unit = size.find_first_not_of("0123456789"); unit != size.npos && size[unit] != ' ') size.insert(unit, " ");
        const auto bytes = parse_size(size);
        is_good = is_good && bytes;
        disks.size = bytes.value_or(0);
    }
    if (!is_good) throw Error(fmt::format("cannot give nodes disks: {} says neither how many nor which", toml::quote(text)), fmt::format("write a number up to {}, and perhaps a size, such as 2 or 2:20GiB", most));
    return disks;
}

int up(Context& context, const UpOptions& options) {
    const auto patience = parse_duration(options.patience.empty() ? (options.vessel == Vessel::machine ? "2h" : "10m") : options.patience);
    if (!patience) throw Error(fmt::format("cannot wait {}: that is not a time", toml::quote(options.patience)), "write a whole number and s, m or h, such as 10m");
    const Original original = load(options.site);
    const Interruption interruption;
    const Site site(context, options, original);
    const Stage::Style style = context.json() ? Stage::Style::json : ::isatty(STDOUT_FILENO) != 0 && context.options().progress != ProgressStyle::plain ? Stage::Style::terminal : Stage::Style::lines;
    const bool is_slow = options.vessel == Vessel::machine && options.acceleration == machine::Acceleration::emulated;
    Stage stage({.name = original.site.name, .place = shown(options.site), .style = style, .until = options.until, .timeline = options.timeline,
                 .order = is_slow ? Stage::Order::one_by_one : Stage::Order::together, .patience = *patience},
                site.copy(), voters_of(*original.site.genesis), site.bodies());
    return stage.play(interruption);
}

// ---- In a second terminal -----------------------------------------------------------------------------------

struct EnterOptions {
    fs::path site;
    std::string node;
    std::vector<std::string> program;
};

int enter(Context&, const EnterOptions& options) {
    const Original original = load(options.site);
    if (!original.site.id) throw Error(fmt::format("cannot enter '{}': site '{}' has no id", options.node, original.site.name), "only a site that `ashlar site new` made runs on this machine");
    auto argv = virtual_site::way_into(*original.site.id, original.site.name, options.node, options.program);
    std::vector<char*> words;
    for (auto& word : argv) words.push_back(word.data());
    words.push_back(nullptr);
    ::execvp(words[0], words.data());
    throw system_error("start", argv[0]);
}

} // namespace

void add_up(CLI::App& app, const Choose& choose) {
    auto* command = app.add_subcommand("up", "Start a whole site on this machine from built images, and show how it forms");
    command->footer("examples:\n  ashlar site new demo && ashlar build control && ashlar up demo --nodes 3     Ctrl-C ends it\n"
                    "  ashlar up demo --image out/ashlar_base_R0.0_amd64.raw --until formed --timeline\n"
                    "  ashlar up demo --keep /var/tmp/demo     nodes keep their disks for the next time\n"
                    "  ashlar up demo --disks 2:20GiB          disks for services, as the plan's [[disks]] say\n"
                    "  ashlar up demo --qemu                   machines with Secure Boot and TPM; slow where they are emulated\n"
                    "  ashlar enter demo n01                   a shell on a node, in another terminal\n\n"
                    "exit codes: 0 the site formed, 1 it did not in time, 130 interrupted before");
    auto options = std::make_shared<UpOptions>();
    command->add_option("SITE", options->site, "The site's directory, or its site.toml")->required();
    command->add_option("--nodes", options->nodes, "How many nodes, the first ones (default: all)")->type_name("NUMBER")->check(CLI::Range(1U, 250U).description(""));
    command->add_option("--image", options->images, "FILE, or ROLE=FILE; may be given again (default: what was built for a node's first role)")->type_name("[ROLE=]FILE")->allow_extra_args(false);
    command->add_option("--keep", options->keep, "Leave the nodes' disks there, and go on with those that are there (default: nothing stays)")->type_name("DIR");
    auto* disks = command->add_option_function<std::string>("--disks", [options](const std::string& text) { options->disks = disks_in(text); }, "Give each node for which the plan has [[disks]] so many disks, of SIZE (default: 10GiB), kept as the nodes' own are")->type_name("NUMBER[:SIZE]");
    auto* qemu = command->add_flag_callback("--qemu", [options] { options->vessel = Vessel::machine; }, "Machines with Secure Boot and software TPM, not containers")->excludes(disks);
    command->add_flag_callback("--kvm", [options] { options->acceleration = machine::Acceleration::kvm; }, "Use the host's KVM")->needs(qemu);
    command->add_option("--memory", options->memory_mib, "MiB of a machine")->capture_default_str()->needs(qemu);
    command->add_option("--cpus", options->processors, "Processors of a machine")->capture_default_str()->needs(qemu);
    command_line::add_choice(*command, "--until", options->until, {{"formed", Stage::Until::formed}, {"interrupted", Stage::Until::interrupted}},
                             "End when all nodes are members, or stay until Ctrl-C (default)");
    command->add_option("--timeout", options->patience, "How long they may take to be members, such as 5m (default: 10m; with --qemu 2h)")->type_name("TIME");
    command->add_flag_callback("--timeline", [options] { options->timeline = Stage::Timeline::shown; }, "Print when each node reached each step");
    command->callback([=] { choose({Place::site, [options](Context& context) { return up(context, *options); }}); });
}

void add_enter(CLI::App& app, const Choose& choose) {
    auto* command = app.add_subcommand("enter", "Run a program on a node of a site that `ashlar up` runs; without one, a shell");
    command->footer("examples:\n  ashlar enter demo n01\n  ashlar enter demo n01 ashlarctl status\n  ashlar enter demo n02 -- journalctl -u ashlard -n 20\n\n"
                    "exit code: the program's");
    auto options = std::make_shared<EnterOptions>();
    command->add_option("SITE", options->site, "The site's directory, or its site.toml")->required();
    command->add_option("NODE", options->node, "As the site calls it")->required();
    command->add_option("PROGRAM", options->program, "With its arguments; behind -- where they begin with a dash");
    command->callback([=] { choose({Place::plain, [options](Context& context) { return enter(context, *options); }}); });
}

} // namespace ashlar::command
