#include "stress/worker.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <thread>

namespace nucleus::stress {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kPatience{60};
constexpr std::size_t kHistory = 12;

std::size_t descriptors_of(const std::string& pid) {
  std::error_code code;
  std::size_t count = 0;
  for (std::filesystem::directory_iterator at("/proc/" + pid + "/fd", code), end;
       !code && at != end; at.increment(code))
    ++count;
  return count;
}

std::string line_of(const std::string& text) { return text.substr(0, text.find('\n')); }

}  // namespace

Worker::Worker(const Setting& setting, std::uint64_t seed, unsigned index, unsigned count)
    : setting_(setting),
      random_(static_cast<std::mt19937::result_type>(seed * 1000 + index)),
      index_(index),
      containers_(count) {
  for (unsigned at = 0; at < count; ++at)
    containers_[at].name = "s" + std::to_string(index) + "-" + std::to_string(at);
}

std::uint32_t Worker::random(std::uint32_t below) {
  return static_cast<std::uint32_t>(random_() % below);
}

Call Worker::nucleus(Container& on, std::vector<std::string> words,
                     std::optional<std::chrono::microseconds> kill_after) {
  std::string told;
  for (const std::string& word : words) told.append(told.empty() ? "" : " ").append(word);
  if (kill_after) told += " [killed after " + std::to_string(kill_after->count()) + " us]";
  words.insert(words.begin(), setting_.nucleus);
  Call done = call(words, setting_.env, kill_after);
  on.history.push_back(told + " -> " + std::to_string(done.code));
  if (on.history.size() > kHistory) on.history.pop_front();
  ++operations_;
  return done;
}

bool Worker::wrong(const Container& on, const std::string& what) {
  failure_ = on.name + ": " + what + "\n";
  for (const std::string& line : on.history) failure_.append("    ").append(line).append("\n");
  return false;
}

bool Worker::expect(Container& on, const Call& done, int code, const char* what) {
  if (done.code == code && !done.late) return true;
  std::string text = what;
  text.append(" should end with ").append(std::to_string(code)).append(": ").append(done.text());
  return wrong(on, text);
}

std::string Worker::about(Container& on, const std::string& member) {
  const Call done = nucleus(on, {"inspect", "--format", "{" + member + "}", on.name});
  return done.code == 0 ? line_of(done.out) : "(" + done.err + ")";
}

bool Worker::settle(Container& on, const std::string& status) {
  const auto until = Clock::now() + kPatience;
  std::string found;
  while ((found = about(on, "status")) != status) {
    if (Clock::now() > until)
      return wrong(
          on, std::string("it should become ").append(status).append(" and is ").append(found));
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return true;
}

bool Worker::check_end(Container& on) {
  if (!on.ended) return true;
  const std::string code = about(on, "ending.code");
  if (code == std::to_string(*on.ended)) return true;
  return wrong(on, "it ended with " + std::to_string(*on.ended) + ", and recorded is " + code);
}

std::vector<std::string> Worker::words_to_make(Container& on, std::vector<std::string> words) {
  on.code = 1 + static_cast<int>(random(100));
  on.adopts = random(2) == 0;
  if (on.adopts) words.insert(words.end(), {"--on-supervisor-death", "adopt"});
  words.insert(words.end(), {"--name", on.name, "--", "sh", "-c",
                             "trap 'exit " + std::to_string(on.code) + "' TERM; echo up; sleep " +
                                 setting_.marker + " & wait"});
  return words;
}

bool Worker::start(Container& on) {
  const Call done = nucleus(on, words_to_make(on, {"run", "-d"}));
  if (!expect(on, done, 0, "run --detach")) return false;
  on.state = State::running;
  on.ended.reset();
  on.descriptors = on.execs = 0;
  return true;
}

bool Worker::create(Container& on) {
  const Call done = nucleus(on, words_to_make(on, {"create"}));
  if (!expect(on, done, 0, "create")) return false;
  on.state = State::created;
  on.ended.reset();
  on.descriptors = on.execs = 0;
  return true;
}

bool Worker::start_again(Container& on) {
  if (!expect(on, nucleus(on, {"start", on.name}), 0, "start")) return false;
  on.state = State::running;
  on.ended.reset();
  on.descriptors = on.execs = 0;
  return true;
}

// Under the same supervisor, where there is one: nothing piles up in it.
bool Worker::restart(Container& on) {
  if (!expect(on, nucleus(on, {"restart", "--time", "30", on.name}), 0, "restart")) return false;
  if (on.state == State::stopped || on.adopts) on.descriptors = 0;
  on.state = State::running;
  on.ended.reset();
  on.execs = 0;
  return true;
}

bool Worker::exec(Container& on) {
  const int code = static_cast<int>(random(120));
  return expect(on, nucleus(on, {"exec", on.name, "sh", "-c", "exit " + std::to_string(code)}),
                code, "exec");
}

bool Worker::exec_detached(Container& on) {
  ++on.execs;
  return expect(on, nucleus(on, {"exec", "--detach", on.name, "sleep", setting_.marker}), 0,
                "exec --detach");
}

// Its trap may not be there yet: then the signal itself ends it.
bool Worker::stop(Container& on) {
  if (!expect(on, nucleus(on, {"stop", "--time", "30", on.name}), 0, "stop")) return false;
  on.state = State::stopped;
  const std::string code = about(on, "ending.code");
  if (code != std::to_string(on.code) && code != "143")
    return wrong(on,
                 "it ends with " + std::to_string(on.code) + " by TERM, and recorded is " + code);
  on.ended = std::stoi(code);
  return check_end(on);
}

bool Worker::kill(Container& on) {
  if (!expect(on, nucleus(on, {"kill", on.name}), 0, "kill")) return false;
  on.ended = 137;
  on.state = State::stopped;
  return settle(on, "stopped") && check_end(on);
}

bool Worker::remove(Container& on) {
  const bool force = on.state != State::stopped || random(2) == 0;
  std::vector<std::string> words = {"rm", on.name};
  if (force) words.insert(words.begin() + 1, "--force");
  if (!expect(on, nucleus(on, words), 0, "rm")) return false;
  on.state = State::none;
  return true;
}

bool Worker::rename(Container& on) {
  const std::string name = "s" + std::to_string(index_) + "-r" + std::to_string(++renamed_);
  if (!expect(on, nucleus(on, {"rename", on.name, name}), 0, "rename")) return false;
  on.name = name;
  return true;
}

bool Worker::pause(Container& on) {
  if (!expect(on, nucleus(on, {"pause", on.name}), 0, "pause")) return false;
  on.state = State::paused;
  return true;
}

bool Worker::resume(Container& on) {
  if (!expect(on, nucleus(on, {"resume", on.name}), 0, "resume")) return false;
  on.state = State::running;
  return true;
}

bool Worker::logs(Container& on) {
  const auto until = Clock::now() + kPatience;
  for (;;) {
    const Call done = nucleus(on, {"logs", on.name});
    if (!expect(on, done, 0, "logs")) return false;
    if (done.out.starts_with("up\n") || on.state != State::running) return true;
    if (Clock::now() > until) return wrong(on, "its output is not in its log: " + done.text());
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

bool Worker::inspect(Container& on) {
  const char* const status = on.state == State::created   ? "created"
                             : on.state == State::running ? "running"
                             : on.state == State::paused  ? "paused"
                                                          : "stopped";
  const std::string found = about(on, "status");
  if (found != status) return wrong(on, std::string("it should be ") + status + " and is " + found);
  if (on.state == State::stopped) return check_end(on);
  // Nothing piles up in its supervisor; a client on its way out may still be seen.
  const std::string pid = about(on, "supervisor");
  if (on.descriptors == 0) on.descriptors = descriptors_of(pid) + 2;
  const auto until = Clock::now() + kPatience;
  while (descriptors_of(pid) > on.descriptors + 2 * on.execs + 4) {
    if (Clock::now() > until)
      return wrong(on,
                   "its supervisor has " + std::to_string(descriptors_of(pid)) + " descriptors");
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return true;
}

// What was begun by exec goes; the container itself stays as it is.
bool Worker::change_supervisor(Container& on, const std::string& before) {
  const auto until = Clock::now() + kPatience;
  for (std::string now; now.empty() || now == before; now = about(on, "supervisor")) {
    if (Clock::now() > until) return wrong(on, "nobody takes over");
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  on.descriptors = on.execs = 0;
  return inspect(on);
}

bool Worker::lose_supervisor(Container& on) {
  const std::string pid = about(on, "supervisor");
  if (pid.empty() || pid.find_first_not_of("0123456789") != std::string::npos)
    return wrong(on, "it has no supervisor: " + pid);
  on.history.push_back("kill -9 of its supervisor " + pid);
  // One that has been killed often has nobody that stands by any more.
  const bool adopts = on.adopts && !about(on, "stand_by").empty();
  if (::kill(std::stoi(pid), SIGKILL) < 0) return wrong(on, "its supervisor is gone");
  if (adopts) return change_supervisor(on, pid);
  if (!settle(on, "lost")) return false;
  on.ended.reset();
  on.state = State::stopped;
  // Either is the way on; nothing else is asked of it before.
  return random(2) == 0 ? start_again(on) : remove(on);
}

// Killed at any moment, so that either of the two is right afterwards; then it goes.
bool Worker::kill_client(Container& on) {
  const std::chrono::microseconds after(random(12'000));
  std::vector<std::string> words;
  if (on.state == State::none) {
    words = {"run", "-d", "--name", on.name, "--", "sleep", setting_.marker};
  } else {
    switch (random(5)) {
      case 0: words = {"exec", on.name, "sleep", setting_.marker}; break;
      case 1: words = {"stop", "--time", "1", on.name}; break;
      case 2: words = {"rm", "--force", on.name}; break;
      case 3: words = {"restart", "--time", "1", on.name}; break;
      default: words = {"exec", "--detach", on.name, "sleep", setting_.marker}; break;
    }
  }
  (void)nucleus(on, words, after);
  // One whose start was asked for may be there only a moment later: main removes it at the end.
  const auto until = Clock::now() + kPatience;
  for (;;) {
    const Call done = nucleus(on, {"rm", "--force", on.name});
    if (done.code == 0 || done.err.find("cannot find the container") != std::string::npos) break;
    if (Clock::now() > until) return wrong(on, "it cannot be removed: " + done.text());
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  on.state = State::none;
  on.ended.reset();
  // Another name: one that is still on its way has the old one.
  on.name = "s" + std::to_string(index_) + "-k" + std::to_string(++renamed_);
  return true;
}

bool Worker::step(Container& on) {
  const std::uint32_t choice = random(100);
  switch (on.state) {
    case State::none:
      if (choice < 15) return kill_client(on);
      return choice < 35 ? create(on) : start(on);
    case State::created:
      if (choice < 60) return choice < 50 ? start_again(on) : restart(on);
      return choice < 80 ? inspect(on) : remove(on);
    case State::running:
      if (choice < 30) return exec(on);
      if (choice < 36) return exec_detached(on);
      if (choice < 46) return inspect(on);
      if (choice < 54) return choice < 50 ? logs(on) : restart(on);
      if (choice < 64) return stop(on);
      if (choice < 70) return kill(on);
      if (choice < 76) return rename(on);
      if (choice < 82) return setting_.cgroups ? pause(on) : inspect(on);
      if (choice < 88) return lose_supervisor(on);
      if (choice < 94) return kill_client(on);
      return remove(on);
    case State::paused:
      if (choice < 60) return resume(on);
      if (choice < 70) return inspect(on);
      if (choice < 80) return lose_supervisor(on);
      if (choice < 85) return restart(on);
      return choice < 92 ? stop(on) : remove(on);
    case State::stopped:
      if (choice < 50) return choice < 40 ? start_again(on) : restart(on);
      if (choice < 70) return inspect(on);
      return choice < 80 ? rename(on) : remove(on);
  }
  return true;
}

bool Worker::start_all() {
  return std::ranges::all_of(containers_, [this](Container& on) { return start(on); });
}

bool Worker::run(Clock::time_point until) {
  while (Clock::now() < until) {
    if (!step(containers_[random(static_cast<std::uint32_t>(containers_.size()))])) return false;
  }
  return true;
}

bool Worker::remove_all() {
  return std::ranges::all_of(containers_, [this](Container& on) {
    return on.state == State::none || (inspect(on) && remove(on));
  });
}

}  // namespace nucleus::stress
