#pragma once

// A root with a shell and nothing else, in which scripts can run.

#include <base/file.hpp>
#include <base/process.hpp>
#include <base/text.hpp>

#include <filesystem>
#include <string>

namespace ashlar::root {

class MiniRoot {
public:
    MiniRoot() {
        for (const char* name : {"dev", "proc", "run", "tmp", "etc", "var/lib/dpkg/info", "usr/bin", "usr/sbin", "usr/lib", "usr/lib64"})
            std::filesystem::create_directories(path() / name);
        for (const char* name : {"bin", "sbin", "lib", "lib64"})
            std::filesystem::create_directory_symlink(std::filesystem::path("usr") / name, path() / name);
        install("/bin/sh");
        install("/bin/cat");
    }
    [[nodiscard]] std::filesystem::path path() const { return directory_.path() / "root"; }
    [[nodiscard]] std::filesystem::path scratch() const { return directory_.path(); }

    void script(const std::string& name, const std::string& body) const {
        std::filesystem::create_directories((path() / name).parent_path());
        write_file(path() / name, "#!/bin/sh\n" + body, 0755);
    }

private:
    // A program and what it is linked with, in the same places as here.
    void install(const std::string& program) {
        copy(program);
        const std::string said = run_checked({.argv = {"ldd", program}});
        for (const auto line : split(said, '\n'))
            for (const auto word : split(trim(line), ' '))
                if (!word.empty() && word[0] == '/') copy(std::string(word));
    }
    void copy(const std::string& file) const {
        const auto target = path() / file.substr(1);
        std::filesystem::create_directories(target.parent_path());
        std::filesystem::copy_file(file, target, std::filesystem::copy_options::overwrite_existing);
    }

    TemporaryDirectory directory_{"/tmp", "mini-root-"};
};

} // namespace ashlar::root
