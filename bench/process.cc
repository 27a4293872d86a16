#include "process.h"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <exception>
#include <fstream>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "place.h"
#include "stop.h"

namespace nucleus::bench {
namespace {

std::string first_line(const std::string& path) {
  std::ifstream in(path);
  std::string line;
  while (line.empty() && std::getline(in, line)) {
  }
  return line.empty() ? "nothing on stderr" : line;
}

}  // namespace

std::optional<User> find_user(const std::string& given) {
  const std::string name = given.empty() ? "nucleus-test" : given;
  unsigned uid = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), uid);
  const bool number = error == std::errc{} && end == name.data() + name.size();
  const passwd* entry = number ? ::getpwuid(uid) : ::getpwnam(name.c_str());
  if (entry != nullptr)
    return User{.uid = entry->pw_uid, .gid = entry->pw_gid, .name = name, .home = entry->pw_dir};
  if (number) return User{.uid = uid, .gid = uid, .name = name, .home = "/"};
  return std::nullopt;
}

Become::Become(const std::optional<User>& user) : active_(user.has_value()) {
  if (!active_) return;
  groups_.resize(static_cast<std::size_t>(std::max(0, ::getgroups(0, nullptr))));
  if (::getgroups(static_cast<int>(groups_.size()), groups_.data()) < 0) fail("getgroups");
  if (::setgroups(1, &user->gid) < 0 || ::setresgid(user->gid, user->gid, 0) < 0 ||
      ::setresuid(user->uid, user->uid, 0) < 0) {
    fail("become uid " + std::to_string(user->uid));
  }
}

Become::~Become() {
  if (!active_) return;
  if (::setresuid(0, 0, 0) < 0 || ::setresgid(0, 0, 0) < 0 ||
      ::setgroups(groups_.size(), groups_.data()) < 0) {
    std::perror("startup: become root again");
    std::abort();
  }
}

Command::Command(std::vector<std::string> arguments, std::optional<User> user)
    : arguments_(std::move(arguments)), user_(std::move(user)) {
  environment_.emplace_back("PATH=/usr/sbin:/usr/bin:/sbin:/bin");
  environment_.emplace_back("HOME=" + (user_ ? user_->home : std::string("/root")));
  environment_.emplace_back("LANG=C");
  for (std::string& item : arguments_) argv_.push_back(item.data());
  for (std::string& item : environment_) envp_.push_back(item.data());
  argv_.push_back(nullptr);
  envp_.push_back(nullptr);
  build(quiet_, "/dev/null");
}

Command::~Command() { posix_spawn_file_actions_destroy(&quiet_); }

pid_t Command::spawn(const std::string& error_file) const {
  if (error_file.empty()) return spawn_with(quiet_);
  posix_spawn_file_actions_t actions;
  build(actions, error_file.c_str());
  const pid_t pid = spawn_with(actions);
  posix_spawn_file_actions_destroy(&actions);
  return pid;
}

pid_t Command::fork_exec() const {
  const pid_t pid = ::fork();
  if (pid != 0) return pid;
  const int null = ::open("/dev/null", O_RDWR);
  for (const int fd : {0, 1, 2}) ::dup2(null, fd);
  if (::chdir("/") == 0) ::execve(argv_[0], argv_.data(), envp_.data());
  ::_exit(127);
}

void Command::build(posix_spawn_file_actions_t& actions, const char* error_file) {
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 2, error_file, O_WRONLY | O_CREAT | O_TRUNC, 0666);
  posix_spawn_file_actions_addchdir_np(&actions, "/");
}

pid_t Command::spawn_with(const posix_spawn_file_actions_t& actions) const {
  pid_t pid = -1;
  const int error = ::posix_spawn(&pid, argv_[0], &actions, nullptr, argv_.data(), envp_.data());
  if (error != 0) fail(arguments_[0], error);
  return pid;
}

int run_program(const char* name, const std::function<void()>& run) {
  install_handlers();
  int status = 0;
  if (::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0)
    std::fprintf(stderr, "%s: cannot take orphans\n", name);
  try {
    run();
  } catch (const Interrupted& interrupted) {
    std::fprintf(stderr, "%s: interrupted\n", name);
    status = 128 + interrupted.signal;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s: %s\n", name, error.what());
    status = 1;
  }
  reap_last_orphans();
  return status;
}

int status_of(const siginfo_t& info) {
  return info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
}

void end_process(pid_t pid) {
  siginfo_t info{};
  ::kill(pid, SIGTERM);
  for (int tries = 0; tries < 200; ++tries) {
    info.si_pid = 0;
    if (::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG) < 0 && errno != EINTR)
      return;
    if (info.si_pid == pid) return;
    constexpr timespec kPause{.tv_sec = 0, .tv_nsec = 10'000'000};
    ::nanosleep(&kPause, nullptr);
  }
  ::kill(pid, SIGKILL);
  while (::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED) < 0 && errno == EINTR) {
  }
}

int reap(pid_t pid) {
  siginfo_t info{};
  if (::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED) == 0) return status_of(info);
  const int error = errno;
  if (error != EINTR) fail("waitid", error);
  end_process(pid);
  check_stop();
  return 255;
}

void reap_orphans() {
  siginfo_t info{};
  do {
    info.si_pid = 0;
  } while (::waitid(P_ALL, 0, &info, WEXITED | WNOHANG) == 0 && info.si_pid != 0);
}

void reap_last_orphans() {
  siginfo_t info{};
  for (int tries = 0; tries < 200; ++tries) {
    reap_orphans();
    if (::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0) return;  // no child is left
    constexpr timespec kPause{.tv_sec = 0, .tv_nsec = 10'000'000};
    ::nanosleep(&kPause, nullptr);
  }
}

InFlight::~InFlight() {
  for (const pid_t pid : pids_) end_process(pid);
}

int InFlight::take() {
  siginfo_t info{};
  do {
    if (::waitid(P_ALL, 0, &info, WEXITED) < 0) {
      if (errno != EINTR) fail("waitid");
      check_stop();
      throw std::runtime_error("a start in a burst hangs");
    }
  } while (std::erase(pids_, info.si_pid) == 0);
  return status_of(info);
}

std::int64_t now() {
  timespec time{};
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

Call timed(const Command& command) {
  ::alarm(kHangSeconds);
  std::int64_t begin = 0;
  std::int64_t end = 0;
  int status = 0;
  {
    const Become ids(command.user());
    begin = now();
    const pid_t pid = command.spawn();
    status = reap(pid);
    end = now();
  }
  ::alarm(0);
  return {.milliseconds = static_cast<double>(end - begin) / 1e6, .status = status};
}

std::optional<std::string> trial(const Command& command, const std::string& directory) {
  // Made by root and writable by the contender's user, in a directory that is not sticky.
  const std::string file = directory + "/stderr";
  write_file(file, "");
  if (::chmod(file.c_str(), 0666) < 0) fail("chmod " + file);
  ::alarm(kHangSeconds);
  int status = 0;
  try {
    const Become ids(command.user());
    status = reap(command.spawn(file));
  } catch (const std::system_error& error) {
    ::alarm(0);
    return error.what();
  }
  ::alarm(0);
  if (status == 0) return std::nullopt;
  return "exit " + std::to_string(status) + ": " + first_line(file);
}

}  // namespace nucleus::bench
