#include <steps/node_steps.hpp>

#include "beliefs.hpp"
#include "revocations.hpp"

#include <bootmenu/menu.hpp>
#include <bootmenu/version.hpp>
#include <gpt/table.hpp>
#include <node/mounts.hpp>
#include <pull/messages.hpp>
#include <signing/authenticode.hpp>
#include <signing/verity.hpp>
#include <slots/slots.hpp>
#include <state/state.hpp>
#include <trust/choice.hpp>

#include <base/error.hpp>
#include <base/file.hpp>
#include <base/json.hpp>
#include <base/mapped_file.hpp>
#include <base/process.hpp>
#include <base/text.hpp>

#include <algorithm>
#include <fcntl.h>
#include <sys/mount.h>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>

namespace ashlar::steps {

namespace fs = std::filesystem;
using bootmenu::Menu;
using upgrade::Target;

namespace {

slots::Slots slots_now(const Node& node) { return slots::slots_of(gpt::read(node.disk), node.running.root_hash); }

pull::Part part_of(const gpt::Partition& partition) { return {partition.offset, partition.size}; }

fs::path kept_uki(const Node& node) { return node.work / "uki.efi"; }
fs::path running_uki(const Node& node) { return node.work / "running.efi"; }

pull::Have have(const Node& node, const slots::Slots& slots) {
    return {node.role, node.architecture, node.running.root_hash, node.disk, part_of(slots.running.root), part_of(slots.running.verity), running_uki(node)};
}

// Does `body` with the boot menu, and lets go of the boot partition so that an Error tells.
auto with_menu(const Node& node, const auto& body) {
    const auto partition = node.boot_partition();
    const Menu menu(partition->path());
    if constexpr (std::is_void_v<decltype(body(menu))>) {
        body(menu);
        partition->close();
    } else {
        auto answer = body(menu);
        partition->close();
        return answer;
    }
}

// A medium is mounted only while it is read.
class Opened {
public:
    Opened(const Node& node, const upgrade::Source& source) {
        source_ = {source.location, source.proxy, source.certificates};
        if (!source.location.starts_with("/dev/")) return;
        mount_.emplace(source.location, node.media, file_system_of(source.location), MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC);
        const fs::path folder = node.media / "ashlar";
        source_.location = (fs::is_directory(folder) ? folder : node.media).native();
    }
    // `folder`: below it.
    [[nodiscard]] Json json(const std::string& folder = {}) const {
        pull::Source source = source_;
        if (!folder.empty()) source.location += "/" + folder;
        return pull::to_json(source);
    }

private:
    static std::string file_system_of(const std::string& device) {
        const auto said = run({.argv = {"blkid", "--probe", "--output", "value", "--match-tag", "TYPE", device}});
        const std::string type(trim(said.output));
        if (type.empty()) throw Error(fmt::format("cannot read the medium '{}': no file system is known on it", device), "is it the right device? `ashlarctl disks` shows them");
        return type;
    }
    pull::Source source_;
    std::optional<node::Mount> mount_;
};

// What ashlar-pull answers, line by line.
void ask_pull(const Node& node, const Json& request, const std::function<void(const Json&)>& answer) {
    const auto outcome = run({.argv = node.pull, .input = request.dump(), .each_line = [&](std::string_view line) { answer(parse_json(line, "ashlar-pull")); }});
    if (outcome.ok()) return;
    const std::string said(trim(outcome.errors));
    throw Error(said.empty() ? fmt::format("cannot fetch the release: ashlar-pull ended with {}", outcome.exit_code) : said);
}

// ashlar-pull sees no boot partition.
void copy_running_uki(const Node& node) {
    const auto partition = node.boot_partition();
    const auto entries = Menu(partition->path()).entries_of(node.running.release);
    if (entries.empty()) throw Error(fmt::format("cannot find '{}' in the boot menu, though it runs", node.running.release));
    fs::copy_file(partition->path() / "EFI/Linux" / entries.front().file_name(), running_uki(node), fs::copy_options::overwrite_existing);
    partition->close();
}

pull::Offer look(const Node& node, const Opened& opened, const std::optional<trust::Choice>& choice) {
    copy_running_uki(node);
    std::optional<pull::Offer> offer;
    Json request{{"what", "look"}, {"source", opened.json(choice ? choice->folder : "")}, {"have", pull::to_json(have(node, slots_now(node)))}, {"uki", kept_uki(node).native()}};
    if (choice) request["index"] = release_index_text(choice->index);
    ask_pull(node, request, [&](const Json& json) { offer = pull::offer_from(json); });
    if (!offer) throw Error("cannot fetch the release: ashlar-pull gave no answer");
    return std::move(*offer);
}

// ---- Release metadata ----

// What is below a floor is not gone back to. A release that must still prove itself keeps what it would fall back to: a node
// that starts something old is better than none.
void forget_below(const Node& node, const trust::SecurityFloors& floors) {
    with_menu(node, [&](const Menu& menu) {
        const auto running = menu.entries_of(node.running.release);
        if (std::ranges::find(running, std::optional<bootmenu::Tries>(), &bootmenu::Entry::tries) == running.end()) return;
        for (const auto& entry : menu.entries())
            if (entry.release != node.running.release && !trust::is_allowed(floors, entry.release)) menu.remove(entry.release);
    });
}

// A repository behind ashlar-pull.
class PulledReleases final : public trust::Releases {
public:
    PulledReleases(const Node& node, const Opened& opened) : node_(node), opened_(opened) {}
    [[nodiscard]] std::optional<std::string> metadata(std::string_view name, std::uint64_t most) override { return get(fmt::format("metadata/{}", name), most); }
    [[nodiscard]] std::string target(const std::string& place, std::uint64_t length) override {
        if (auto content = get("targets/" + place, length)) return std::move(*content);
        throw Error(fmt::format("cannot find 'targets/{}' in the repository", place), "the repository is not whole: import its bundle again, or take another mirror");
    }

private:
    std::optional<std::string> get(const std::string& file, std::uint64_t most) const {
        std::optional<pull::Got> got;
        ask_pull(node_, {{"what", "get"}, {"source", opened_.json()}, {"file", file}, {"most", most}, {"scratch", node_.work.native()}}, [&](const Json& json) { got = pull::got_from(json); });
        if (!got) throw Error(fmt::format("cannot fetch '{}': ashlar-pull gave no answer", file));
        return std::move(got->content);
    }
    const Node& node_;
    const Opened& opened_;
};

// Where there is nothing newer, firmware gets what it is to refuse. Otherwise that waits until the new release has proved itself: before,
// what it forbids may have to start again.
std::optional<trust::Choice> chosen(const Node& node, const Opened& opened, const std::string& release, const std::function<void(const Notice&)>& told) {
    PulledReleases releases(node, opened);
    Beliefs beliefs(node.state, *node.trusted_root);
    const trust::Question question{.node = {node.role, node.architecture, node.running.release},
                                   .release = release.empty() ? std::nullopt : std::optional(release),
                                   .now = std::max(node.now(), beliefs.time_floor()),
                                   .floors = beliefs.security_floors()};
    auto look = trust::choose(releases, beliefs, question);
    if (look.stale && told) told(*look.stale);
    forget_below(node, look.floors);
    const Revocations revocations(node, told);
    revocations.keep(look.revocations);
    if (!look.choice || look.choice->index.root_hash == node.running.root_hash) revocations.hand_over();
    return std::move(look.choice);
}

// Whoever signed what runs: firmware believed it, so the node does.
std::vector<Certificate> trusted(const Node& node) {
    std::vector<Certificate> signers;
    for (auto& signature : read_authenticode(MappedFile(running_uki(node)).bytes(), node.running.release))
        if (signature.intact) signers.push_back(std::move(signature.signer));
    if (signers.empty()) throw Error(fmt::format("cannot trust any release: '{}', which runs, is not signed", node.running.release), "install an image that was built with keys");
    return signers;
}

void require_blessed(const Menu& menu, const upgrade::Installed& running) {
    const auto entries = menu.entries_of(running.release);
    if (std::ranges::find(entries, std::optional<bootmenu::Tries>(), &bootmenu::Entry::tries) == entries.end())
        throw Error(fmt::format("cannot upgrade: '{}', which runs, has not proved itself yet", running.release), "wait until `ashlarctl status` says that it is blessed");
}

// The floor is the oldest release that the site allows.
std::optional<std::string> floor_of(const Node& node) {
    const auto record = state::read(node.state);
    if (!record || !record->content.contains("floor")) return std::nullopt;
    return record->content.at("floor").get<std::string>();
}

void require_allowed(const Node& node, const ReleaseIndex& index) {
    const auto refuse = [&](const std::string& cause, const std::string& hint) { throw Error(fmt::format("cannot upgrade to '{}': {}", index.release, cause), hint); };
    if (index.role != node.role || index.architecture != node.architecture)
        refuse(fmt::format("it is for {} on {}, this node is {} on {}", index.role, index.architecture, node.role, node.architecture), "take the release of this node's role");
    if (bootmenu::compare_releases(index.release, node.running.release) <= 0)
        refuse(fmt::format("'{}', which runs, is not older, and the boot loader would go on starting it", node.running.release), "`ashlarctl rollback` goes back to the release of before");
    if (const auto floor = floor_of(node); floor && bootmenu::compare_releases(index.release, *floor) < 0)
        refuse(fmt::format("it is below the floor '{}'", *floor), "take a newer release");
}

void require_room(const slots::Slot& slot, std::uint64_t root_size) {
    const auto require = [](std::uint64_t needed, const gpt::Partition& partition) {
        if (needed > partition.size)
            throw Error(fmt::format("cannot upgrade: {} do not fit into partition {} with {}", human_bytes(needed), partition.number, human_bytes(partition.size)),
                        "the disk was laid out for smaller releases: install the node again");
    };
    require(root_size, slot.root);
    require(verity_size(root_size), slot.verity);
}

FileExtent extent_of(const Fd& disk, const gpt::Partition& partition, std::uint64_t size, const fs::path& name) { return {disk.get(), partition.offset, size, name.native()}; }

VerityParameters parameters_of(const Target& target) {
    const auto uuid = Guid::from_text(target.uuid);
    const auto salt = from_hex(target.salt);
    if (!uuid || !salt) throw Error("cannot compute the hash tree: its parameters are malformed");
    return {*uuid, *salt};
}

// What was written is read from the disk again, not from memory.
void forget(const Fd& disk, const gpt::Partition& partition) {
    ::posix_fadvise(disk.get(), static_cast<off_t>(partition.offset), static_cast<off_t>(partition.size), POSIX_FADV_DONTNEED);
}

} // namespace

std::optional<Target> NodeSteps::check(const upgrade::Source& source) {
    fs::create_directories(node_.work);
    const Opened opened(node_, source);
    std::optional<trust::Choice> choice;
    if (node_.trusted_root) {
        choice = chosen(node_, opened, source.release, told_);
        if (!choice) return std::nullopt;
    }
    const pull::Offer offer = look(node_, opened, choice);
    const ReleaseIndex& index = choice ? choice->index : offer.index;
    if (index.root_hash == node_.running.root_hash) return std::nullopt;
    require_allowed(node_, index);
    require_room(slots_now(node_).other, index.root_size);
    const MappedFile uki(kept_uki(node_));
    const auto partition = node_.boot_partition();
    const Menu menu(partition->path());
    require_blessed(menu, node_.running);
    verify_release(index, uki.bytes(), trusted(node_));
    std::uint64_t freed = 0;
    for (const auto& entry : menu.entries())
        if (entry.release != node_.running.release) freed += fs::file_size(partition->path() / "EFI/Linux" / entry.file_name());
    if (freed < uki.bytes().size()) menu.require_space(uki.bytes().size() - freed);
    partition->close();
    std::vector<upgrade::Route> routes;
    for (const auto& route : offer.routes) routes.push_back({std::string(pull::name_of(route.way)), route.stream, route.download});
    return Target{.image = {index.release, index.root_hash},
                  .root_size = index.root_size,
                  .salt = to_hex(offer.verity.salt),
                  .uuid = offer.verity.uuid.text(),
                  .uki = index.uki_digest,
                  .folder = choice ? choice->folder : "",
                  .tries = index.test ? upgrade::test_tries : upgrade::usual_tries,
                  .route = routes.front(),
                  .others = {routes.begin() + 1, routes.end()},
                  .refusals = {}};
}

// Whatever is not what runs: only two releases have a place.
void NodeSteps::clear(const Target&) {
    with_menu(node_, [&](const Menu& menu) {
        for (const auto& entry : menu.entries())
            if (entry.release != node_.running.release) menu.remove(entry.release);
    });
}

void NodeSteps::mark(const Target&) { gpt::change(node_.disk, slots::as_partial(slots_now(node_).other)); }

std::optional<std::string> NodeSteps::write(const upgrade::Source& source, const Target& target, std::uint64_t from,
                                            const std::function<void(std::uint64_t)>& on_disk) {
    const slots::Slots slots = slots_now(node_);
    const auto way = pull::way_named(target.route.way);
    if (!way) throw Error(fmt::format("cannot write the new root: there is no way '{}'", target.route.way));
    const Opened opened(node_, source);
    const pull::Work work{have(node_, slots), *way, target.route.stream, part_of(slots.other.root), from, target.image.root_hash};
    std::optional<std::string> refused;
    std::uint64_t safe = from;
    ask_pull(node_, {{"what", "fill"}, {"source", opened.json(target.folder)}, {"work", pull::to_json(work)}}, [&](const Json& json) {
        if (auto refusal = pull::refusal_in(json)) {
            refused = std::move(refusal->text);
            return;
        }
        const pull::Progress progress = pull::progress_from(json);
        transferred_({progress.written, progress.size, progress.fetched, progress.download});
        if (progress.operations > std::exchange(safe, progress.operations)) on_disk(safe);
    });
    return refused;
}

void NodeSteps::prove(const Target& target) {
    const slots::Slot slot = slots_now(node_).other;
    const VerityParameters parameters = parameters_of(target);
    const Fd disk = open_file(node_.disk, O_RDWR);
    forget(disk, slot.root);
    const FileExtent data = extent_of(disk, slot.root, target.root_size, node_.disk);
    const Digest computed = write_verity(data, disk.get(), slot.verity.offset, parameters);
    if (computed != target.image.root_hash)
        throw Error(fmt::format("cannot trust the new root: its root hash is {}, not {}", computed.hex(), target.image.root_hash.hex()), "ask for the upgrade again: the slot is written anew");
    if (::fdatasync(disk.get()) != 0) throw system_error("sync", node_.disk.native());
    forget(disk, slot.verity);
    const FileExtent tree = extent_of(disk, slot.verity, verity_size(target.root_size), node_.disk);
    if (const auto fault = verify_verity_tree(data, tree, target.image.root_hash, parameters))
        throw Error(fmt::format("cannot trust the new root: it reads back differently ({})", fault->text()), "the disk is failing or lies about writes: replace it");
}

void NodeSteps::name(const Target& target) { gpt::change(node_.disk, slots::as_release(slots_now(node_), target.image.root_hash, target.image.release)); }

void NodeSteps::arm(const Target& target) {
    const MappedFile file(kept_uki(node_));
    const ByteView uki = file.bytes();
    if (sha256(uki) != target.uki) throw Error(fmt::format("cannot use '{}': it is not what was checked", kept_uki(node_).native()), "ask for the upgrade again");
    with_menu(node_, [&](const Menu& menu) {
        menu.remove(target.image.release);
        menu.add(uki, target.image.release, {target.tries, 0});
    });
}

void NodeSteps::bless(const upgrade::Installed& image) {
    with_menu(node_, [&](const Menu& menu) { menu.bless(image.release); });
    if (!node_.trusted_root) return;
    forget_below(node_, Beliefs(node_.state, *node_.trusted_root).security_floors());
    Revocations(node_, told_).hand_over();
}

void NodeSteps::give_up(const upgrade::Installed& image) {
    with_menu(node_, [&](const Menu& menu) {
        const auto entries = menu.entries();
        if (std::ranges::none_of(entries, [&](const auto& entry) { return entry.release != image.release && !entry.exhausted(); }))
            throw Error(fmt::format("cannot give up '{}': the boot menu has no other release to start", image.release));
        menu.exhaust(image.release);
    });
}

namespace {

// systemd-pstore(8) puts what firmware kept into a directory each; the newest one that names a panic.
std::string last_words_in(const fs::path& directory, fs::file_time_type since) {
    std::string words;
    fs::file_time_type newest = since;
    if (!fs::is_directory(directory)) return words;
    for (const auto& file : fs::recursive_directory_iterator(directory)) {
        if (!file.is_regular_file() || file.last_write_time() < newest) continue;
        const std::string text = read_file(file.path());
        const auto start = text.find("Kernel panic");
        if (start == std::string::npos) continue;
        newest = file.last_write_time();
        words = text.substr(start, text.find('\n', start) - start);
    }
    return words;
}

} // namespace

upgrade::Facts NodeSteps::facts(const upgrade::Journal& journal) const {
    using Entry = upgrade::Facts::Entry;
    upgrade::Facts facts{node_.running, Entry::missing};
    if (!journal.target) return facts;
    if (fs::exists(kept_uki(node_))) facts.last_words = last_words_in(node_.last_words, fs::last_write_time(kept_uki(node_)));
    const auto entries = with_menu(node_, [&](const Menu& menu) { return menu.entries_of(journal.target->image.release); });
    if (!entries.empty()) facts.target_entry = entries.front().exhausted() ? Entry::exhausted : Entry::usable;
    return facts;
}

} // namespace ashlar::steps
