#include "revocations.hpp"

#include "state_content.hpp"

#include <base/error.hpp>
#include <base/file.hpp>
#include <base/json.hpp>
#include <base/mapped_file.hpp>
#include <bootmenu/menu.hpp>
#include <node/secure_boot.hpp>
#include <signing/authenticode.hpp>
#include <signing/uefi_variables.hpp>

#include <algorithm>
#include <array>
#include <exception>
#include <optional>
#include <set>
#include <string>
#include <strings.h>
#include <utility>

#include <fmt/format.h>

namespace ashlar::steps {

namespace fs = std::filesystem;
using bootmenu::Entry;
using State = FirmwareRevocation::State;

namespace {

constexpr std::array<std::pair<State, std::string_view>, 3> states{{{State::obeyed, "obeyed"}, {State::waiting, "waiting"}, {State::refused, "refused"}}};

fs::path update_file(const Node& node, const std::string& train) { return node.revoked / (train + ".auth"); }
fs::path record_file(const Node& node, const std::string& train) { return node.revoked / (train + ".json"); }

Json json_of(const FirmwareRevocation& one, const std::string& update) {
    return {{"train", one.train}, {"images", one.images}, {"state", name_of(one.state)}, {"text", one.text}, {"update", sha256(update).hex()}};
}

// Images, and nothing else: a certificate there would forbid all that was ever signed by it.
std::vector<Digest> images_in(const std::string& update, const std::string& name) {
    const auto database = parse_signature_lists(lists_of_update(bytes_of(update), name), name);
    if (!database.certificates.empty() || database.hashes.empty()) throw Error(fmt::format("cannot use '{}': it does not name images, and nothing but images", name));
    std::vector<Digest> images;
    for (const auto& one : database.hashes) images.push_back(one.hash);
    std::ranges::sort(images);
    return images;
}

bool lists_all(const std::vector<Digest>& listed, const std::vector<Digest>& wanted) {
    return std::ranges::all_of(wanted, [&](const Digest& image) { return std::ranges::find(listed, image) != listed.end(); });
}

bool is_program(const fs::directory_entry& file) { return file.is_regular_file() && ::strcasecmp(file.path().extension().c_str(), ".efi") == 0; }

bool is_among(const fs::path& program, const std::vector<Digest>& images) {
    return std::ranges::binary_search(images, request_authenticode(MappedFile(program).bytes(), program.filename().native()).image);
}

// Why it cannot be now; nothing: whatever it forbids is gone from the boot menu.
std::optional<std::string> make_way(const Node& node, const fs::path& esp, const std::vector<Digest>& images) {
    const bootmenu::Menu menu(esp);
    const auto running = menu.entries_of(node.running.release);
    if (std::ranges::find(running, std::optional<bootmenu::Tries>(), &Entry::tries) == running.end()) return fmt::format("'{}', which runs, has not proved itself yet", node.running.release);
    std::set<std::string> others;
    for (const auto& file : fs::recursive_directory_iterator(esp / "EFI")) {
        if (!is_program(file) || !is_among(file.path(), images)) continue;
        const auto entry = bootmenu::parse_entry(file.path().filename().native());
        if (!entry || file.path().parent_path() != esp / "EFI/Linux" || entry->release == node.running.release)
            return fmt::format("it forbids '{}', by which this node starts", file.path().lexically_relative(esp).native());
        others.insert(entry->release);
    }
    for (const auto& release : others) menu.remove(release);
    return std::nullopt;
}

} // namespace

std::string_view name_of(State state) { return std::ranges::find(states, state, &std::pair<State, std::string_view>::first)->second; }

namespace {

// Of a failure of the disk as well.
std::string said_by(const std::exception& failure) {
    const auto* error = dynamic_cast<const Error*>(&failure);
    return error != nullptr ? error->message() : failure.what();
}

void keep_file(const fs::path& file, const std::string& content) {
    if (fs::exists(file) && read_file(file) == content) return;
    fs::create_directories(file.parent_path());
    write_file(file, content, 0600, Durability::synced);
}

std::vector<fs::path> files_of(const Node& node, std::string_view ending) {
    std::vector<fs::path> files;
    if (fs::is_directory(node.revoked))
        for (const auto& file : fs::directory_iterator(node.revoked))
            if (file.path().extension() == ending) files.push_back(file.path());
    std::ranges::sort(files);
    return files;
}

} // namespace

void Revocations::keep(const std::vector<trust::Revocation>& found) const {
    for (const auto& one : found) {
        try {
            if (one.update.empty()) throw Error(one.fault);
            keep_file(update_file(node_, one.train), one.update);
        } catch (const std::exception& failure) {
            tell({.train = one.train, .images = 0, .state = State::waiting, .text = said_by(failure)});
        }
    }
}

void Revocations::hand_over() const {
    for (const auto& file : files_of(node_, ".auth")) {
        FirmwareRevocation now{.train = file.stem().native(), .images = 0, .state = State::refused, .text = {}};
        try {
            const std::string update = read_file(file);
            now = outcome(now.train, update);
            note(now, update);
        } catch (const std::exception& failure) {
            now.text = said_by(failure);
            tell(now);
        }
    }
}

FirmwareRevocation Revocations::outcome(const std::string& train, const std::string& update) const {
    FirmwareRevocation now{.train = train, .images = 0, .state = State::waiting, .text = {}};
    try {
        const auto images = images_in(update, update_file(node_, train).native());
        now.images = images.size();
        const auto all_listed = [&] { return lists_all(node::forbidden_programs(node_.firmware), images); };
        if (node::secure_boot(node_.firmware) != node::SecureBoot::on) {
            now.text = "Secure Boot is off: the firmware starts anything";
            return now;
        }
        if (!all_listed()) {
            if (sealed_var_ == SealedVar::kept_open && content_of(node_.state).contains("encryption")) {
                now.text = "/var is sealed to the dbx of now, and another one locks it until the recovery key is given; `/usr/lib/ashlar/ashlard forbid` goes on, for whoever has that key";
                return now;
            }
            const auto partition = node_.boot_partition();
            auto obstacle = make_way(node_, partition->path(), images);
            partition->close();
            if (obstacle) {
                now.text = std::move(*obstacle);
                return now;
            }
            node_.forbid(update);
            if (!all_listed()) throw Error("the firmware took it, and does not list it in dbx");
        }
        now.state = State::obeyed;
    } catch (const std::exception& failure) {
        now.state = State::refused;
        now.text = said_by(failure);
    }
    return now;
}

void Revocations::note(const FirmwareRevocation& now, const std::string& update) const {
    const fs::path file = record_file(node_, now.train);
    const std::string text = pretty(json_of(now, update));
    if (fs::exists(file) && read_file(file) == text) return;
    write_file(file, text, 0600, Durability::synced);
    tell(now);
}

void Revocations::tell(const FirmwareRevocation& now) const {
    if (told_) told_(now);
}

namespace {

// Nothing where this release does not understand it: it is written anew the next time.
std::optional<FirmwareRevocation> read_record(const fs::path& file) try {
    const Json json = parse_json(read_file(file), file.native());
    const auto state = std::ranges::find(states, json.at("state").get<std::string>(), &std::pair<State, std::string_view>::second);
    if (state == states.end()) return std::nullopt;
    return FirmwareRevocation{json.at("train").get<std::string>(), json.at("images").get<std::size_t>(), state->first, json.at("text").get<std::string>()};
} catch (const std::exception&) {
    return std::nullopt;
}

} // namespace

std::vector<FirmwareRevocation> firmware_revocations(const Node& node) {
    std::vector<FirmwareRevocation> all;
    for (const auto& file : files_of(node, ".json"))
        if (auto record = read_record(file)) all.push_back(std::move(*record));
    return all;
}

std::vector<FirmwareRevocation> hand_over_revocations(const Node& node) {
    const std::function<void(const Notice&)> nobody;
    Revocations(node, nobody, Revocations::SealedVar::may_lock).hand_over();
    return firmware_revocations(node);
}

} // namespace ashlar::steps
