#include "cli/live/detach.h"

#include "cli/live/containers.h"
#include "cli/print.h"

namespace nucleus::cli {

int detach(const spec::ContainerSpec& spec, const std::string& id,
           const std::optional<std::string>& state_root, supervisor::Wish wish) {
  const auto store = open_store(state_root);
  if (!store) return complain_of(store.error());
  const auto spawned =
      supervisor::spawn({.wish = wish, .root = store->root(), .id = id, .spec = spec});
  if (!spawned) return complain_of(spawned.error());
  for (const std::string& warning : spawned->warnings) complain(warning);
  return print_text(spawned->id + "\n");
}

}  // namespace nucleus::cli
