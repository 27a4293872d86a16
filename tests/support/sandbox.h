// Runs the nucleus under test as a user would type it, and says what it did.
//
// The program is ../bin/nucleus beside the test (or NUCLEUS_BIN), the static programs for the
// inside of containers are in guest/ (or NUCLEUS_GUEST_DIR). Both are copied to a directory that
// every user may read, since a checkout often lies in a home that only its owner may enter.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace nucleus::test {

enum class Who { root, user };
[[nodiscard]] std::string who_name(Who who);

/// Every user that tests run as here. As root: root and the user nucleus-test. Otherwise: the one
/// who runs the tests.
[[nodiscard]] std::vector<Who> everybody();

struct Ended {
  int code = -1;  // as a shell sees it
  std::string out;
  std::string err;
  [[nodiscard]] std::string all() const {
    return "code " + std::to_string(code) + "\nout: " + out + "\nerr: " + err;
  }
  /// The last line of `out`, parsed.
  [[nodiscard]] nlohmann::json json() const;
};

/// A started nucleus; destroying it kills what is left of it and fails the test if it had to.
class Running {
 public:
  Running(pid_t pid, int out, int err) : pid_(pid), out_(out), err_(err) {}
  Running(Running&& other) noexcept;
  Running& operator=(Running&&) = delete;
  ~Running();
  [[nodiscard]] pid_t pid() const { return pid_; }
  void send(int signal) const;
  /// Reads standard output until `text` has been seen; false at its end or after a minute.
  bool wait_for(const std::string& text);
  Ended wait();

 private:
  pid_t pid_;
  int out_, err_;
  std::string seen_;
};

/// One user's view: a state directory and a home of its own, checked to be empty of containers at
/// the end.
class Sandbox {
 public:
  explicit Sandbox(Who who);
  Sandbox(const Sandbox&) = delete;
  Sandbox& operator=(const Sandbox&) = delete;
  ~Sandbox();

  [[nodiscard]] Who who() const { return who_; }
  [[nodiscard]] bool is_root() const { return who_ == Who::root; }
  /// A directory that belongs to this user.
  [[nodiscard]] const std::string& home() const { return home_; }
  [[nodiscard]] std::string state() const { return home_ + "/state-root"; }
  /// Extra environment for what is started from here on.
  std::map<std::string, std::string> env;
  std::string stdin_text;
  /// System calls by number that fail for what is started, with this errno. Only where tests run as
  /// root.
  std::map<int, int> refused_calls;
  /// Runs in the child before it becomes this user: what only root can take away from it. It must
  /// call nothing that allocates.
  std::function<void()> prepare;
  /// The whole of it: PATH, HOME and the state directory, unless `env` says otherwise.
  [[nodiscard]] std::map<std::string, std::string> environment() const;
  /// Words in front of nucleus: a program that starts it, found on PATH or by its path.
  std::vector<std::string> through;
  /// Starts `nucleus` with these words; `run` is the same with "run" in front.
  [[nodiscard]] Running start(const std::vector<std::string>& words) const;
  [[nodiscard]] Ended call(const std::vector<std::string>& words) const;
  [[nodiscard]] Ended run(std::vector<std::string> words) const;
  /// `run … -- sh -c SCRIPT`.
  [[nodiscard]] Ended sh(const std::string& script, std::vector<std::string> flags = {}) const;
  /// Writes a file below home(), as this user.
  void write(const std::string& name, const std::string& text, mode_t mode = 0644) const;
  void make_directory(const std::string& name) const;
  /// Gives a path to this user.
  void own(const std::string& path) const;
  /// Containers that are recorded as running.
  [[nodiscard]] std::vector<std::string> recorded() const;

 private:
  Who who_;
  std::string home_;
};

/// In a child that is about to execute something: becomes this user, or exits with 99.
void become(Who who);

/// How many times slower than a development machine this one is said to be (NUCLEUS_TEST_SLOW).
[[nodiscard]] int slowness();

/// Where the program and the guest programs were copied to.
[[nodiscard]] const std::string& nucleus_path();
[[nodiscard]] std::string guest(const std::string& name);

/// Ids of running containers' inits, found in /proc by their image: without those that ran when
/// this test's program began, which are somebody else's.
[[nodiscard]] std::vector<pid_t> running_inits();

/// cgroup directories of containers, anywhere below /sys/fs/cgroup: without those that stood there
/// when this test's program began.
[[nodiscard]] std::vector<std::string> container_cgroups();

/// Whether this cgroup stood there when this test's program began.
[[nodiscard]] bool was_there_before(const std::string& cgroup);

/// Asks `condition` again and again; false after a minute (or longer, by NUCLEUS_TEST_SLOW, on slow
/// machines).
bool eventually(const std::function<bool()>& condition);

/// Whether this process has ended, reaped or not: asked in a way that needs no rights over it.
[[nodiscard]] bool has_ended(pid_t pid);

/// Whether limits can be set on this host by this user: root, or a delegated cgroup.
[[nodiscard]] bool limits_work(Who who);

}  // namespace nucleus::test
