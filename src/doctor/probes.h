// The parts of an examination, each in a file of its own. Internal to doctor/.
#pragma once

#include <string>
#include <vector>

#include "doctor/report.h"

namespace nucleus::doctor {

// kernel.cc
std::vector<Item> look_at_kernel();
Item look_at_seccomp();
Item look_at_landlock(int& abi);

// namespaces.cc: user namespaces, tried; with them subordinate ids, overlayfs, idmapped mounts.
std::vector<Item> look_at_namespaces(const isolation::Caller& caller,
                                     const std::optional<isolation::Caller>& behind);

// limits.cc
std::vector<Item> look_at_cgroups(bool root);

// surroundings.cc
std::vector<Item> look_around();

// programs.cc
std::vector<Item> look_for_programs();

/// A command as a person types it.
std::string command_line(const std::vector<std::string>& words);

}  // namespace nucleus::doctor
