#include "office.hpp"
#include "open_key.hpp"
#include "options.hpp"

#include <authority/policy.hpp>
#include <base/error.hpp>
#include <base/file.hpp>
#include <base/json.hpp>
#include <confirmation/confirmation.hpp>
#include <releases/rebuild.hpp>
#include <requests/request.hpp>

#include <algorithm>
#include <optional>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace ashlar::command {

namespace fs = std::filesystem;

namespace {

struct RebuildOptions {
    std::string release, key;
    std::vector<std::string> roles;
    fs::path repository, root, request_for, to = ".";
    KeySecrets secrets;
};

// Who is to say that the bytes are the same: a key that is here, or the public half of one that is elsewhere.
struct Witness {
    std::optional<VerifyingKey> key;             // nothing: nobody says anything
    std::shared_ptr<const MessageSigner> signer; // null: it is asked by a request
};

// Before anything is built.
Witness witness_of(const RebuildOptions& options) {
    if (options.key.empty()) return {.key = options.request_for.empty() ? std::nullopt : std::optional(authority::read_public_key(options.request_for)), .signer = nullptr};
    const auto holder = open_key(options.key, options.secrets);
    const auto* signer = std::get_if<std::shared_ptr<const MessageSigner>>(&holder);
    if (signer == nullptr || (*signer)->verifying_key().scheme() == SignatureScheme::rsa_pss)
        throw Error(fmt::format("cannot confirm a release by the key '{}': it is an RSA key", options.key), "name an Ed25519, P-256 or P-384 key: `openssl genpkey -algorithm ed25519 -aes256 -out rebuilder.key`");
    return {.key = (*signer)->verifying_key(), .signer = *signer};
}

// Never the repository's own: it may be a copy of anybody's.
std::string root_of(const RebuildOptions& options) {
    if (!options.root.empty()) return read_file(options.root);
    throw Error(fmt::format("cannot rebuild {}: no root is trusted", options.release), "give the one that you were handed: --root FILE; a mirror of yours keeps the one that it trusts in trusted/root.json");
}

// ---- What is said of it --------------------------------------------------------------------------

std::string digest_text(const Digest& digest) { return "sha256:" + digest.hex(); }

Json json_of(const releases::Rebuilt& one) {
    Json differences = Json::array();
    for (const auto& each : one.differences) differences.push_back({{"what", each.what}, {"package", each.package}, {"cause", each.cause}});
    return {{"role", one.role}, {"architecture", one.architecture}, {"root_hash", digest_text(one.root_hash)}, {"same", one.differences.empty()}, {"differences", differences}};
}

void print(const releases::Rebuilt& one) {
    fmt::print("{}: built again, {}\n", one.role, one.differences.empty() ? "the same bytes; root hash " + one.root_hash.hex() : "not the same");
    for (const auto& each : one.differences) fmt::print("{}{}: {}\n", each.what, each.package.empty() ? "" : fmt::format(" (package {})", each.package), each.cause);
}

// The file that was written: a confirmation, or a request for its signature.
fs::path write_word(const confirmation::Confirmation& said, const Witness& witness, const RebuildOptions& options) {
    const std::string message = confirmation::message_of(said);
    const fs::path file = (options.to / fmt::format("{}.confirmation{}.json", options.release, witness.signer ? "" : ".request")).lexically_normal();
    const ByteView bytes = bytes_of(message);
    write_file(file,
               witness.signer ? confirmation::text_of(said, witness.signer->sign(bytes))
                              : requests::text_of(requests::make_request(requests::Kind::confirmation, fmt::format("release {} was built again", options.release), said.key, "rebuilder", {bytes.begin(), bytes.end()})),
               0644, Durability::synced);
    return file;
}

std::string next_step(const Witness& witness, const fs::path& file) {
    if (witness.signer) return fmt::format("{}: send it to whoever cut the release; `ashlar release confirm` takes it\n", file.native());
    return fmt::format("{}: `ashlar sign` where the key is; `ashlar release confirm` takes it with its answer\n", file.native());
}

int rebuild(Context& context, const RebuildOptions& options) {
    const ReleaseVersion version = version_of(options.release);
    const Witness witness = witness_of(options);
    if (witness.key && !options.roles.empty()) throw Error(fmt::format("cannot confirm {}: --role leaves images out", options.release), "a confirmation is of the whole release: without --role, or without a key");
    const fs::path repository = options.repository.empty() ? context.options().releases / "repository" : options.repository;
    const releases::PublishedRelease published(repository, root_of(options), version, now());
    std::vector<std::string> roles = options.roles;
    if (roles.empty())
        for (const auto& image : published.document().images) roles.push_back(image.role);
    const auto all = releases::rebuild(context.for_release(options.release).workshop(), published, roles);
    const bool same = std::ranges::all_of(all, [](const releases::Rebuilt& one) { return one.differences.empty(); });
    std::optional<fs::path> file;
    if (same && witness.key) file = write_word(releases::confirmation_for(published, *witness.key, now()), witness, options);
    if (context.json()) {
        Json json{{"release", options.release}, {"same", same}, {"images", Json::array()}};
        for (const auto& one : all) json["images"].push_back(json_of(one));
        if (file) json[witness.signer ? "confirmation" : "request"] = file->native();
        fmt::print("{}", pretty(json));
        return same ? 0 : 1;
    }
    for (const auto& one : all) print(one);
    fmt::print("not compared: disk images, which are not published; streams and deltas, which nodes hold against the root hash\n");
    if (file) fmt::print("{}", next_step(witness, *file));
    return same ? 0 : 1;
}

} // namespace

void add_rebuild(CLI::App& app, const Choose& choose) {
    auto* command = app.add_subcommand("rebuild", "Build a published release again, with none of its keys, compare, and confirm it (exit code 1: it differs)");
    command->footer("examples:\n  ashlar rebuild R1.0 --repository /srv/mirror --root root.json --key rebuilder.key     in a checkout of the release's recipes and source\n"
                    "  ashlar rebuild R1.0 --repository /srv/mirror --root root.json --role base     compares one image, and confirms nothing\n"
                    "  ashlar rebuild R1.0 --repository /srv/mirror --root root.json --request rebuilder.pub     a request: the key is elsewhere");
    auto options = std::make_shared<RebuildOptions>();
    command->add_option("RELEASE", options->release, "R1.0")->required();
    command->add_option("--repository", options->repository, "A copy of what is published: a mirror (default: that of --releases)")->type_name("DIR");
    command->add_option("--root", options->root, "The root that is trusted: the one that you were handed on another way than the repository")->type_name("FILE");
    command->add_option("--role", options->roles, "This image only; may be given again (default: all)")->type_name("ROLE")->allow_extra_args(false);
    auto* key = command->add_option("--key", options->key, "Who confirms: a private key in PEM form, or the PKCS #11 URI of one")->type_name("FILE");
    command->add_option("--request", options->request_for, "Write a signing request for the key with this public half")->type_name("FILE")->excludes(key);
    add_secrets(*command, options->secrets);
    command->add_option("--to", options->to, "Where the confirmation or the request goes")->type_name("DIR")->capture_default_str();
    command->callback([=] { choose({Place::contained, [options](Context& context) { return rebuild(context, *options); }}); });
}

} // namespace ashlar::command
