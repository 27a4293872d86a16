// What limits and measures come to, by controller and free of any layout. Internal to resources/.
#pragma once

#include <string>
#include <vector>

#include "resources/cgroup_plan.h"
#include "spec/container_spec.h"

namespace nucleus::resources {

struct Wish {
  const char* controller;
  std::string flag;
  bool asked;  // refused when it cannot be met; otherwise left out with a note
  std::vector<LimitFile> v1, v2;
};

[[nodiscard]] std::vector<Wish> wishes(const spec::Resources& resources, Extras extras);

}  // namespace nucleus::resources
