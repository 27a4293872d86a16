// The devices of a container's cgroup: the lines of v1's devices.allow, and the program that says
// the same on v2.
//
// A second lock: a container has no node of another device, and cannot make one.
#pragma once

#include <linux/bpf.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"

namespace nucleus::resources {

struct DeviceRule {
  std::uint32_t major = 0;
  std::optional<std::uint32_t> minor = {};  // nothing: every one
  bool block = false;
  bool read = true, write = true;

  /// "c 10:229 rw", as devices.allow takes it: cgroup-v1/devices.rst.
  [[nodiscard]] std::string text() const;
};

/// null, zero, full, random, urandom, tty, and terminals.
[[nodiscard]] std::span<const DeviceRule> usual_devices();

/// A program for BPF_PROG_TYPE_CGROUP_DEVICE that allows what a rule names and nothing else.
/// Source: bpf(2), cgroup-v2.rst "Device controller". Kernel 4.15.
[[nodiscard]] std::vector<bpf_insn> device_program(std::span<const DeviceRule> rules);

/// Loads the program and attaches it to a v2 cgroup, which keeps it until it is removed.
[[nodiscard]] Result<> attach_devices(int cgroup, std::span<const DeviceRule> rules);

}  // namespace nucleus::resources
