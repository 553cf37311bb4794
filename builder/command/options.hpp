#pragma once

// What every command understands, whatever it does, and how it gets its workshop.

#include <base/progress.hpp>
#include <pipeline/workshop.hpp>

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace ashlar::command {

struct GlobalOptions {
    pipeline::WorkshopOptions workshop{.recipes = "recipes"};
    std::filesystem::path keys = "keys";
    std::filesystem::path releases = "releases";
    std::filesystem::path output = "out";
    bool offline = false;
    bool allow_expired = false;
    enum class Format { text, json } format = Format::text;
    ProgressStyle progress = ProgressStyle::automatic;
};

// Handed to every command. Progress goes to standard error, answers to standard output.
class Context {
public:
    explicit Context(GlobalOptions options) : options_(std::move(options)) {}

    [[nodiscard]] const GlobalOptions& options() const noexcept { return options_; }
    [[nodiscard]] bool json() const noexcept { return options_.format == GlobalOptions::Format::json; }
    [[nodiscard]] Renderer& renderer();
    // Made at the first call.
    [[nodiscard]] pipeline::Workshop& workshop();
    // Before the first call of workshop(): a train that was named as an argument.
    Context& for_train(const std::string& train);
    Context& for_release(const std::string& release);

private:
    GlobalOptions options_;
    std::unique_ptr<Renderer> renderer_;
    std::unique_ptr<pipeline::Workshop> workshop_;
};

// Where a command works. `contained`: in namespaces of its own (builds, and whatever runs programs of
// the tools root); `plain`: as the process it was started as; `site`: in those of nodes on this machine, which takes root.
enum class Place { plain, contained, site };

struct Invocation {
    Place place = Place::plain;
    // Returns the exit code: 0 done, 1 the answer is no, 2 wrong usage; failures are Errors.
    std::function<int(Context&)> run;
};

// Each adds its command to the line and fills `chosen` when the user takes it.
using Choose = std::function<void(Invocation)>;
void add_plan(CLI::App& app, const Choose& choose);
void add_lock(CLI::App& app, const Choose& choose);
void add_build(CLI::App& app, const Choose& choose);
void add_boot(CLI::App& app, const Choose& choose);
void add_up(CLI::App& app, const Choose& choose);
void add_enter(CLI::App& app, const Choose& choose);
void add_verify(CLI::App& app, const Choose& choose);
void add_rebuild(CLI::App& app, const Choose& choose);
void add_inspect(CLI::App& app, const Choose& choose);
void add_delta(CLI::App& app, const Choose& choose);
void add_publish(CLI::App& app, const Choose& choose);
void add_bundle(CLI::App& app, const Choose& choose);
void add_diff(CLI::App& app, const Choose& choose);
void add_vulns(CLI::App& app, const Choose& choose);
void add_licences(CLI::App& app, const Choose& choose);
void add_why(CLI::App& app, const Choose& choose);
void add_key(CLI::App& app, const Choose& choose);
void add_break_glass(CLI::App& app, const Choose& choose);
void add_sign(CLI::App& app, const Choose& choose);
void add_release(CLI::App& app, const Choose& choose);
void add_store(CLI::App& app, const Choose& choose);
void add_formation(CLI::App& app, const Choose& choose);
void add_train(CLI::App& app, const Choose& choose);
void add_site(CLI::App& app, const Choose& choose);
void add_completion(CLI::App& app, const Choose& choose);

} // namespace ashlar::command
