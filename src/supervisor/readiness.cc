#include "supervisor/readiness.h"

#include <algorithm>
#include <cerrno>
#include <utility>

namespace nucleus::supervisor {
namespace {

constexpr std::chrono::milliseconds kOneLook{5000};
constexpr std::chrono::milliseconds kLongestPause{1000};

}  // namespace

Readiness::Readiness(sys::EventLoop& loop, const spec::ContainerSpec& spec, container::Life& life,
                     Done done)
    : loop_(loop),
      spec_(spec),
      done_(std::move(done)),
      prober_(loop, spec, spec.supervision.readiness.probe, life, "readiness") {
  if (spec.supervision.readiness.probe.kind != spec::ProbeKind::sd_notify)
    next_ = loop_.after(std::chrono::milliseconds(0), [this] { look(); });
  deadline_ = loop_.after(spec.supervision.readiness.timeout, [this] { too_late(); });
}

Readiness::~Readiness() {
  loop_.cancel(next_);
  loop_.cancel(deadline_);
}

void Readiness::look() {
  next_ = 0;
  prober_.begin(std::min(kOneLook, spec_.supervision.readiness.timeout),
                [this](const Prober::Answer& answer) {
                  if (answer.good) return tell({});
                  output_ = answer.output;
                  next_ = loop_.after(pause_, [this] { look(); });
                  pause_ = std::min(pause_ * 2, kLongestPause);
                });
}

// Once: the other way to an end may be due in the same round.
void Readiness::tell(const Result<>& result) {
  if (const Done done = std::exchange(done_, nullptr)) done(result);
}

void Readiness::too_late() {
  deadline_ = 0;
  const auto timeout = spec_.supervision.readiness.timeout;
  const spec::ProbeKind kind = spec_.supervision.readiness.probe.kind;
  const std::string last =
      kind == spec::ProbeKind::sd_notify
          ? "it has not written READY=1 to its NOTIFY_SOCKET (--readiness-sd-notify)"
          : "the last word of " +
                std::string(kind == spec::ProbeKind::exec ? "--readiness-exec"
                                                          : "--readiness-tcp") +
                ": " + (output_.empty() ? "none" : output_);
  tell(fail(Kind::runtime, ETIMEDOUT, "start", "the container",
            "it was not ready after " + std::to_string(timeout.count()) +
                " ms (--readiness-timeout) and was stopped; " + last));
}

}  // namespace nucleus::supervisor
