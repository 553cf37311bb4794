#include <base/error.hpp>
#include <base/process.hpp>

#include <cerrno>

#include <gmock/gmock.h>

using namespace ashlar;
using testing::HasSubstr;

TEST(Run, CapturesBothStreamsAndTheExitCode) {
    const Outcome outcome = run({.argv = {"sh", "-c", "cat; echo no >&2; exit 3"}, .input = "yes"});
    EXPECT_EQ(outcome.exit_code, 3);
    EXPECT_EQ(outcome.output, "yes");
    EXPECT_EQ(outcome.errors, "no\n");
}

TEST(Run, AProgramThatIsMissingIsAnError) {
    try {
        (void)run({.argv = {"no-such-program"}});
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.render(), "cannot start 'no-such-program': No such file or directory\n  hint: install the package that has 'no-such-program'");
    }
}

TEST(Run, AFailureBeforeExecIsAnError) {
    EXPECT_THROW((void)run({.argv = {"true"}, .before_exec = [] { return EPERM; }}), Error);
}

TEST(RunChecked, QuotesTheLastLines) {
    try {
        run_checked({.argv = {"sh", "-c", "echo broken >&2; exit 1"}});
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.message(), "cannot run 'sh': exit code 1\nbroken");
    }
}

TEST(PipedChild, FinishReportsFailure) {
    PipedChild child({.argv = {"sh", "-c", "cat >/dev/null; exit 4"}});
    write_all(child.input(), "data", "pipe");
    EXPECT_THROW(child.finish(), Error);
}
