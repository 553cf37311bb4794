#include "site.hpp"

#include <ctl/text.hpp>

#include <base/error.hpp>
#include <base/file.hpp>
#include <certificates/authority.hpp>
#include <signing/base64.hpp>

#include <algorithm>
#include <array>
#include <iostream>
#include <iterator>
#include <memory>

#include <fmt/format.h>

namespace ashlar::ctl {

namespace {

constexpr std::string_view request_begin = "-----BEGIN CERTIFICATE REQUEST-----", request_end = "-----END CERTIFICATE REQUEST-----";
constexpr const char* how_to_request = "`ashlarctl operator request --key FILE` makes one";
constexpr std::size_t most_request = 16384; // characters

std::string request_pem(ByteView der) {
    const std::string text = base64(der);
    std::string pem = std::string(request_begin) + "\n";
    for (std::size_t at = 0; at < text.size(); at += 64) pem += text.substr(at, 64) + "\n";
    return pem + std::string(request_end) + "\n";
}

std::string all_of(const std::string& file) { return file == "-" ? std::string(std::istreambuf_iterator<char>(std::cin), {}) : read_file(file); }

// Base64, of a request in PEM.
std::string request_in(const std::string& file) {
    const std::string text = all_of(file);
    const auto begin = text.find(request_begin), end = text.find(request_end);
    if (text.size() > most_request || begin == std::string::npos || end == std::string::npos || end < begin) throw Error(fmt::format("cannot use '{}': it is no certificate request in PEM", file), how_to_request);
    std::string inside = text.substr(begin + request_begin.size(), end - begin - request_begin.size());
    std::erase_if(inside, [](char c) { return c == '\n' || c == '\r'; });
    const auto der = from_base64(inside);
    const auto key = der ? certificates::check_request(*der) : certificates::Refusal{certificates::Fault::malformed, "it is not base64"};
    if (const auto* const refusal = std::get_if<certificates::Refusal>(&key)) throw Error(fmt::format("cannot use the request '{}': {}", file, refusal->text), how_to_request);
    return inside;
}

// What takes two persons, and what each is about.
struct TakesTwo {
    const char* ask;
    const char* about; // empty: a site's directory
};
constexpr std::array<TakesTwo, 2> all_that_take_two{{{"plan.apply", ""}, {"node.wipe", "name"}}};

std::vector<std::string> names_of_them() {
    std::vector<std::string> names;
    for (const auto& one : all_that_take_two) names.emplace_back(one.ask);
    return names;
}

Json parameters_of(const std::string& ask, const std::string& about) {
    const auto* const known = std::ranges::find(all_that_take_two, std::string_view(ask), [](const TakesTwo& one) { return std::string_view(one.ask); });
    return *known->about == '\0' ? Json{{"files", plan_files(about)}} : Json{{known->about, about}};
}

struct Words {
    std::string key, passphrase, request, file, what, about, proposal;
};

class Commands : CommandGroup<Words> {
public:
    Commands(CLI::App& app, const Choose& choose) : CommandGroup(app, choose) {}

    void add() {
        add_certificates();
        add_proposals();
    }

private:
    void add_certificates() {
        auto* person = app_.add_subcommand("operator", "Certificates of those who may give the site orders");
        person->require_subcommand(1);
        auto* request = command(*person, "request", "A request for a certificate, from one's own key, which stays where it is", "ashlarctl operator request --key anna.key -o anna.csr", [words = words_](const Door& door) {
            const std::string pem = request_pem(certificates::make_request(operator_key(words->key, words->passphrase)));
            return keep_pem(door, words->file, {{"request", pem}}, pem);
        });
        add_key(*request);
        add_output(*request);
        auto* certificate = command(*person, "certificate", "The certificate for a request: on any node of the site, which passes it on to the voters, or from afar while the last one holds", "ssh root@10.0.0.14 ashlarctl operator certificate - < anna.csr > anna.pem\n  ashlarctl operator certificate anna.csr -o next.pem --voter 10.0.0.11 …", [words = words_](const Door& door) {
            const Json wanted{{"request", request_in(words->request)}};
            const Json answer = door.is_afar() ? ask_voters(door, "operator.certificate", wanted) : answer_of("operator.certificate", ask_node(door, "OperatorCertificate", wanted));
            const auto der = from_base64(answer.at("certificate").get<std::string>());
            if (!der) throw Error("cannot read the certificate: the voters answer with none");
            return keep_pem(door, words->file, answer, certificates::SiteCertificate::from_der(*der, "own").pem());
        });
        certificate->add_option("REQUEST", words_->request, "As `ashlarctl operator request` makes it; '-' for standard input")->required();
        add_output(*certificate);
    }

    void add_proposals() {
        auto* proposal = app_.add_subcommand("proposal", "What takes two persons: one proposes, another one agrees");
        proposal->require_subcommand(1);
        auto* make = command(*proposal, "make", "Propose it; another one who is approver has a day to agree",
                             "ashlarctl proposal make plan.apply berlin-1/\n  ashlarctl proposal make node.wipe n05", [words = words_](const Door& door) {
                                 return show(door, ask_voters(door, "proposal.make", {{"what", words->what}, {"parameters", parameters_of(words->what, words->about)}}), proposed_text);
                             });
        make->add_option("WHAT", words_->what, "What is to be done")->required()->check(CLI::IsMember(names_of_them()));
        make->add_option("ABOUT", words_->about, "A node's name; of plan.apply the directory of the site")->required();
        command(*proposal, "list", "What waits for a second person", "ashlarctl proposal list", [](const Door& door) { return show(door, ask_voters(door, "proposal.list"), proposals_text); });
        about(*command(*proposal, "show", "All that would be done", "ashlarctl proposal show 3f0c…", [words = words_](const Door& door) {
            return show(door, ask_voters(door, "proposal.show", {{"proposal", words->proposal}}), proposal_text);
        }));
        about(*command(*proposal, "agree", "Agree to it: it is done at once", "ashlarctl proposal show 3f0c… && ashlarctl proposal agree 3f0c…", [words = words_](const Door& door) {
            return show(door, ask_voters(door, "proposal.agree", {{"proposal", words->proposal}}), [](const Json&) { return std::string("agreed, and done\n"); });
        }));
        about(*command(*proposal, "withdraw", "Take it back; any admin may", "ashlarctl proposal withdraw 3f0c…", [words = words_](const Door& door) {
            return show(door, ask_voters(door, "proposal.withdraw", {{"proposal", words->proposal}}), [](const Json&) { return std::string("withdrawn\n"); });
        }));
    }

    void about(CLI::App& command) { command.add_option("PROPOSAL", words_->proposal, "Its id, as `ashlarctl proposal list` shows it")->required(); }
};

} // namespace

void add_operator_commands(CLI::App& app, const Choose& choose) { Commands(app, choose).add(); }

} // namespace ashlar::ctl
