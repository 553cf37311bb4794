#include <backup/backup.hpp>

#include <base/error.hpp>
#include <base/random.hpp>
#include <delta/compression.hpp>
#include <signing/aead.hpp>
#include <signing/base64.hpp>
#include <signing/json_object.hpp>
#include <signing/sealing.hpp>
#include <tuf/metadata.hpp>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <utility>

#include <fmt/format.h>

namespace ashlar::backup {

namespace {

constexpr std::string_view restore_key_info = "ashlar restore 1", compression = "zstd";
constexpr std::size_t most_header = 4096, most_body = std::size_t{64} << 20U; // bytes, of the body before it is packed
constexpr int level = 9;

// Wiped when it goes: the keys of a site pass through it.
class Clear {
public:
    Clear() = default;
    explicit Clear(Bytes bytes) : bytes_(std::move(bytes)) {}
    Clear(const Clear&) = delete;
    Clear& operator=(const Clear&) = delete;
    ~Clear() { ::explicit_bzero(bytes_.data(), bytes_.size()); }

    [[nodiscard]] Bytes& bytes() noexcept { return bytes_; }
    [[nodiscard]] const Bytes& bytes() const noexcept { return bytes_; }

private:
    Bytes bytes_;
};

// ---- The two kinds -------------------------------------------------------------------------------

struct Kind {
    std::string_view words;
    std::string_view file; // what people call it
    std::size_t most;
    std::string_view smaller; // how it becomes so
};
constexpr Kind of_backup{"ashlar site backup", "backup", most_backup, "remove what else was put into the site's etcd: a site's own data are a small part of this even with 200 nodes"};
constexpr Kind of_restore{"ashlar site restore", "restore file", most_restore, "leave out what else was put into the site's etcd: --without /PREFIX/; a site's own data are a small part of this even with 200 nodes"};

Error refusal(const Kind& kind, std::string_view name, std::string_view cause, std::string hint = {}) { return Error(fmt::format("cannot open the {} '{}': {}", kind.file, name, cause), std::move(hint)); }

// ---- The body --------------------------------------------------------------------------------------

std::size_t size_of(const Content& content) {
    std::size_t size = 6 * 4 + content.genesis.size() + content.authority.text().size() + content.etcd_authority.text().size() + content.site_key.text().size();
    for (const auto& [formation, name, value] : content.secrets) size += 3 * 4 + formation.size() + name.size() + value.text().size();
    for (const auto& [key, value] : content.pairs) size += 2 * 4 + key.size() + value.size();
    return size;
}

class Writer {
public:
    explicit Writer(Bytes& to) : to_(to) {}
    void number(std::size_t number) { append_little_endian(to_, static_cast<std::uint32_t>(number)); }
    void field(std::string_view text) {
        number(text.size());
        append(to_, text);
    }

private:
    Bytes& to_;
};

Clear body_of(const Content& content) {
    Bytes bytes;
    bytes.reserve(size_of(content)); // it never moves, and leaves no copy
    Writer body(bytes);
    body.field(content.genesis);
    body.field(content.authority.text());
    body.field(content.etcd_authority.text());
    body.field(content.site_key.text());
    body.number(content.secrets.size());
    for (const auto& [formation, name, value] : content.secrets) {
        body.field(formation);
        body.field(name);
        body.field(value.text());
    }
    body.number(content.pairs.size());
    for (const auto& [key, value] : content.pairs) {
        body.field(key);
        body.field(value);
    }
    return Clear(std::move(bytes));
}

struct Malformed {};

class Reader {
public:
    explicit Reader(ByteView bytes) : left_(bytes) {}
    std::uint32_t number() {
        const auto number = little_endian_at<std::uint32_t>(left_, 0);
        if (!number) throw Malformed();
        left_ = left_.subspan(4);
        return *number;
    }
    std::string_view field() {
        const std::size_t size = number();
        if (size > left_.size()) throw Malformed();
        const auto text = text_of(left_.first(size));
        left_ = left_.subspan(size);
        return text;
    }
    Secret secret() {
        const auto text = field();
        if (text.empty() || text.size() > Secret::most) throw Malformed();
        return Secret(text);
    }
    void finish() const {
        if (!left_.empty()) throw Malformed();
    }

private:
    ByteView left_;
};

// Each key once, in order: one text for one content.
bool is_in_order(const Content& content) {
    const auto name = [](const FormationSecret& secret) { return std::pair<std::string_view, std::string_view>(secret.formation, secret.name); };
    return std::ranges::adjacent_find(content.pairs, [](const Pair& one, const Pair& next) { return one.key >= next.key; }) == content.pairs.end() &&
           std::ranges::adjacent_find(content.secrets, [&](const auto& one, const auto& next) { return name(one) >= name(next); }) == content.secrets.end();
}

Content content_in(ByteView bytes) {
    Reader body(bytes);
    std::string genesis(body.field());
    Secret authority = body.secret(), etcd_authority = body.secret(), site_key = body.secret();
    Content content{.genesis = std::move(genesis), .authority = std::move(authority), .etcd_authority = std::move(etcd_authority), .site_key = std::move(site_key), .secrets = {}, .pairs = {}};
    for (auto count = body.number(); count > 0; --count) {
        std::string formation(body.field()), name(body.field());
        content.secrets.push_back({std::move(formation), std::move(name), body.secret()});
    }
    for (auto count = body.number(); count > 0; --count) {
        std::string key(body.field()), value(body.field());
        content.pairs.push_back({std::move(key), std::move(value)});
    }
    body.finish();
    if (content.genesis.empty() || !is_in_order(content)) throw Malformed();
    return content;
}

// ---- The header ------------------------------------------------------------------------------------

Json json_of(const Kind& kind, const Header& header, std::size_t size) {
    return {{"format", 1},
            {"kind", kind.words},
            {"site", header.site.text()},
            {"name", header.name},
            {"genesis", header.genesis.text()},
            {"made", header.made.time_since_epoch().count()},
            {"holds", {{"nodes", header.holds.nodes}, {"secrets", header.holds.secrets}, {"pairs", header.holds.pairs}, {"audit", header.holds.audit}, {"audit_left_out", header.holds.audit_left_out}}},
            {"compression", compression},
            {"encryption", aead_algorithm},
            {"size", size}};
}

// What the first line says, and which bytes are the second.
struct Envelope {
    Header header;
    std::size_t size = 0; // of the body
    std::optional<Digest> recovery_key; // of a backup
    Bytes sealed_key;
    std::string_view line, body;
};

Holdings holdings_in(const Json& json, const JsonDocument& document) {
    JsonObject object(json, document, "'holds'");
    const Holdings holds{.nodes = object.number("nodes"), .secrets = object.number("secrets"), .pairs = object.number("pairs"), .audit = object.number("audit"), .audit_left_out = object.number("audit_left_out")};
    object.finish();
    return holds;
}

Envelope envelope_of(const Kind& kind, std::string_view text, std::string_view name) {
    const JsonDocument document{.kind = kind.file, .name = name, .remedy = "it was changed or cut off since it was made: take another copy"};
    if (text.size() > kind.most) throw document.refusal(fmt::format("it has more than {} bytes", kind.most));
    const auto end = text.find('\n');
    if (end == std::string_view::npos || end > most_header || !text.ends_with('\n')) throw document.refusal("it is not two lines, a header and a body");
    const std::string_view line = text.substr(0, end);
    const std::string_view body = text.substr(end + 1, text.size() - end - 1 - (text.size() > end + 1 ? 1 : 0));
    if (body.empty() || body.find('\n') != std::string_view::npos) throw document.refusal("it is not two lines, a header and a body");
    const Json json = parse_strict_json(line, name);
    if (tuf::canonical_json(json) != line) throw document.refusal("its header is not in the one form that it may have");
    JsonObject object(json, document, "the header");
    object.expect("kind", kind.words);
    object.expect("format", 1);
    object.expect("compression", compression);
    object.expect("encryption", aead_algorithm);
    Envelope envelope{.header = {.site = object.id<SiteId>("site"), .name = object.text("name"), .genesis = object.id<GenesisId>("genesis"), .made = Time(std::chrono::seconds(object.number("made"))), .holds = holdings_in(object.at("holds"), document)},
                      .size = object.number("size"),
                      .recovery_key = std::nullopt,
                      .sealed_key = {},
                      .line = line,
                      .body = body};
    if (&kind == &of_backup) {
        object.expect("sealing", sealing_algorithm);
        envelope.recovery_key = object.digest("recovery_key");
        envelope.sealed_key = object.bytes("sealed_key");
    }
    object.finish();
    if (envelope.size > most_body) throw document.refusal("it says that it holds more than any may");
    return envelope;
}

// ---- Both ways -------------------------------------------------------------------------------------

void require_order(const Content& content) {
    if (!is_in_order(content)) throw Error("cannot write a backup: what it is to hold is not in order");
    if (size_of(content) > most_body) throw Error("cannot write a backup: there is more in the site's etcd than a backup may hold");
}

std::string written(const Kind& kind, const Json& header, const Secret& key, const Clear& body) {
    const std::string line = tuf::canonical_json(header);
    const Clear packed(delta::Compressor(level).pack(body.bytes()));
    std::string text = fmt::format("{}\n{}\n", line, base64(encrypt(key, bytes_of(line), packed.bytes())));
    if (text.size() > kind.most) throw Error(fmt::format("cannot write the {}: it has {} bytes, at most {} are possible", kind.file, text.size(), kind.most), std::string(kind.smaller));
    return text;
}

Content opened(const Kind& kind, const Envelope& envelope, const Secret& key, std::string_view name) {
    const auto damaged = [&] { return refusal(kind, name, "it was changed or damaged since it was made", "take another copy"); };
    const auto sealed = from_base64(envelope.body, kind.most);
    if (!sealed || base64(*sealed) != envelope.body) throw damaged();
    auto plain = decrypt(key, bytes_of(envelope.line), *sealed);
    if (!plain) throw damaged();
    const Clear packed(std::move(*plain));
    Clear body{Bytes(envelope.size)};
    if (!delta::Decompressor().unpack(packed.bytes(), {}, body.bytes()).empty()) throw refusal(kind, name, "its body is not in the form of this release");
    try {
        return content_in(body.bytes());
    } catch (const Malformed&) {
        throw refusal(kind, name, "its body is not in the form of this release");
    }
}

Secret random_key() {
    std::array<std::byte, aead_key_size> bytes{};
    fill_with_random(bytes);
    Secret key(text_of(bytes));
    ::explicit_bzero(bytes.data(), bytes.size());
    return key;
}

Secret restore_key(const site::SiteKey& key) { return key.derive(restore_key_info, aead_key_size); }

} // namespace

std::string write_backup(const Header& header, const Content& content, const PublicKey& recovery) {
    require_order(content);
    const Secret key = random_key();
    const Clear body = body_of(content);
    Json json = json_of(of_backup, header, body.bytes().size());
    json["sealing"] = sealing_algorithm;
    json["recovery_key"] = recovery.fingerprint().hex();
    json["sealed_key"] = base64(seal(recovery, bytes_of(key.text())));
    return written(of_backup, json, key, body);
}

BackupHeader read_backup_header(std::string_view text, std::string_view name) {
    const auto envelope = envelope_of(of_backup, text, name);
    return {envelope.header, *envelope.recovery_key};
}

Content open_backup(std::string_view text, std::string_view name, const OpeningKey& recovery) {
    const auto envelope = envelope_of(of_backup, text, name);
    const Digest own = recovery.public_key().fingerprint();
    if (own != *envelope.recovery_key)
        throw refusal(of_backup, name, fmt::format("it is sealed to the recovery key {}, and this one is {}", envelope.recovery_key->hex(), own.hex()), "a backup opens with the recovery key that the site had on its day");
    const auto key = recovery.open(envelope.sealed_key);
    if (!key || key->text().size() != aead_key_size) throw refusal(of_backup, name, "it was changed or damaged since it was made", "take another copy");
    return opened(of_backup, envelope, *key, name);
}

std::string write_restore(const Header& header, const Content& content, const site::SiteKey& key) {
    require_order(content);
    const Clear body = body_of(content);
    return written(of_restore, json_of(of_restore, header, body.bytes().size()), restore_key(key), body);
}

Header read_restore_header(std::string_view text, std::string_view name) { return envelope_of(of_restore, text, name).header; }

Content open_restore(std::string_view text, std::string_view name, const site::SiteKey& key) {
    const auto envelope = envelope_of(of_restore, text, name);
    if (envelope.header.site != key.site()) throw refusal(of_restore, name, fmt::format("it is of site {}, and the site key is of {}", envelope.header.site.text(), key.site().text()));
    return opened(of_restore, envelope, restore_key(key), name);
}

} // namespace ashlar::backup
