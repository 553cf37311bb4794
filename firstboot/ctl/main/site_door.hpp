#pragma once

// How the site is asked: through ashlard of this node, by root, or from afar, by an operator's certificate.
// docs/formats/voters-interface.md.

#include <base/json.hpp>
#include <signing/message_key.hpp>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

namespace ashlar::ctl {

struct Afar {
    std::vector<std::string> voters; // addresses; none: this node is asked
    std::string certificate, key, authority; // files
    std::string passphrase;                  // the file of the key's, where it has one
};
void add_afar_options(CLI::App& app, Afar& afar);
// An operator's private key. An Error for one that a site does not certify.
[[nodiscard]] SigningKey operator_key(const std::string& file, const std::string& passphrase_file);

struct Door {
    std::string socket; // of ashlard
    bool json = false;  // how answers are shown
    Afar afar;
    [[nodiscard]] bool is_afar() const { return !afar.voters.empty(); }
};

// What the voters answer. An Error for what they refuse, in their words.
[[nodiscard]] Json ask_voters(const Door& door, const std::string& what, const Json& parameters = Json::object());
// The answer in what a voter, or who has asked it, gave back.
[[nodiscard]] Json answer_of(const std::string& what, const Json& reply);
// What only a node of the site can say: `org.ashlar.Site.<method>`. An Error from afar.
[[nodiscard]] Json ask_node(const Door& door, const std::string& method, const Json& parameters = Json::object());

// An answer, for people or for programs. Returns 0.
int show(const Door& door, const Json& answer, const std::function<std::string(const Json& answer)>& say);

// A text in PEM: to a file that appears whole, or to standard output.
int keep_pem(const Door& door, const std::string& file, const Json& answer, const std::string& pem);

using SiteCommand = std::function<int(const Door& door)>;
using Choose = std::function<void(SiteCommand command)>;
CLI::App* add_command(CLI::App& parent, const Choose& choose, const char* name, const char* help, const char* example, SiteCommand run);

// Commands of one kind, and the words that they are given: whatever the user says is there when one of them runs.
template <typename Words> class CommandGroup {
protected:
    CommandGroup(CLI::App& app, const Choose& choose) : app_(app), choose_(choose) {}

    CLI::App* command(CLI::App& parent, const char* name, const char* help, const char* example, SiteCommand run) { return add_command(parent, choose_, name, help, example, std::move(run)); }
    void add_output(CLI::App& to) { to.add_option("-o,--output", words_->file, "Write it there")->type_name("FILE"); }
    // The private key of an operator.
    void add_key(CLI::App& to) {
        to.add_option("--key", words_->key, "The private key, on P-256: [[access.operator]] has its public half")->type_name("FILE")->required()->check(CLI::ExistingFile);
        to.add_option("--passphrase-file", words_->passphrase, "Its passphrase, where it has one")->type_name("FILE")->check(CLI::ExistingFile);
    }

    CLI::App& app_;
    const Choose choose_;
    const std::shared_ptr<Words> words_ = std::make_shared<Words>();
};

} // namespace ashlar::ctl
