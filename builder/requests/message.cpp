#include "message.hpp"

#include <base/error.hpp>
#include <base/text.hpp>
#include <confirmation/confirmation.hpp>
#include <signing/authenticode.hpp>
#include <signing/uefi_variables.hpp>

#include <ctime>

#include <fmt/chrono.h>
#include <fmt/format.h>

namespace ashlar::requests {

namespace {

std::vector<std::string> read_authenticode_message(ByteView message) {
    const auto content = content_of_authenticode_message(message);
    if (!content) throw Error("its message is not what Authenticode signs");
    return {"an EFI program that firmware will start", fmt::format("digest of its SpcIndirectDataContent: {}", content->hex())};
}

std::vector<std::string> read_policy(ByteView message) {
    if (message.size() != Digest::size) throw Error("its message is not a TPM policy digest of 32 bytes");
    return {"a state of the TPM in which it releases the secrets of a node", fmt::format("policy digest: {}", to_hex(message))};
}

std::string text_of_time(Time time) { return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(static_cast<std::time_t>(time.time_since_epoch().count()))); }

std::vector<std::string> read_variable(ByteView message) {
    const VariableUpdate update = parse_variable_message(message, "message");
    const SignatureDatabase database = parse_signature_lists(update.lists, "message");
    std::vector<std::string> lines{fmt::format("{} {}, time {}", update.write == VariableWrite::append ? "adds to" : "replaces", name_of(update.variable), text_of_time(update.time))};
    for (const auto& one : database.certificates) lines.push_back(fmt::format("certificate {} (SHA-256 {})", printable(one.certificate.subject()), one.certificate.fingerprint().hex()));
    for (const auto& one : database.hashes) lines.push_back(fmt::format("image {}", one.hash.hex()));
    if (lines.size() == 1) lines.emplace_back("with nothing");
    return lines;
}

// It names the key that is to sign it.
std::vector<std::string> read_confirmation(const SigningRequest& request) {
    const auto confirmation = [&] {
        try {
            return confirmation::read_message(ashlar::text_of(request.message), "message");
        } catch (const Error&) {
            throw Error("its message is not a confirmation of a release");
        }
    }();
    if (confirmation::key_id(confirmation.key) != request.key || name_of(confirmation.key.scheme()) != request.scheme) throw Error("its message is a confirmation by another key");
    return confirmation::describe(confirmation);
}

} // namespace

std::string printable(std::string_view text) {
    constexpr std::size_t most = 200;
    std::string shown;
    for (const char c : text.substr(0, most)) {
        if (c >= ' ' && c <= '~' && c != '\\') shown += c;
        else shown += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    }
    return text.size() > most ? shown + " ..." : shown;
}

std::vector<std::string> read_message(const SigningRequest& request) {
    const ByteView message = request.message;
    switch (request.kind) {
    case Kind::metadata: return read_metadata(ashlar::text_of(message));
    case Kind::authenticode: return read_authenticode_message(message);
    case Kind::pcr_policy: return read_policy(message);
    case Kind::confirmation: return read_confirmation(request);
    case Kind::uefi_variable: break;
    }
    try {
        return read_variable(message);
    } catch (const Error&) {
        throw Error("its message is not an update of PK, KEK, db or dbx");
    }
}

} // namespace ashlar::requests
