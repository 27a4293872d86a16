// What is told instead of done: --dry-run, --explain, help; and configuration files as a user has
// them.
#include <sys/stat.h>

#include <filesystem>

#include "support/everybody.h"

namespace nucleus::test {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

NUCLEUS_SUITE(Previews);

// One step a line. What differs from host to host is left out: what the host has of /etc and /lib*,
// what its kernel has of /proc and /sys, and numbers of its own.
std::string normal(const json& plan) {
  std::string text;
  for (const auto& [part, steps] : plan.items()) {
    if (!steps.is_array() || part == "notes" || part == "cgroup") continue;
    text += part + "\n";
    for (const json& step : steps) {
      const std::string name = step["step"];
      const std::string object = step.value("object", "");
      std::string detail = step.value("detail", "");
      if (detail.ends_with("if there") || object.starts_with("/lib") || object == "/etc/localtime")
        continue;
      // As root the default limit of processes is a cgroup's when usage is reported.
      if (name == "rlimit" && object == "nproc") continue;
      if (object.starts_with("TERM=") || name == "look for") continue;
      if (name == "map" || name == "landlock" || name == "seccomp" || object == "nofile")
        detail = "...";
      text += "  " + name + (object.empty() ? "" : " " + object) +
              (detail.empty() ? "" : " (" + detail + ")") + "\n";
    }
  }
  return text;
}

constexpr const char* kGolden = R"(command
  directory /tmp
  env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
  env HOME=/root
  env HOSTNAME=box
  env LANG=C.UTF-8
  env A=1
  word sh
  word -c
  word echo hi
  kill after 5000 ms
ids
  map uid (...)
  map gid (...)
namespaces
  new user
  new pid
  new mnt
  new net
  new uts
  new ipc
  new cgroup
root
  bind /usr (from /usr,ro,nosuid,nodev)
  symlink /bin (from usr/bin)
  symlink /sbin (from usr/sbin)
  directory /etc
  file /etc/passwd (89 bytes)
  file /etc/group (36 bytes)
  file /etc/host.conf (9 bytes)
  file /etc/nsswitch.conf (107 bytes)
  file /etc/hostname (4 bytes)
  file /etc/hosts (62 bytes)
  file /etc/resolv.conf (0 bytes)
  directory /run
  directory /var
  symlink /var/run (from ../run)
  symlink /var/tmp (from ../tmp)
  tmpfs /tmp (mode=1777,nosuid,nodev)
  tmpfs /root (mode=700,uid=0,gid=0,nosuid,nodev)
  tmpfs /dev (mode=755,size=64k,nr_inodes=64,nosuid,noexec)
  bind /dev/null (from /dev/null,nosuid,noexec)
  bind /dev/zero (from /dev/zero,nosuid,noexec)
  bind /dev/full (from /dev/full,nosuid,noexec)
  bind /dev/random (from /dev/random,nosuid,noexec)
  bind /dev/urandom (from /dev/urandom,nosuid,noexec)
  bind /dev/tty (from /dev/tty,nosuid,noexec)
  directory /dev/pts
  devpts /dev/pts (newinstance,ptmxmode=0666,mode=620,nosuid,noexec)
  tmpfs /dev/shm (mode=1777,size=67108864,nosuid,nodev,noexec)
  directory /dev/mqueue
  mqueue /dev/mqueue (nosuid,nodev,noexec)
  symlink /dev/ptmx (from pts/ptmx)
  symlink /dev/fd (from /proc/self/fd)
  symlink /dev/stdin (from /proc/self/fd/0)
  symlink /dev/stdout (from /proc/self/fd/1)
  symlink /dev/stderr (from /proc/self/fd/2)
  remount /dev (ro,nosuid,noexec)
  directory /proc
  directory /sys
  proc /proc (nosuid,nodev,noexec)
  tmpfs /scratch (size=1048576,mode=1777,uid=0,gid=0,nosuid,nodev,noexec,for --tmpfs /scratch)
  remount / (ro,nosuid,nodev)
seal
  no_new_privs (on)
  user 0:0
  rlimit nofile (...)
  rlimit core (0:0)
  session (a new one)
  keyring (a new one)
  landlock (...)
  allow / (read, execute)
  allow /tmp (everything but device nodes)
  allow /root (everything but device nodes)
  allow /dev (read, write, ioctl)
  allow /dev/shm (everything but device nodes)
  allow /dev/mqueue (everything but device nodes)
  allow /proc (read, write, ioctl)
  allow /scratch (everything but device nodes)
  capabilities (only KILL)
  seccomp (...)
)";

TEST_P(Previews, TheWholePlanOfAStart) {
  const Ended ended = sandbox.run(
      {"--dry-run", "--json",  "--hostname",       "box",       "-w", "/tmp",      "-e",
       "A=1",       "--tmpfs", "/scratch:size=1M", "--timeout", "5",  "--network", "none",
       "--cap-add", "KILL",    "--no-init",        "--",        "sh", "-c",        "echo hi"});
  ASSERT_EQ(ended.code, 0) << ended.all();
  EXPECT_EQ(normal(json::parse(ended.out)), kGolden) << ended.out;
}

TEST_P(Previews, NothingIsDone) {
  const std::string file = sandbox.home() + "/id";
  const Ended ended =
      sandbox.run({"--dry-run", "--cidfile", file, "--result-file", sandbox.home() + "/result",
                   "--name", "one", "--", "touch", "/tmp/x"});
  ASSERT_EQ(ended.code, 0) << ended.all();
  EXPECT_FALSE(std::filesystem::exists(file));
  EXPECT_FALSE(std::filesystem::exists(sandbox.home() + "/result"));
  EXPECT_FALSE(std::filesystem::exists(sandbox.state()));
  EXPECT_THAT(ended.out,
              AllOf(HasSubstr("\nroot\n"), HasSubstr("no_new_privs"), HasSubstr("/tmp/x")));
}

TEST_P(Previews, LimitsAreShownWhereTheyWouldBeWritten) {
  if (!limits_work(sandbox.who())) {
    const Ended refused = sandbox.run({"--dry-run", "--memory", "64M", "true"});
    EXPECT_EQ(refused.code, 125);
    EXPECT_THAT(refused.err, HasSubstr("--memory"));
    return;
  }
  const Ended ended = sandbox.run({"--dry-run", "--memory", "64M", "--pids", "9", "true"});
  EXPECT_EQ(ended.code, 0) << ended.all();
  EXPECT_THAT(ended.out,
              AllOf(HasSubstr("67108864"), HasSubstr("pids.max"), HasSubstr("nucleus-ID")));
}

TEST_P(Previews, WhatAStartWouldRefuseIsRefused) {
  EXPECT_EQ(sandbox.run({"--dry-run", "--memory", "lots", "true"}).code, 2);
  const Ended missing = sandbox.run({"--dry-run", "-v", "/no/such/place:/x", "true"});
  EXPECT_EQ(missing.code, 125);
  EXPECT_THAT(missing.err, HasSubstr("/no/such/place"));
}

TEST_P(Previews, ASecretStaysOne) {
  sandbox.write("token", "s3cret-text", 0600);
  const Ended ended = sandbox.run({"--dry-run", "--secret", sandbox.home() + "/token", "true"});
  ASSERT_EQ(ended.code, 0) << ended.all();
  EXPECT_THAT(ended.out, AllOf(HasSubstr("11 bytes"), Not(HasSubstr("s3cret-text"))));
}

TEST_P(Previews, SettingsAndWhereTheyComeFrom) {
  sandbox.env["XDG_CONFIG_HOME"] = sandbox.home() + "/config";
  sandbox.make_directory("config");
  sandbox.make_directory("config/nucleus");
  sandbox.write(
      "config/nucleus/config.toml",
      "[defaults]\nulimit = \"nofile=77\"\n[profiles.agent]\ntimeout = \"30s\"\nenv = [\"P=1\"]\n");
  const Ended ended = sandbox.run({"--explain", "--json", "--profile", "agent", "--hostname",
                                   "here", "-e", "C=2", "--", "true"});
  ASSERT_EQ(ended.code, 0) << ended.all();
  const json settings = json::parse(ended.out)["settings"];
  const std::string file = sandbox.home() + "/config/nucleus/config.toml";
  EXPECT_EQ(settings["ulimit"], (json{{"value", "nofile=77"}, {"from", "defaults in " + file}}));
  EXPECT_EQ(settings["timeout"], (json{{"value", "30s"}, {"from", "profile agent in " + file}}));
  EXPECT_EQ(settings["hostname"], (json{{"value", "here"}, {"from", "command line"}}));
  EXPECT_EQ(settings["shm-size"], (json{{"value", "64M"}, {"from", "default"}}));
  EXPECT_EQ(settings["env"]["value"], "P=1, C=2");
  // ... and they hold.
  const Ended ran =
      sandbox.run({"--profile", "agent", "-e", "C=2", "--", "sh", "-c", "echo $P $C $(ulimit -n)"});
  EXPECT_EQ(ran.out, "1 2 77\n") << ran.all();
  const Ended without = sandbox.run({"--config", "none", "--profile", "agent", "--", "true"});
  EXPECT_EQ(without.code, 2);
  EXPECT_THAT(without.err, HasSubstr("--profile"));
}

TEST_P(Previews, AWrongConfigurationStartsNothing) {
  sandbox.write("c.toml", "[defaults]\nmemroy = \"1G\"\n");
  const Ended ended = sandbox.run({"--config", sandbox.home() + "/c.toml", "--", "echo", "ran"});
  EXPECT_EQ(ended.code, 2);
  EXPECT_EQ(ended.out, "");
  EXPECT_THAT(ended.err, AllOf(HasSubstr("c.toml:2:1"), HasSubstr("did you mean memory?")));
  ::chmod((sandbox.home() + "/c.toml").c_str(), 0666);
  EXPECT_THAT(sandbox.run({"--config", sandbox.home() + "/c.toml", "--", "echo", "ran"}).err,
              HasSubstr("others may write to it"));
}

TEST_P(Previews, EveryVerbHelps) {
  const Ended list = sandbox.call({"--help"});
  ASSERT_EQ(list.code, 0) << list.all();
  for (const char* verb : {"run", "prune", "completion"}) {
    EXPECT_THAT(list.out, HasSubstr(std::string("\n  ") + verb + " "));
    const Ended help = sandbox.call({verb, "--help"});
    EXPECT_EQ(help.code, 0) << help.all();
    EXPECT_THAT(help.out, AllOf(HasSubstr("Usage: nucleus " + std::string(verb)),
                                HasSubstr("Examples:"), Not(HasSubstr("\033"))));
    EXPECT_EQ(sandbox.call({"help", verb}).out, help.out);
    const Ended wrong = sandbox.call({verb, "--no-such-flag"});
    EXPECT_EQ(wrong.code, 2);
    EXPECT_THAT(wrong.err, HasSubstr("--no-such-flag"));
  }
  EXPECT_THAT(sandbox.call({"prnue"}).err, HasSubstr("did you mean prune?"));
  EXPECT_EQ(sandbox.call({}).code, 2);
}

TEST_P(Previews, TheVersionIsToldToPeopleAndPrograms) {
  const std::string text = sandbox.call({"--version"}).out;
  const json version = sandbox.call({"--version", "--json"}).json();
  EXPECT_EQ(text, "nucleus " + version["version"].get<std::string>() + "\n");
  EXPECT_TRUE(version.contains("commit"));
  EXPECT_EQ(version["kernel"]["oldest"], "5.15");
}

}  // namespace
}  // namespace nucleus::test
