#include <authority/policy.hpp>

#include <base/error.hpp>
#include <base/file.hpp>
#include <base/text.hpp>
#include <toml/reader.hpp>

#include <algorithm>

#include <fmt/format.h>

namespace ashlar::authority {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view policy_file = "trust.toml";
constexpr std::int64_t most_days = 20 * 366;

// How long what a role signs is good for, unless its owner says otherwise: docs/formats/trust.md.
std::chrono::days usual_lifetime(std::string_view role) {
    if (role == "root") return std::chrono::days(730);
    if (role == "bundle") return std::chrono::days(180);
    if (role == "snapshot") return std::chrono::days(7);
    if (role == "timestamp") return std::chrono::days(1);
    if (role == rebuilders) return std::chrono::days(0);
    return std::chrono::days(365);
}

bool is_word(std::string_view text) {
    const auto allowed = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.'; };
    return !text.empty() && text.size() <= 64 && text.front() != '-' && text.front() != '.' && std::ranges::all_of(text, allowed);
}

bool is_role(std::string_view name) { return std::ranges::find(top_roles, name) != top_roles.end() || is_delegated(name) || name == rebuilders; }
constexpr std::string_view role_names = "roles are root, targets, snapshot, timestamp, bundle, train-<train>, site-<site> and rebuilders";

fs::path public_file(const fs::path& directory, std::string_view key) { return directory / (std::string(key) + ".pub"); }

// The file has no scheme beside the key: it is the key's only one.
std::optional<VerifyingKey> read_key(const fs::path& file) {
    if (!fs::exists(file)) return std::nullopt;
    const std::string pem = read_file(file);
    for (const auto scheme : {SignatureScheme::ed25519, SignatureScheme::ecdsa_p256, SignatureScheme::ecdsa_p384}) {
        try {
            return VerifyingKey::from_pem(pem, scheme, file.native());
        } catch (const Error&) { // of another scheme
        }
    }
    return std::nullopt;
}

class PolicyReader {
public:
    PolicyReader(toml::Table& root, const fs::path& directory) : root_(root), directory_(directory) {}

    std::vector<RolePolicy> roles() {
        for (toml::Table* table : root_.tables("role")) roles_.push_back(role(*table));
        for (const auto name : top_roles)
            if (std::ranges::find(roles_, name, &RolePolicy::name) == roles_.end())
                root_.problem(root_.position(), fmt::format("there is no role '{}'", name), fmt::format("`ashlar key new {}` makes it", name));
        return std::move(roles_);
    }
    std::map<std::string, VerifyingKey> keys() { return std::move(keys_); }

private:
    RolePolicy role(toml::Table& table) {
        RolePolicy role{.position = table.position()};
        if (const auto name = table.required_text("name")) take_name(table, role, *name);
        for (const auto& key : table.required_texts("keys")) take_key(table, role, key);
        role.threshold = static_cast<unsigned>(number(table, "threshold", 1, static_cast<std::int64_t>(std::max<std::size_t>(role.keys.size(), 1)), 1));
        role.lifetime = lifetime(table, role.name);
        return role;
    }

    static std::chrono::days lifetime(toml::Table& table, std::string_view role) {
        if (role != rebuilders) return std::chrono::days(number(table, "days", 1, most_days, usual_lifetime(role).count()));
        if (const auto days = table.integer("days")) table.problem(days->position, "what rebuilders sign has no end", "leave it out");
        return usual_lifetime(role);
    }

    void take_name(toml::Table& table, RolePolicy& role, const toml::Text& name) {
        role.name = name.value;
        role.position = name.position;
        if (!is_role(name.value))
            table.problem(name.position, fmt::format("{} is not a role", toml::quote(name.value)), std::string(role_names));
        if (std::ranges::find(roles_, name.value, &RolePolicy::name) != roles_.end()) table.problem(name.position, fmt::format("the role '{}' is there twice", name.value));
    }

    void take_key(toml::Table& table, RolePolicy& role, const toml::Text& key) {
        if (!is_word(key.value)) return table.problem(key.position, fmt::format("{} is not the name of a key", toml::quote(key.value)), "write letters, digits, '-' and '.'");
        if (std::ranges::find(role.keys, key.value) != role.keys.end()) return table.problem(key.position, fmt::format("the key '{}' is there twice", key.value));
        role.keys.push_back(key.value);
        if (keys_.contains(key.value)) return;
        const fs::path file = public_file(directory_, key.value);
        const auto read = read_key(file);
        if (!read)
            return table.problem(key.position, fmt::format("'{}' {}", file.native(), fs::exists(file) ? "is not an Ed25519, P-256 or P-384 public key in PEM form" : "is not there"),
                                 "put the public key there that its holder gave you");
        for (const auto& [name, other] : keys_)
            if (other == *read) table.problem(key.position, fmt::format("the keys '{}' and '{}' are one key", name, key.value), "a threshold counts keys that differ");
        keys_.emplace(key.value, *read);
    }

    static std::int64_t number(toml::Table& table, std::string_view key, std::int64_t least, std::int64_t most, std::int64_t otherwise) {
        const auto value = table.integer(key);
        if (!value) return otherwise;
        if (value->value < least || value->value > most) table.problem(value->position, fmt::format("expected a whole number from {} to {}", least, most));
        return value->value;
    }

    toml::Table& root_;
    const fs::path& directory_;
    std::vector<RolePolicy> roles_;
    std::map<std::string, VerifyingKey> keys_;
};

} // namespace

VerifyingKey read_public_key(const fs::path& file) {
    if (auto key = read_key(file)) return *std::move(key);
    throw Error(fmt::format("cannot read '{}': {}", file.native(), fs::exists(file) ? "it is not an Ed25519, P-256 or P-384 public key in PEM form" : "it is not there"), "`openssl pkey -in KEY -pubout` writes the public half of a key");
}

bool is_delegated(std::string_view role) {
    for (const std::string_view prefix : {"train-", "site-"})
        if (role.starts_with(prefix)) return is_word(role.substr(prefix.size()));
    return false;
}

fs::path Policy::file_in(const fs::path& keys) { return keys / "trust" / policy_file; }

Policy Policy::load(const fs::path& keys) {
    const fs::path file = file_in(keys);
    if (!fs::exists(file)) throw Error(fmt::format("cannot read '{}': it is not there", file.native()), "`ashlar key new` makes it, and keys; or name the directory of keys with --keys");
    Policy policy;
    policy.directory_ = file.parent_path();
    toml::read(toml::source_from_file(file, file.native()), [&](toml::Table& root) {
        PolicyReader reader(root, policy.directory_);
        policy.roles_ = reader.roles();
        policy.keys_ = reader.keys();
        return 0;
    });
    return policy;
}

const RolePolicy* Policy::find(std::string_view role) const {
    const auto found = std::ranges::find(roles_, role, &RolePolicy::name);
    return found == roles_.end() ? nullptr : &*found;
}

const RolePolicy& Policy::role(std::string_view name) const {
    if (const auto* found = find(name)) return *found;
    throw Error(fmt::format("cannot find the role '{}' in '{}'", name, (directory_ / policy_file).native()), fmt::format("`ashlar key new {}` makes it", name));
}

std::optional<std::string> Policy::name_of(const VerifyingKey& key) const {
    for (const auto& [name, one] : keys_)
        if (one == key) return name;
    return std::nullopt;
}

// ---- Making keys ---------------------------------------------------------------------------------

namespace {

constexpr std::string_view policy_head = "# Who may sign what. `ashlar key ceremony` puts it into force. docs/formats/trust-policy.md\n";

std::string quoted_list(const std::vector<std::string>& words) {
    std::vector<std::string> quoted;
    for (const auto& word : words) quoted.push_back('"' + word + '"');
    return "[" + join(quoted, ", ") + "]";
}

std::string entry_of(const RolePolicy& role) {
    std::string text = fmt::format("\n[[role]]\nname = \"{}\"\nkeys = {}\nthreshold = {}\n", role.name, quoted_list(role.keys), role.threshold);
    if (role.lifetime.count() > 0) text += fmt::format("days = {}\n", role.lifetime.count());
    return text;
}

// "root-3", "rebuilder-3": the first number that no file has yet.
std::string free_name(const fs::path& directory, std::string_view role) {
    for (unsigned number = 1;; ++number) {
        std::string name = fmt::format("{}-{}", role == rebuilders ? "rebuilder" : role, number);
        if (!fs::exists(public_file(directory, name)) && !fs::exists(directory / (name + ".key"))) return name;
    }
}

// Key files that go again unless they are kept.
class NewFiles {
public:
    explicit NewFiles(fs::path directory) : directory_(std::move(directory)) {}
    NewFiles(const NewFiles&) = delete;
    NewFiles& operator=(const NewFiles&) = delete;
    ~NewFiles() {
        std::error_code ignored;
        for (const auto& file : files_) fs::remove(file, ignored);
    }
    std::string make(std::string_view role, SignatureScheme scheme, std::optional<std::string_view> passphrase) {
        const std::string name = free_name(directory_, role);
        const SigningKey key = SigningKey::generate(scheme);
        key.save_new(directory_ / (name + ".key"), passphrase);
        files_.push_back(directory_ / (name + ".key"));
        return put(name, key.verifying_key());
    }
    std::string take(const std::string& name, const VerifyingKey& key) {
        if (!is_word(name)) throw Error(fmt::format("cannot add the key '{}': that is not the name of a key", name), "name its file with letters, digits, '-' and '.', and .pub");
        if (fs::exists(public_file(directory_, name))) throw Error(fmt::format("cannot add the key '{}': there is one of that name", name), "give its file another name");
        return put(name, key);
    }
    void keep() { files_.clear(); }

private:
    std::string put(const std::string& name, const VerifyingKey& key) {
        write_file(public_file(directory_, name), key.pem(), 0644, Durability::synced);
        files_.push_back(public_file(directory_, name));
        return name;
    }

    fs::path directory_;
    std::vector<fs::path> files_;
};

// The lines of one role: from its [[role]] to the next table.
struct Lines {
    std::size_t begin, end; // bytes
};
Lines lines_of(const std::string& text, const RolePolicy& role) {
    const auto name = text.find("\"" + role.name + "\"");
    const auto begin = text.rfind("[[", name), next = text.find("\n[", name);
    return {begin, next == text.npos ? text.size() : next + 1};
}

// The list of keys is written anew; everything else, comments too, stays as its owner wrote it.
std::string with_keys(std::string text, const RolePolicy& role, const std::vector<std::string>& keys) {
    const Lines lines = lines_of(text, role);
    for (std::size_t at = lines.begin; at < lines.end; at = text.find('\n', at) + 1) {
        const std::string_view line = std::string_view(text).substr(at, text.find('\n', at) - at);
        if (!trim(line).starts_with("keys")) continue;
        const auto open = text.find('[', at), close = text.find(']', open);
        return text.replace(open, close - open + 1, quoted_list(keys));
    }
    throw Error(fmt::format("cannot change the keys of the role '{}'", role.name), fmt::format("write them into {} by hand", policy_file));
}

} // namespace

namespace {

// A threshold counts keys that differ.
void refuse_known(const std::optional<Policy>& policy, const std::map<std::string, VerifyingKey>& others) {
    for (auto one = others.begin(); one != others.end(); ++one) {
        auto known = policy ? policy->name_of(one->second) : std::nullopt;
        for (auto before = others.begin(); before != one; ++before)
            if (before->second == one->second) known = before->first;
        if (known) throw Error(fmt::format("cannot add the key '{}': it is the key '{}'", one->first, *known), "a threshold counts keys that differ");
    }
}

} // namespace

std::vector<std::string> make_keys(const fs::path& keys, const NewKey& order) {
    if (!is_role(order.role)) throw Error(fmt::format("cannot make keys for '{}': it is not a role", order.role), std::string(role_names));
    const fs::path file = Policy::file_in(keys), directory = file.parent_path();
    fs::create_directories(directory);
    NewFiles files(directory);
    const auto policy = fs::exists(file) ? std::optional(Policy::load(keys)) : std::nullopt;
    refuse_known(policy, order.others);
    std::string text = policy ? read_file(file) : std::string(policy_head);
    std::vector<std::string> names;
    const auto note = [&](std::vector<std::string> made) {
        names.insert(names.end(), made.begin(), made.end());
        return made;
    };
    const auto make = [&](std::string_view role, unsigned count) {
        std::vector<std::string> made;
        for (unsigned i = 0; i < count; ++i) made.push_back(files.make(role, order.scheme, order.passphrase));
        return note(std::move(made));
    };
    const auto take_others = [&] {
        std::vector<std::string> taken;
        for (const auto& [name, key] : order.others) taken.push_back(files.take(name, key));
        return note(std::move(taken));
    };
    const auto ordered = [&] { return order.others.empty() ? make(order.role, order.count) : take_others(); };
    const auto add = [&](std::string_view role, std::vector<std::string> all) {
        const auto threshold = static_cast<unsigned>(all.size() + 1) / 2;
        text += entry_of({.name = std::string(role), .keys = std::move(all), .threshold = threshold, .lifetime = usual_lifetime(role), .position = {}});
    };
    if (!policy) {
        for (const auto role : top_roles) add(role, role == order.role ? ordered() : make(role, 1));
        if (std::ranges::find(top_roles, order.role) == top_roles.end()) add(order.role, ordered());
    } else if (const auto* role = policy->find(order.role)) {
        auto all = role->keys;
        for (auto& name : ordered()) all.push_back(std::move(name));
        text = with_keys(std::move(text), *role, all);
    } else {
        add(order.role, ordered());
    }
    write_file(file, text, 0644, Durability::synced);
    files.keep();
    return names;
}

std::string replace_key(const fs::path& keys, const std::string& role_name, const std::string& old, SignatureScheme scheme, std::optional<std::string_view> passphrase) {
    const fs::path file = Policy::file_in(keys);
    const Policy policy = Policy::load(keys);
    const RolePolicy& role = policy.role(role_name);
    auto all = role.keys;
    const auto place = std::ranges::find(all, old);
    if (place == all.end()) throw Error(fmt::format("cannot replace the key '{}': the role '{}' has {}", old, role.name, join(all, ", ")), "`ashlar key list` shows them");
    NewFiles files(file.parent_path());
    std::string name = files.make(role.name, scheme, passphrase);
    *place = name;
    write_file(file, with_keys(read_file(file), role, all), 0644, Durability::synced);
    files.keep();
    return name;
}

} // namespace ashlar::authority
