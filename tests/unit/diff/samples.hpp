#pragma once

// Two small made-up images, and the step between them.

#include <diff/comparison.hpp>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace ashlar::diff::samples {

class Image {
public:
    Image(const std::string& role, const std::string& release)
        : facts_{.base = "ashlar_" + role + "_" + release + "_amd64",
                 .manifest = {role, release, "R0", "amd64", 0, "0.1.0", sha256("lock"), sha256("root"), "6.12.1", {"quiet"}, sha256("uki"), sha256("efi"), {}, {}},
                 .accounts = Accounts{{{"root", 0}}, {{"root", 0}}},
                 .kernel_options = KernelOptions{{"CONFIG_FOO", "y"}}} {}

    Image& package(const std::string& name, const std::string& version, const std::string& source = {}) {
        const std::string from = source.empty() ? name : source;
        facts_.manifest.packages.push_back({name, version, "amd64", from, version, sha256(name + version), {"root"}});
        return *this;
    }
    Image& file(const std::string& path, const std::string& contents, const std::string& package = {}, unsigned mode = 0644) {
        facts_.tree.push_back({.path = path, .mode = mode, .size = contents.size(), .package = package, .sha256 = sha256(contents), .contents = contents});
        return *this;
    }
    Image& link(const std::string& path, const std::string& target) {
        facts_.tree.push_back({.path = path, .type = root::EntryType::symlink, .mode = 0777, .target = target});
        return *this;
    }
    ImageFacts& facts() { return facts_; }
    ImageFacts done() {
        std::ranges::sort(facts_.tree, {}, &pipeline::EntryRecord::path);
        facts_.units = facts::units_of(facts_.tree);
        return facts_;
    }

private:
    ImageFacts facts_;
};

constexpr const char* units = "usr/lib/systemd/system/";

inline ImageFacts before(const std::string& role = "base") {
    Image image(role, "R0.0");
    image.package("bash", "5.2-1").package("gone", "1-1").package("libssl3", "3.5.8-1", "openssl").package("openssl", "3.5.8-1").package("sudo", "2-1");
    image.file("usr/bin/bash", "shell", "bash", 0755).file("usr/bin/gone", "old", "gone", 0755).file("usr/lib/libssl.so.3", "old library", "libssl3");
    image.file("usr/bin/su_do", "sudo", "sudo", 0755).file("etc/motd", "hello\n").file("usr/lib/os-release", "VERSION=R0.0\n");
    image.file(std::string(units) + "old.service", "[Service]\n", "gone");
    image.link("etc/systemd/system/multi-user.target.wants/old.service", "/usr/lib/systemd/system/old.service");
    image.facts().accounts->users = {{"gone", 101}, {"moved", 102}, {"root", 0}};
    image.facts().manifest.command_line = {"panic=10", "quiet", "roothash=1"};
    return image.done();
}

inline ImageFacts after(const std::string& role = "base") {
    Image image(role, "R0.1");
    image.package("bash", "5.1-1").package("libssl3", "3.5.9-1", "openssl").package("new", "1-1").package("openssl", "3.5.9-1").package("sudo", "2-1");
    image.file("usr/bin/bash", "older shell", "bash", 0755).file("usr/bin/new", "new", "new", 0755).file("usr/lib/libssl.so.3", "new library, larger", "libssl3");
    image.file("usr/bin/su_do", "sudo", "sudo", 04755).file("etc/motd", "welcome\n").file("usr/lib/os-release", "VERSION=R0.1\n");
    image.file(std::string(units) + "new.socket", "[Socket]\nListenStream=22\n", "new").file(std::string(units) + "new.service", "[Service]\n", "new");
    image.link("etc/systemd/system/sockets.target.wants/new.socket", "/usr/lib/systemd/system/new.socket");
    image.facts().accounts->users = {{"moved", 103}, {"new", 104}, {"root", 0}};
    image.facts().manifest.command_line = {"quiet", "lockdown=integrity", "roothash=2"};
    image.facts().manifest.kernel = "6.12.2";
    image.facts().kernel_options = KernelOptions{{"CONFIG_BAR", "m"}, {"CONFIG_FOO", "n"}};
    ImageFacts facts = image.done();
    facts.units.at("new.socket").listens = {"22"};
    return facts;
}

} // namespace ashlar::diff::samples
