#include "site_key.hpp"

#include <ctl/text.hpp>

#include <base/error.hpp>
#include <base/file.hpp>
#include <base/text.hpp>
#include <signing/base64.hpp>
#include <signing/bytes.hpp>
#include <site/key.hpp>

#include <filesystem>
#include <memory>

#include <fmt/format.h>

namespace ashlar::ctl {

namespace fs = std::filesystem;

namespace {

constexpr unsigned for_its_owner = 0600;

// A site's directory, in which the key of now is `site.key` at every moment.
//
//     site.key.next       made, and perhaps given to the voters already: nobody knows. It is given to them (again), and they know
//     site.key.previous   the key of before, once they have taken the other one
class KeyFiles {
public:
    explicit KeyFiles(const std::string& directory) : now_(fs::path(directory) / "site.key"), next_(fs::path(directory) / "site.key.next"), previous_(fs::path(directory) / "site.key.previous") {
        if (!fs::exists(now_)) throw Error(fmt::format("cannot rotate the key of '{}': it has no site.key", directory), "name the directory that `ashlar site new` made");
    }

    // That which was begun, or a new one.
    [[nodiscard]] site::SiteKey next() const {
        const auto site = site::SiteKey::load(now_).site();
        if (!fs::exists(next_)) write_file(next_, site::SiteKey::generate(site).text().text(), for_its_owner, Durability::synced);
        auto key = site::SiteKey::load(next_);
        if (key.site() != site) throw Error(fmt::format("cannot use '{}': it is a key of another site than site.key", next_.native()), "remove it");
        return key;
    }
    void take_next() const {
        const auto before = site::SiteKey::load(now_);
        if (before.id() != site::SiteKey::load(next_).id()) write_file(previous_, before.text().text(), for_its_owner, Durability::synced);
        write_file(now_, Secret::of_file(next_).text(), for_its_owner, Durability::synced);
        fs::remove(next_);
    }

private:
    const fs::path now_, next_, previous_;
};

std::string rotated_text(const std::string& directory, const Json& answer) {
    return fmt::format("the site has the key {} from now on; its nodes take it over one by one: `ashlarctl site key status`\n"
                       "{}: site.key is that key, site.key.previous the one of before, which nobody new comes in by\n"
                       "make media and tickets anew: those of before are worthless\n",
                       answer.at("key").get<std::string>(), directory);
}

int rotate(const Door& door, const std::string& directory) {
    const KeyFiles files(directory);
    const Json answer = ask_voters(door, "site.key.rotate", {{"key", base64(bytes_of(files.next().text().text()))}});
    files.take_next();
    return show(door, answer, [&](const Json& said) { return rotated_text(directory, said); });
}

int finish(const Door& door, const std::vector<std::string>& without) {
    const Json answer = ask_voters(door, "site.key.finish", {{"without", join(without, ",")}});
    return show(door, answer, [&](const Json&) { return fmt::format("the key of before counts no more; left behind: {}. Who comes back with a certificate that counts is given the other key\n", join(without, ", ")); });
}

struct Words {
    std::string directory;
    std::vector<std::string> without;
};

} // namespace

void add_site_key_commands(CLI::App& site, const Choose& choose) {
    auto words = std::make_shared<Words>();
    auto* key = site.add_subcommand("key", "The site's key, which media and tickets come from");
    key->require_subcommand(1);
    auto* turn = add_command(*key, choose, "rotate", "Another key for the site, when a medium or a ticket was lost: nodes take it over by themselves, and what is of the old one is worthless", "ashlarctl site key rotate berlin-1/\n  ashlarctl --voter 10.0.0.11 --certificate anna.pem --key anna.key --authority berlin-1.pem site key rotate berlin-1/\n\nCut off anywhere, it is said again.",
                             [words](const Door& door) { return rotate(door, words->directory); });
    turn->add_option("DIRECTORY", words->directory, "As `ashlar site new` made it: its site.key is replaced once the voters have the other one")->required()->check(CLI::ExistingDirectory);
    add_command(*key, choose, "status", "Which key the site has, and who has not taken it over yet", "ashlarctl site key status", [](const Door& door) { return show(door, ask_voters(door, "site.key.status"), site_key_text); });
    auto* end = add_command(*key, choose, "finish", "Do not wait for nodes that will not come soon: the key of before counts no more", "ashlarctl site key finish --without n04 --without n05", [words](const Door& door) { return finish(door, words->without); });
    end->add_option("--without", words->without, "A node that has not taken the key over; all of them must be named")->required()->type_name("NODE");
}

} // namespace ashlar::ctl
