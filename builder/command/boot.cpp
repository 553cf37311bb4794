#include "options.hpp"

#include <base/error.hpp>
#include <base/file.hpp>
#include <base/json.hpp>
#include <machine/firmware.hpp>
#include <machine/machine.hpp>
#include <pipeline/build.hpp>
#include <signing/bytes.hpp>

#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace ashlar::command {

namespace {

namespace fs = std::filesystem;

struct BootOptions {
    std::string what; // a role, or an image
    machine::Console console = machine::Console::terminal;
    unsigned memory_mib = 1024, processors = 2;
    machine::Acceleration acceleration = machine::Acceleration::emulated;
    fs::path serial_log;
};

fs::path image_of(Context& context, const std::string& what) {
    if (what.find('/') != std::string::npos || what.ends_with(".raw")) {
        if (!fs::is_regular_file(what)) throw Error(fmt::format("cannot boot '{}': there is no such image", what));
        return what;
    }
    const fs::path image = pipeline::product_of(context.workshop().train(), what, context.options().output).disk();
    if (!fs::exists(image))
        throw Error(fmt::format("cannot boot '{}': there is no '{}'", what, image.native()), fmt::format("build it with `ashlar build {}`", what));
    return image;
}

// A variable store in which our keys are enrolled, as after setting up a server.
void write_variables(const machine::Firmware& firmware, const fs::path& keys, const fs::path& output) {
    const std::string blank = read_file(firmware.variables);
    const Bytes store = machine::enrol(bytes_of(blank), firmware.variables.native(), machine::load_enrolled_keys(keys));
    write_file(output, text_of(store));
}

int boot(Context& context, const BootOptions& options) {
    const TemporaryDirectory work(fs::temp_directory_path(), "ashlar-boot-");
    machine::Options machine{.disk = image_of(context, options.what),
                             .firmware = machine::find_firmware(),
                             .variables = work.path() / "variables",
                             .acceleration = options.acceleration,
                             .processors = options.processors,
                             .memory_mib = options.memory_mib,
                             .console = options.console};
    if (!options.serial_log.empty()) machine.serial_log = options.serial_log;
    if (!fs::exists(context.options().keys))
        throw Error(fmt::format("cannot boot '{}': there are no keys in '{}'", options.what, context.options().keys.native()),
                    "name the directory whose keys signed the image with --keys");
    write_variables(machine.firmware, context.options().keys, machine.variables);

    std::optional<Activity> activity;
    if (options.console == machine::Console::captured) activity.emplace(context.renderer(), fmt::format("booting {}", options.what));
    const machine::Report report = machine::boot(machine);
    activity.reset();

    if (context.json()) {
        fmt::print("{}", pretty(Json{{"outcome", machine::name_of(report.verdict.outcome)}, {"detail", report.verdict.detail},
                                     {"status", report.status ? *report.status : Json()},
                                     {"processor_seconds", report.processor_time.count()}, {"wall_seconds", report.wall_time.count()}}));
    } else {
        fmt::print("{}: {}\n", machine::name_of(report.verdict.outcome), report.verdict.detail);
    }
    return machine::exit_code(report.verdict.outcome);
}

} // namespace

void add_boot(CLI::App& app, const Choose& choose) {
    auto* command = app.add_subcommand("boot", "Boot an image in QEMU: Secure Boot on with your keys, software TPM; the image is not changed");
    command->footer("examples:\n  ashlar boot base               console here; Ctrl-C ends the machine\n"
                    "  ashlar boot base --headless    for scripts\n\n"
                    "exit codes: 0 ready, 10 degraded, 11 refused, 12 panic, 13 reset, 14 powered off, 15 out of time");
    auto options = std::make_shared<BootOptions>();
    command->add_option("ROLE", options->what, "A role that was built, or a disk image")->required();
    command->add_flag_callback("--headless", [options] { options->console = machine::Console::captured; }, "No console; exit code for scripts");
    command->add_flag_callback("--kvm", [options] { options->acceleration = machine::Acceleration::kvm; }, "Use the host's KVM");
    command->add_option("--memory", options->memory_mib, "MiB")->capture_default_str();
    command->add_option("--cpus", options->processors, "Number of processors")->capture_default_str();
    command->add_option("--serial-log", options->serial_log, "Keep what the console says")->type_name("FILE");
    command->callback([=] { choose({Place::plain, [options](Context& context) { return boot(context, *options); }}); });
}

} // namespace ashlar::command
