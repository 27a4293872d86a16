#include "supervisor/probe.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "base/visible_text.h"
#include "launch/join.h"
#include "supervisor/connection.h"
#include "supervisor/execs.h"
#include "sys/process_tree.h"

namespace nucleus::supervisor {
namespace {

constexpr std::size_t kMostOutput = 4096;

}  // namespace

std::string probe_text(const std::string& text) {
  std::string out = visible_text(text, kMostOutput);
  while (!out.empty() && out.back() == '\n') out.pop_back();
  return out;
}

Prober::Prober(sys::EventLoop& loop, const spec::ContainerSpec& spec, const spec::Probe& probe,
               container::Life& life, std::string name)
    : loop_(loop), spec_(spec), probe_(probe), life_(life), name_(std::move(name)) {}

Prober::~Prober() {
  loop_.cancel(timer_);
  loop_.unwatch(ended_);
  loop_.unwatch(heard_);
  if (process_.running()) kill_tree();
  leaf_.remove();
}

void Prober::begin(std::chrono::milliseconds timeout, Done done) {
  done_ = std::move(done);
  timeout_ = timeout;
  timed_out_ = false;
  text_.clear();
  if (const auto started = start(); !started) {
    text_ = started.error().text();
    timer_ = loop_.after(std::chrono::milliseconds(0), [this] { answer(false); });
    return;
  }
  ended_ = loop_.watch(process_.pidfd(), POLLIN, [this](short) { end(); });
  heard_ = loop_.watch(output_.get(), POLLIN, [this](short) { read_output(); });
  timer_ = loop_.after(timeout, [this] {
    timer_ = 0;
    timed_out_ = true;
    kill_tree();
  });
}

Result<> Prober::start() {
  int ends[2] = {-1, -1};
  if (::pipe2(ends, O_CLOEXEC) < 0) return fail(Kind::runtime, errno, "make", "a pipe");
  output_.reset(ends[0]);
  const sys::UniqueFd theirs(ends[1]);
  ::fcntl(output_.get(), F_SETFL, O_RDONLY | O_NONBLOCK);
  process_ = NUCLEUS_TRY(probe_.kind == spec::ProbeKind::exec ? start_command(theirs.get())
                                                              : start_connection(theirs.get()));
  return {};
}

Result<sys::Child> Prober::start_command(int output) {
  if (!has_leaf_) leaf_ = NUCLEUS_TRY(resources::Leaf::create(life_.cgroup(), name_));
  has_leaf_ = true;
  spec::ContainerSpec own = spec_;
  own.argv = {"sh", "-c", probe_.text};
  own.terminal = false;
  launch::LaunchPlan plan;
  plan_further(life_, own, plan);
  const sys::UniqueFd nothing(::open("/dev/null", O_RDWR | O_CLOEXEC));
  auto joined = launch::join(plan, {.pidfd = life_.running().pidfd(),
                                    .streams = {nothing.get(), output, output},
                                    .cgroup = &life_.cgroup(),
                                    .leaf = &leaf_});
  if (!joined) {
    leaf_.kill_all();
    return std::unexpected(joined.error());
  }
  return std::move(joined->process);
}

Result<sys::Child> Prober::start_connection(int output) {
  const auto flags =
      static_cast<int>(life_.decision().plan.clone_flags & (CLONE_NEWUSER | CLONE_NEWNET));
  // The host's own network is not to be joined.
  const int joined = (flags & CLONE_NEWNET) != 0 ? flags : 0;
  const pid_t parent = ::getpid();
  return sys::fork_child(
      [&] { return connect_inside(probe_, life_.running().pidfd(), joined, output, parent); });
}

void Prober::read_output() {
  for (int round = 0; round < 16; ++round) {
    std::array<char, kMostOutput> buffer{};
    const ssize_t got = ::read(output_.get(), buffer.data(), buffer.size());
    if (got < 0) return;
    if (got == 0) {
      loop_.unwatch(std::exchange(heard_, 0));
      return;
    }
    // What is too much is read all the same: it must not stand still for it.
    const std::size_t room = kMostOutput - std::min(text_.size(), kMostOutput);
    text_.append(buffer.data(), std::min(static_cast<std::size_t>(got), room));
  }
}

// What it has started goes with it, so that looks never pile up. The number of a process that has
// not been reaped is still its own.
void Prober::kill_tree() {
  if (probe_.kind == spec::ProbeKind::exec) {
    if (leaf_.empty()) {
      sys::kill_tree(process_.pid());
    } else {
      leaf_.kill_all();
    }
  }
  (void)process_.send_signal(SIGKILL);
}

void Prober::end() {
  loop_.unwatch(std::exchange(ended_, 0));
  read_output();
  kill_tree();
  const auto status = process_.wait();
  const bool good = !timed_out_ && status && status->signal == 0 && status->code == 0;
  if (timed_out_) {
    text_ += (text_.empty() ? "" : "\n") + std::string("killed: it took longer than ") +
             std::to_string(timeout_.count()) + " ms";
  } else if (!good && text_.empty()) {
    text_ = !status               ? status.error().text()
            : status->signal != 0 ? "killed by signal " + std::to_string(status->signal)
                                  : "exit code " + std::to_string(status->code);
  }
  answer(good);
}

void Prober::answer(bool good) {
  loop_.cancel(std::exchange(timer_, 0));
  loop_.unwatch(std::exchange(heard_, 0));
  output_.reset();
  process_ = sys::Child();
  // Whoever hears it may destroy us.
  const Done done = std::exchange(done_, nullptr);
  if (done) done({.good = good, .output = probe_text(text_)});
}

}  // namespace nucleus::supervisor
