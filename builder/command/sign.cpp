#include "open_key.hpp"
#include "options.hpp"
#include "terminal.hpp"

#include <base/error.hpp>
#include <base/file.hpp>
#include <base/json.hpp>
#include <base/text.hpp>
#include <requests/request.hpp>

#include <algorithm>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace ashlar::command {

namespace fs = std::filesystem;
using requests::Holder;
using requests::SigningRequest;

namespace {

struct SignOptions {
    std::vector<fs::path> places;
    std::vector<std::string> keys; // files or URIs
    KeySecrets secrets;
    enum class Confirmation { asked, given } confirmation = Confirmation::asked;
    enum class Mode { sign, list } mode = Mode::sign;
};

// A request as it lies there.
struct Waiting {
    fs::path path;
    std::string text;
    SigningRequest request;
};

std::vector<Waiting> read_requests(const std::vector<fs::path>& places) {
    std::vector<Waiting> found;
    for (const fs::path& place : places)
        for (const fs::path& path : requests::request_files(place)) {
            (void)requests::answer_path(path); // its name is checked before anything is signed
            std::string text = requests::read_request(path);
            SigningRequest request = requests::parse_request(text, path.native());
            found.push_back({path, std::move(text), std::move(request)});
        }
    return found;
}

// ---- Keys --------------------------------------------------------------------------------------

struct OpenKey {
    std::string name; // as it was given
    Holder holder;
    requests::PublicHalf half;
};

std::vector<OpenKey> open_keys(const SignOptions& options) {
    std::vector<OpenKey> keys;
    for (const std::string& name : options.keys) {
        Holder holder = open_key(name, options.secrets);
        auto half = requests::public_half(holder);
        keys.push_back({name, std::move(holder), std::move(half)});
    }
    return keys;
}

// ---- Who waits for whom ------------------------------------------------------------------------

enum class Fate { signed_now, signed_before, declined, other_key };

// What has an answer that is right needs no other.
bool is_answered(const Waiting& waiting, const requests::PublicHalf& key) {
    const fs::path answer = requests::answer_path(waiting.path);
    if (!fs::exists(answer)) return false;
    try {
        (void)requests::check_answer(requests::read_answer(answer), waiting.text, key, answer.native());
        return true;
    } catch (const Error&) {
        return false;
    }
}

// The same without the key, which a list does not have.
bool has_answer(const Waiting& waiting) {
    const fs::path path = requests::answer_path(waiting.path);
    if (!fs::exists(path)) return false;
    try {
        const auto answer = requests::parse_answer(requests::read_answer(path), path.native());
        return answer.request == sha256(waiting.text) && answer.key == waiting.request.key;
    } catch (const Error&) {
        return false;
    }
}

// PCR policies of one UKI: of one key, and called the same. Nobody can read more than digests of them, so they are shown together
// and the question is one.
using Group = std::vector<const Waiting*>;

bool belong_together(const Waiting& one, const Waiting& other) {
    return one.request.kind == requests::Kind::pcr_policy && other.request.kind == requests::Kind::pcr_policy && one.request.key == other.request.key &&
           one.request.subject == other.request.subject && one.path.parent_path() == other.path.parent_path();
}

std::vector<Group> groups_of(const std::vector<Waiting>& all) {
    std::vector<Group> groups;
    for (const Waiting& one : all) {
        if (groups.empty() || !belong_together(*groups.back().front(), one)) groups.emplace_back();
        groups.back().push_back(&one);
    }
    return groups;
}

using ByKey = std::map<std::string, std::vector<const Waiting*>>; // "train-R1 (ed25519, 0f3c…)", sorted

std::string name_of_key(const SigningRequest& request) { return fmt::format("{} ({}, {})", request.role, request.scheme, request.key.hex()); }

Json json_of(const Waiting& waiting) {
    return {{"request", waiting.path.native()}, {"kind", requests::name_of(waiting.request.kind)}, {"subject", waiting.request.subject}, {"role", waiting.request.role},
            {"scheme", waiting.request.scheme}, {"key", waiting.request.key.hex()}, {"says", requests::describe(waiting.request)}};
}

std::string and_more(const Group& group) { return group.size() == 1 ? "" : fmt::format(" and {} more", group.size() - 1); }

std::string state_of(const Group& group) {
    const auto answered = static_cast<std::size_t>(std::ranges::count_if(group, [](const Waiting* one) { return has_answer(*one); }));
    if (answered == 0) return "";
    return answered == group.size() ? " (answered)" : fmt::format(" ({} answered)", answered);
}

int list(const Context& context, const std::vector<Waiting>& all) {
    if (context.json()) {
        Json entries = Json::array();
        for (const Waiting& one : all) {
            entries.push_back(json_of(one));
            entries.back()["answered"] = has_answer(one);
        }
        fmt::print("{}", pretty(Json{{"requests", entries}}));
        return 0;
    }
    std::map<std::string, std::vector<Group>> by_key;
    for (Group& group : groups_of(all)) by_key[name_of_key(group.front()->request)].push_back(std::move(group));
    for (const auto& [key, groups] : by_key) {
        fmt::print("{}\n", key);
        for (const Group& group : groups) fmt::print("  {}{}: {}{}\n", group.front()->path.native(), and_more(group), group.front()->request.subject, state_of(group));
    }
    if (all.empty()) fmt::print("there are no requests\n");
    return 0;
}

// ---- Signing -----------------------------------------------------------------------------------

// `subject` is what the one who asks says; the lines below it are read from the messages.
std::string shown(const Group& group) {
    std::string text;
    std::vector<std::string> lines;
    for (const Waiting* one : group) {
        text += one->path.native() + "\n";
        for (std::string& line : requests::describe(one->request))
            if (std::ranges::find(lines, line) == lines.end()) lines.push_back(std::move(line));
    }
    const SigningRequest& first = group.front()->request;
    text += fmt::format("  {} for the key {}, called \"{}\"\n", requests::name_of(first.kind), name_of_key(first), first.subject);
    for (const std::string& line : lines) text += fmt::format("  | {}\n", line);
    return text;
}

class Signing {
public:
    Signing(const Context& context, const SignOptions& options) : context_(context) {
        if (options.confirmation == SignOptions::Confirmation::given) return;
        terminal_ = Terminal::open();
        if (!terminal_) throw Error("cannot ask before signing: there is no terminal", "--yes signs everything that these keys can answer");
    }

    void take(const Group& group, const std::vector<OpenKey>& keys) {
        const auto key = std::ranges::find(keys, group.front()->request.key, [](const OpenKey& one) { return requests::fingerprint(one.half); });
        if (key == keys.end()) {
            for (const Waiting* one : group) note(*one, Fate::other_key);
            return;
        }
        Group open;
        for (const Waiting* one : group)
            if (!is_answered(*one, key->half)) open.push_back(one);
        const bool agreed = open.empty() || is_agreed(open);
        for (const Waiting* one : group) {
            if (std::ranges::find(open, one) == open.end()) note(*one, Fate::signed_before);
            else note(*one, agreed ? sign(*key, *one) : Fate::declined);
        }
    }

    // The exit code.
    int finish() const {
        const auto count = [&](Fate fate) { return counts_.contains(fate) ? counts_.at(fate) : 0; };
        const bool nothing = count(Fate::signed_now) + count(Fate::signed_before) + count(Fate::declined) == 0;
        if (context_.json()) {
            fmt::print("{}", pretty(Json{{"requests", entries_}}));
        } else {
            if (nothing) fmt::print("nothing here is for these keys\n");
            else fmt::print("{} signed{}{}\n", count(Fate::signed_now), counted(count(Fate::signed_before), "signed before"), counted(count(Fate::declined), "declined"));
            for (const auto& [key, waiting] : others_) fmt::print("{} for another key: {}\n", waiting.size(), key);
        }
        return nothing || count(Fate::declined) > 0 ? 1 : 0;
    }

private:
    static std::string counted(int count, std::string_view what) { return count == 0 ? "" : fmt::format(", {} {}", count, what); }
    static const char* word(Fate fate) {
        switch (fate) {
        case Fate::signed_now: return "signed";
        case Fate::signed_before: return "signed-before";
        case Fate::declined: return "declined";
        case Fate::other_key: break;
        }
        return "other-key";
    }

    void note(const Waiting& waiting, Fate fate) {
        ++counts_[fate];
        if (fate == Fate::other_key) others_[name_of_key(waiting.request)].push_back(&waiting);
        if (!context_.json()) return;
        Json entry = json_of(waiting);
        entry["fate"] = word(fate);
        if (fate == Fate::signed_now || fate == Fate::signed_before) entry["answer"] = requests::answer_path(waiting.path).native();
        entries_.push_back(std::move(entry));
    }

    bool is_agreed(const Group& group) const {
        say(shown(group));
        return !terminal_ || terminal_->ask(group.size() == 1 ? "  sign this? [y/N] " : fmt::format("  sign these {}? [y/N] ", group.size()));
    }

    Fate sign(const OpenKey& key, const Waiting& waiting) const {
        const auto answer = requests::make_answer(waiting.text, key.holder, waiting.path.native());
        const fs::path path = requests::answer_path(waiting.path);
        write_file(path, requests::text_of(answer), 0644, Durability::synced);
        say(fmt::format("  signed: {}\n", path.native()));
        return Fate::signed_now;
    }

    // Before the question, so nothing may wait in a buffer; where answers are JSON, people read the other stream.
    void say(const std::string& text) const {
        std::FILE* const stream = context_.json() ? stderr : stdout;
        if (context_.json() && !terminal_) return;
        fmt::print(stream, "{}", text);
        std::fflush(stream);
    }

    const Context& context_;
    std::optional<Terminal> terminal_;
    std::map<Fate, int> counts_;
    ByKey others_;
    Json entries_ = Json::array();
};

int sign(Context& context, const SignOptions& options) {
    const std::vector<Waiting> all = read_requests(options.places);
    if (options.mode == SignOptions::Mode::list) return list(context, all);
    if (options.keys.empty()) throw Error("cannot sign: no key is named", "--key names a file or a pkcs11: URI; --list says which keys are wanted");
    Signing signing(context, options);
    const std::vector<OpenKey> keys = open_keys(options);
    for (const Group& group : groups_of(all)) signing.take(group, keys);
    return signing.finish();
}

} // namespace

void add_sign(CLI::App& app, const Choose& choose) {
    auto* command = app.add_subcommand("sign", "Answer signing requests by a key in a file or a token");
    command->footer("examples:\n  ashlar sign --list requests                            which keys are wanted\n"
                    "  ashlar sign requests --key /media/safe/train-R1.key\n"
                    "  ashlar sign requests --key 'pkcs11:token=ashlar;object=root' --pin-file /run/pin --yes\n"
                    "exit code 1: there was nothing for these keys, or something was declined");
    auto options = std::make_shared<SignOptions>();
    command->add_option("REQUESTS", options->places, "Directories with requests, or requests (*.request.json)")->required();
    command->add_option("--key", options->keys, "A private key in PEM form, or the PKCS #11 URI of one; may be given again")->type_name("FILE")->allow_extra_args(false);
    add_secrets(*command, options->secrets);
    auto* yes = command->add_flag_callback("--yes", [options] { options->confirmation = SignOptions::Confirmation::given; }, "Sign without asking");
    command->add_flag_callback("--list", [options] { options->mode = SignOptions::Mode::list; }, "Sign nothing: say what waits for which key")->excludes(yes);
    command->callback([=] { choose({Place::plain, [options](Context& context) { return sign(context, *options); }}); });
}

} // namespace ashlar::command
