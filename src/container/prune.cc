#include "container/prune.h"

#include <cstdint>
#include <filesystem>

#include "container/record.h"
#include "container/state_root.h"
#include "store/store.h"

namespace nucleus::container {

Result<Pruned> prune(const std::optional<std::string>& state_root) {
  const std::string root = NUCLEUS_TRY(open_state_root(state_root, read_caller()));
  Pruned pruned;
  pruned.cleared = reclaim_dead(root, SIZE_MAX);
  const store::Store kept(root);
  pruned.cleared += kept.clear_halves();
  // Those that ran in the foreground of a killed nucleus go when they are looked at.
  (void)kept.list();
  NUCLEUS_CHECK(reclaim_names(root));
  std::error_code code;
  for (const auto& entry : std::filesystem::directory_iterator(root + "/state", code)) {
    (void)entry;
    ++pruned.left;
  }
  if (code) {
    return fail(Kind::runtime, code.value(), "list the records in", root + "/state");
  }
  return pruned;
}

}  // namespace nucleus::container
