#pragma once

// A signed archive of a few packages, made in memory. Needs gpg.

#include <archive/compression.hpp>
#include <base/file.hpp>
#include <base/process.hpp>
#include <base/text.hpp>
#include <signing/digest.hpp>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <map>
#include <string>
#include <vector>

namespace ashlar::test {

// One key or several in a home of their own, for as long as this lives.
class SigningKey {
public:
    explicit SigningKey(const std::vector<std::string>& names) {
        for (const auto& name : names) {
            gpg({"--quick-generate-key", name, "ed25519", "sign", "never"});
            const std::string listing = gpg({"--with-colons", "--list-keys", name});
            for (const auto line : split(listing, '\n'))
                if (line.starts_with("fpr:")) fingerprints_.emplace_back(split(line, ':').at(9));
            write_file(certificate(fingerprints_.size() - 1), gpg({"--armor", "--export", name}));
        }
    }
    ~SigningKey() { (void)run({.argv = {"gpgconf", "--homedir", home_.path().native(), "--kill", "all"}}); }

    [[nodiscard]] std::filesystem::path certificate(std::size_t key = 0) const {
        return home_.path() / fmt::format("{}.asc", key);
    }
    [[nodiscard]] const std::string& fingerprint(std::size_t key = 0) const { return fingerprints_.at(key); }
    // By all of them.
    [[nodiscard]] std::string clear_sign(const std::string& text) const {
        std::vector<std::string> words{"--clearsign"};
        for (const auto& fingerprint : fingerprints_) words.insert(words.begin(), {"--local-user", fingerprint});
        return gpg(words, text);
    }

private:
    std::string gpg(std::vector<std::string> words, std::string input = {}) const {
        const std::vector<std::string> start{"gpg",      "--homedir",    home_.path().native(),
                                             "--batch",  "--quiet",      "--pinentry-mode",
                                             "loopback", "--passphrase", ""};
        words.insert(words.begin(), start.begin(), start.end());
        return run_checked({.argv = words, .input = std::move(input)});
    }

    TemporaryDirectory home_{std::filesystem::temp_directory_path(), "gpg-"};
    std::vector<std::string> fingerprints_;
};

// Made once: it takes a while.
inline const SigningKey& archive_key() {
    static const SigningKey key({"Toy archive"});
    return key;
}
inline const SigningKey& strange_key() {
    static const SigningKey key({"Stranger"});
    return key;
}

constexpr std::int64_t toy_date = 1'795'252'544; // Sat, 21 Nov 2026 09:15:44 UTC

inline std::string date_text(std::int64_t seconds) {
    return fmt::format("{:%a, %d %b %Y %H:%M:%S} UTC", fmt::gmtime(static_cast<std::time_t>(seconds)));
}

inline std::string zstd(const std::string& text) {
    const TemporaryDirectory dir(std::filesystem::temp_directory_path());
    write_file(dir.path() / "plain", text);
    archive::compress_zstd(dir.path() / "plain", dir.path() / "packed", 3);
    return read_file(dir.path() / "packed");
}

using Files = std::map<std::string, std::string>; // by path below the server's root

struct ToySuite {
    std::string archive = "toy", suite = "stable", codename = "one", architectures = "amd64", components = "main";
    std::int64_t date = toy_date;
    std::optional<std::int64_t> valid_until = toy_date + 7 * 86400;
    bool by_hash = true;
    std::map<std::string, std::string> packages{{"alpha", "1.0"}, {"beta", "2:2.0-1"}}; // name → version
    std::map<std::string, std::string> sources;                                         // name → version
    std::vector<std::string> extra;                                                     // lines of Release

    [[nodiscard]] static std::string deb(const std::string& name, const std::string& version) {
        return "the bytes of " + name + " " + version;
    }
    [[nodiscard]] static std::string pool_path(const std::string& name, const std::string& version) {
        return fmt::format("pool/{}_{}_amd64.deb", name, version.substr(version.find(':') + 1));
    }
    [[nodiscard]] std::string packages_text() const {
        std::string text;
        for (const auto& [name, version] : packages) {
            const std::string bytes = deb(name, version);
            text += fmt::format("Package: {}\nVersion: {}\nArchitecture: amd64\nMaintainer: M\nFilename: {}\nSize: {}\n"
                                "SHA256: {}\n\n",
                                name, version, pool_path(name, version), bytes.size(), sha256(bytes).hex());
        }
        return text;
    }
    // Two files each: by name of the file.
    [[nodiscard]] Files source_files(const std::string& name, const std::string& version) const {
        const std::string stem = fmt::format("{}_{}", name, version.substr(version.find(':') + 1));
        return {{stem + ".dsc", fmt::format("the dsc of {} {} in {}", name, version, archive)}, {stem + ".tar.xz", "the source of " + name + " " + version}};
    }
    [[nodiscard]] std::string sources_text() const {
        std::string text;
        for (const auto& [name, version] : sources) {
            text += fmt::format("Package: {}\nFormat: 3.0 (native)\nBinary: {}\nVersion: {}\nDirectory: pool/src\nChecksums-Sha256:\n", name, name, version);
            for (const auto& [file, bytes] : source_files(name, version)) text += fmt::format(" {} {} {}\n", sha256(bytes).hex(), bytes.size(), file);
            text += "\n";
        }
        return text;
    }
    [[nodiscard]] Files index_files() const {
        Files files{{"main/binary-amd64/Packages", packages_text()}};
        if (!sources.empty()) files.emplace("main/source/Sources", sources_text());
        for (const auto& [path, text] : Files(files)) files.emplace(path + ".zst", zstd(text));
        return files;
    }
    [[nodiscard]] std::string release_text(const Files& indices) const {
        std::string text =
            fmt::format("Origin: Toy\nSuite: {}\nCodename: {}\nDate: {}\n", suite, codename, date_text(date));
        if (valid_until) text += fmt::format("Valid-Until: {}\n", date_text(*valid_until));
        if (by_hash) text += "Acquire-By-Hash: yes\n";
        for (const auto& line : extra) text += line + "\n";
        text += fmt::format("Architectures: {}\nComponents: {}\nSHA256:\n", architectures, components);
        for (const auto& [path, bytes] : indices)
            text += fmt::format(" {} {} {}\n", sha256(bytes).hex(), bytes.size(), path);
        return text;
    }
    // "/toy/dists/one/InRelease" and so on. A plain index is listed but not served, as Debian does.
    [[nodiscard]] Files files(const SigningKey& key = archive_key()) const {
        const Files indices = index_files();
        const std::string root = "/" + archive + "/", directory = root + "dists/" + codename + "/";
        Files all{{directory + "InRelease", key.clear_sign(release_text(indices))}};
        for (const auto& [path, bytes] : indices) {
            if (!path.ends_with(".zst")) continue;
            all[directory + path] = bytes;
            if (by_hash) all[directory + path.substr(0, path.rfind('/')) + "/by-hash/SHA256/" + sha256(bytes).hex()] = bytes;
        }
        for (const auto& [name, version] : packages) all[root + pool_path(name, version)] = deb(name, version);
        for (const auto& [name, version] : sources)
            for (const auto& [file, bytes] : source_files(name, version)) all[root + "pool/src/" + file] = bytes;
        return all;
    }
};

} // namespace ashlar::test
