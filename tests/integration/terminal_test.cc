// `nucleus run -it` from a terminal that a person sits at: as good as a local shell.
#include <gtest/gtest.h>

#include "support/everybody.h"
#include "support/screen.h"

namespace nucleus::test {
namespace {

using testing::HasSubstr;

NUCLEUS_SUITE(Terminals);

TEST_P(Terminals, AShellWithJobControl) {
  const Screen screen(sandbox, "$NUCLEUS run -it -e PS1='> ' -- bash --norc");
  ASSERT_TRUE(screen.shows(">"));
  screen.type({"tty; ps -o tty= -p $$", "Enter"});
  ASSERT_TRUE(screen.shows("/dev/pts/0\npts/0"));
  // Not before it runs: an interrupt at the prompt throws away what was typed behind it as well.
  screen.type({"sh -c 'echo be$((6 * 7))gun; exec sleep 1000'", "Enter"});
  ASSERT_TRUE(screen.shows("be42gun"));
  screen.type({"C-c"});
  ASSERT_TRUE(screen.shows("^C"));
  screen.type({"echo code $?", "Enter"});
  ASSERT_TRUE(screen.shows("code 130"));
  screen.type({"sleep 1000", "Enter"});
  screen.type({"C-z"});
  ASSERT_TRUE(screen.shows("Stopped"));
  screen.type({"bg", "Enter"});
  screen.type({"kill %1", "Enter"});
  ASSERT_TRUE(screen.answers("jobs", "Terminated"));
  screen.type({"exit 7", "Enter"});
  ASSERT_TRUE(screen.shows("ended=7"));
  EXPECT_TRUE(screen.shows(" icanon"));  // the terminal in front is as it was
}

TEST_P(Terminals, TheSizeFollows) {
  const Screen screen(sandbox, "$NUCLEUS run -it -e PS1='> ' -- bash --norc");
  ASSERT_TRUE(screen.shows(">"));
  screen.type({"stty size", "Enter"});
  ASSERT_TRUE(screen.shows("24 80"));
  screen.resize(100, 30);
  ASSERT_TRUE(screen.answers("stty size", "30 100"));
  // The shell has read the line before the window changes.
  ASSERT_TRUE(screen.answers("trap 'echo told $((6 * 7))' WINCH; echo set", "\nset"));
  screen.resize(110, 31);
  ASSERT_TRUE(screen.answers("stty size", "31 110"));
  EXPECT_TRUE(screen.shows("told 42"));
}

TEST_P(Terminals, AFullScreenProgram) {
  const Screen screen(sandbox, "$NUCLEUS run -it -- sh");
  ASSERT_TRUE(screen.shows("#"));
  screen.type({"top -d 100", "Enter"});
  ASSERT_TRUE(screen.shows("COMMAND"));
  EXPECT_THAT(screen.text(), HasSubstr("Tasks:"));
  screen.type({"q"});
  // top(1) throws away what is typed before it has ended.
  EXPECT_TRUE(screen.answers("echo back", "\nback"));
}

TEST_P(Terminals, SettingsComeBackWhateverEndsIt) {
  {
    const Screen screen(sandbox, "$NUCLEUS run -it --timeout 1 -- sleep 1000");
    ASSERT_TRUE(screen.shows("ended=137"));
    EXPECT_TRUE(screen.shows(" icanon"));
  }
  {
    const Screen screen(sandbox, "$NUCLEUS run -it -- no-such-program");
    ASSERT_TRUE(screen.shows("ended=127"));
    EXPECT_TRUE(screen.shows(" icanon"));
  }
  {
    const Screen screen(sandbox,
                        "($NUCLEUS run -it --pid-file pid -- sh -c 'echo running; sleep 1000')");
    ASSERT_TRUE(screen.shows("running"));
    ASSERT_TRUE(eventually([] { return running_inits().size() == 1; }));
    ::kill(running_inits().front(), SIGTERM);
    ASSERT_TRUE(screen.shows("ended=143"));
    EXPECT_TRUE(screen.shows(" icanon"));
  }
}

TEST_P(Terminals, AllOfALongOutputArrives) {
  const Screen screen(sandbox,
                      "$NUCLEUS run -t -- sh -c 'seq 1 20000; echo the end' > long; "
                      "tail -n 1 long; wc -l < long");
  ASSERT_TRUE(screen.shows("the end"));
  EXPECT_TRUE(screen.shows("20001"));
}

TEST_P(Terminals, WithoutOneInFrontInteractiveIsRefused) {
  const Ended ended = sandbox.run({"-it", "--", "sh"});
  EXPECT_EQ(ended.code, 2);
  EXPECT_THAT(ended.err, HasSubstr("--tty"));
  const Ended output = sandbox.run({"-t", "--", "sh", "-c", "tty; test -t 0 && echo yes"});
  EXPECT_EQ(output.out, "/dev/pts/0\r\nyes\r\n") << output.all();
  const Ended bare = sandbox.run({"-t", "--no-init", "--", "sh", "-c", "ps -o tty= -p 1"});
  EXPECT_THAT(bare.out, HasSubstr("pts/0")) << bare.all();
}

}  // namespace
}  // namespace nucleus::test
