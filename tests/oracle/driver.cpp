// Resolves package sets over an index directory and prints what is in them, for comparison with APT.
//
//   oracle_driver INDEX < sets      INDEX/dists/<suite>/<component>/binary-<architecture>/Packages
//
// Reads `name [components]: packages` lines as in sets.txt, writes `name package version` lines. A
// conflict goes to standard error, and makes the exit code 1.

#include <base/error.hpp>
#include <base/file.hpp>
#include <base/text.hpp>
#include <debian/release.hpp>
#include <debian/universe.hpp>
#include <solver/solver.hpp>

#include <algorithm>
#include <iostream>

using namespace ashlar;
namespace fs = std::filesystem;

namespace {

constexpr std::string_view architecture = "amd64";

std::vector<std::string> words(std::string_view text) {
    std::vector<std::string> found;
    for (const std::string_view word : split(text, ' '))
        if (!trim(word).empty()) found.emplace_back(trim(word));
    return found;
}

std::vector<fs::path> suites_of(const fs::path& dists) {
    std::vector<fs::path> found;
    for (const auto& entry : fs::directory_iterator(dists)) found.push_back(entry.path());
    std::sort(found.begin(), found.end());
    return found;
}

debian::Universe load(const fs::path& index) {
    debian::Universe universe{std::string(architecture)};
    for (const fs::path& suite : suites_of(index / "dists")) {
        const auto release = debian::parse_release(read_file(suite / "Release"), (suite / "Release").native());
        for (const char* component : {"main", "contrib", "non-free", "non-free-firmware"}) {
            const fs::path packages = suite / component / ("binary-" + std::string(architecture)) / "Packages";
            if (!fs::exists(packages)) continue;
            universe.add_file(packages, {.archive = "debian",
                                         .suite = suite.filename(),
                                         .component = component,
                                         .not_automatic = release.not_automatic,
                                         .but_automatic_upgrades = release.but_automatic_upgrades});
        }
    }
    return universe;
}

struct Set {
    std::string name;
    solver::Request request;
};

Set parse_set(std::string_view line) {
    const std::size_t colon = line.find(':');
    const auto head = words(line.substr(0, colon));
    std::vector<std::string> components(head.begin() + 1, head.end());
    for (std::string& component : components) std::erase_if(component, [](char c) { return c == '[' || c == ']'; });
    Set set{head.front(), {.role = head.front(), .components = debian::Components::main_and(components)}};
    for (const std::string& word : words(line.substr(colon + 1)))
        set.request.packages.push_back(solver::Wanted::parse(word));
    return set;
}

bool print(const debian::Universe& universe, const Set& set) {
    const auto answer = solver::resolve(universe, set.request);
    if (const auto* conflict = std::get_if<solver::Conflict>(&answer)) {
        std::cerr << set.name << ": " << conflict->render() << '\n';
        return false;
    }
    for (const auto& choice : std::get<solver::Solution>(answer).choices)
        std::cout << set.name << ' ' << choice.package->name << ' ' << choice.package->version << '\n';
    return true;
}

int run(const fs::path& index) {
    const debian::Universe universe = load(index);
    bool all = true;
    for (std::string line; std::getline(std::cin, line);)
        if (!trim(line).empty() && line.front() != '#') all &= print(universe, parse_set(line));
    return all ? 0 : 1;
}

} // namespace

int main(int argc, char** argv) {
    if (argc != 2) {
        std::cerr << "usage: oracle_driver INDEX < sets\n";
        return 2;
    }
    try {
        return run(argv[1]);
    } catch (const Error& error) {
        std::cerr << error.render() << '\n';
        return 2;
    }
}
