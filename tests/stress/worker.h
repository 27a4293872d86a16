// One thread's containers: what is done to them, and what must come of it.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "stress/program.h"

namespace nucleus::stress {

struct Setting {
  std::string nucleus;  // the program
  std::string root;     // the state root
  std::vector<std::string> env;
  std::string marker;   // a word on each workload's command line
  bool cgroups = true;  // whether this user can pause
};

class Worker {
 public:
  /// `index` makes names and random numbers of its own; `count` containers are its.
  Worker(const Setting& setting, std::uint64_t seed, unsigned index, unsigned count);

  /// Starts each of them. False when one did not; failure() says why.
  bool start_all();
  /// Does this and that until `until`, or until something is wrong.
  bool run(std::chrono::steady_clock::time_point until);
  /// Removes what is left.
  bool remove_all();

  /// What was wrong, with the last that was done to the container.
  [[nodiscard]] const std::string& failure() const { return failure_; }
  [[nodiscard]] std::uint64_t operations() const { return operations_; }

 private:
  enum class State { none, created, running, paused, stopped };
  struct Container {
    std::string name;
    State state = State::none;
    int code = 0;                 // what its workload ends with when it is told to
    std::optional<int> ended;     // the code that must be recorded
    std::size_t descriptors = 0;  // of its supervisor, when it was new
    bool adopts = false;          // another supervisor comes when one is killed
    std::size_t execs = 0;        // that go on in it: two descriptors each
    std::deque<std::string> history;
  };

  std::uint32_t random(std::uint32_t below);
  Call nucleus(Container& on, std::vector<std::string> words,
               std::optional<std::chrono::microseconds> kill_after = {});
  bool wrong(const Container& on, const std::string& what);
  bool expect(Container& on, const Call& done, int code, const char* what);
  std::string about(Container& on, const std::string& member);
  bool settle(Container& on, const std::string& status);
  bool check_end(Container& on);

  bool step(Container& on);
  std::vector<std::string> words_to_make(Container& on, std::vector<std::string> words);
  bool start(Container& on);
  bool create(Container& on);
  bool start_again(Container& on);
  bool restart(Container& on);
  bool exec(Container& on);
  bool exec_detached(Container& on);
  bool stop(Container& on);
  bool kill(Container& on);
  bool remove(Container& on);
  bool rename(Container& on);
  bool pause(Container& on);
  bool resume(Container& on);
  bool logs(Container& on);
  bool inspect(Container& on);
  bool lose_supervisor(Container& on);
  bool change_supervisor(Container& on, const std::string& before);
  bool kill_client(Container& on);

  const Setting& setting_;
  std::mt19937 random_;
  unsigned index_, renamed_ = 0;
  std::vector<Container> containers_;
  std::string failure_;
  std::uint64_t operations_ = 0;
};

}  // namespace nucleus::stress
