// Answers what a workload without namespaces asks of the seccomp filter: changes of mode and times,
// which Landlock does not hold to places. They are made here, on an object that was opened and
// found to lie in a place that the workload may write to; everywhere else the answer is EPERM.
//
// Source: seccomp_unotify(2). Kernel 5.0.
#pragma once

#include <linux/seccomp.h>

#include <string>
#include <vector>

#include "spec/container_spec.h"
#include "sys/unique_fd.h"

namespace nucleus::container {

class Metadata {
 public:
  /// `writable`: paths of the places, as they were given.
  Metadata(sys::UniqueFd listener, const spec::Identity& identity,
           const std::vector<std::string>& writable);

  /// The descriptor to poll, -1 when nobody can ask any more.
  [[nodiscard]] int fd() const { return listener_.get(); }

  /// Answers one question. Call when poll(2) says that there is one; `revents` are its words.
  void answer(short revents);

 private:
  [[nodiscard]] int act(const seccomp_notif& asked) const;
  [[nodiscard]] bool still_there(const seccomp_notif& asked) const;
  [[nodiscard]] bool is_writable_place(int object) const;

  sys::UniqueFd listener_;
  spec::Identity identity_;
  std::vector<std::string> places_;  // without links
};

}  // namespace nucleus::container
