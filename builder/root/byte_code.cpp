#include <root/byte_code.hpp>

#include <root/configure.hpp>
#include <root/sandbox.hpp>

#include <base/error.hpp>
#include <base/process.hpp>
#include <base/text.hpp>

#include <charconv>
#include <string>

#include <fmt/format.h>

namespace ashlar::root {

namespace fs = std::filesystem;

namespace {

// Reads directories, one a line. Forks once for each folder with sources; prints "<compiled> <refused>".
constexpr const char* program = R"(
# Of the library only what python3-minimal has.
import os, sys, py_compile

def remove_cache(folder):
    cache = os.path.join(folder, '__pycache__')
    if os.path.isdir(cache):
        for name in os.listdir(cache):
            os.unlink(os.path.join(cache, name))

def folders_of(tops):
    seen = set()
    for top in tops:
        for folder, folders, files in os.walk(top):
            folders[:] = sorted(name for name in folders if name != '__pycache__')
            real = os.path.realpath(folder)
            paths = [os.path.join(folder, name) for name in sorted(files) if name.endswith('.py')]
            paths = [path for path in paths if os.path.isfile(path) and not os.path.islink(path)]
            if paths and real not in seen:
                seen.add(real)
                yield folder, paths

def compile_folder(folder, paths):
    remove_cache(folder)
    refused = 0
    for path in paths:
        try:
            py_compile.compile(path, doraise=True, quiet=2, optimize=0,
                               invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
        except py_compile.PyCompileError:
            refused += 1
    return len(paths) - refused, refused

os.umask(0o022)
tops = [os.path.dirname(os.__file__)] + sys.stdin.read().splitlines()
running, broken = 0, 0
limit = len(os.sched_getaffinity(0))

def reap():
    global running, broken
    broken += os.wait()[1] != 0
    running -= 1

# Shared by all: each appends a line, since they share the position too.
answers = os.memfd_create('answers')
for folder, paths in folders_of(tops):
    if running >= limit:
        reap()
    if os.fork() == 0:
        try:
            os.write(answers, b'%d %d\n' % compile_folder(folder, paths))
        except BaseException as error:
            print(folder, repr(error), file=sys.stderr)
            os._exit(1)
        os._exit(0)
    running += 1
while running:
    reap()
os.lseek(answers, 0, os.SEEK_SET)
counts = [line.split() for line in os.fdopen(answers)]
print(sum(int(count[0]) for count in counts), sum(int(count[1]) for count in counts))
sys.exit(1 if broken else 0)
)";

std::size_t number(std::string_view text) {
    std::size_t value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
}

} // namespace

ByteCode compile_python(const fs::path& root, std::span<const fs::path> directories, std::int64_t epoch, Renderer& progress) {
    if (!fs::exists(root / "usr/bin/python3")) return {};
    Activity activity(progress, "compiling Python");
    std::string list;
    for (const auto& directory : directories) list += "/" + directory.native() + "\n";
    Command command = Sandbox{.root = root}.enter({"python3", "-I", "-S", "-c", program});
    command.environment = script_environment(epoch);
    command.input = list;
    const std::string counts = run_checked(command);
    const auto words = split(trim(counts), ' ');
    if (words.size() != 2) throw Error(fmt::format("cannot compile Python in '{}': it answered '{}'", root.native(), trim(counts)));
    const ByteCode result{number(words[0]), number(words[1])};
    activity.outcome(fmt::format("{} files", result.compiled));
    return result;
}

} // namespace ashlar::root
