// Which ids of the host a container's ids are: user_namespaces(7), subuid(5), newuidmap(1).
//
// Root gives each container a range of its own, so that two containers never share an id and none
// is the host's. An ordinary user's container has the user as its id 0, and the subordinate ids
// behind it where there are any.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "spec/container_spec.h"
#include "sys/unique_fd.h"

namespace nucleus::isolation {

struct IdRange {
  std::uint32_t inside = 0;
  std::uint32_t outside = 0;
  std::uint32_t count = 0;
  friend bool operator==(const IdRange&, const IdRange&) = default;
};

/// How the maps get into the kernel.
enum class MapWriter { none, direct, helpers };

struct IdMaps {
  std::vector<IdRange> uids;
  std::vector<IdRange> gids;
  MapWriter writer = MapWriter::direct;
  bool deny_setgroups =
      false;            // user_namespaces(7): what an unprivileged writer of gid_map must do first
  sys::UniqueFd lease;  // holds the range of a root container for as long as it is open
};

/// Who calls, as far as id maps are concerned. Read once by container/.
struct Caller {
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::string user_name;  // for subuid(5); empty when the uid has no name
};

/// Chooses the maps for `identity`. `state_root` holds the lock file of root's ranges; without it
/// none is leased, and the maps only show what they would be.
/// Errors: Kind::usage when the identity lies outside what the caller may map, naming the cure.
[[nodiscard]] Result<IdMaps> choose_maps(const spec::ContainerSpec& spec, const Caller& caller,
                                         const std::optional<std::string>& state_root,
                                         std::vector<std::string>& notes);

/// The ranges of `user` (by name or number) in a subuid(5) text.
[[nodiscard]] std::vector<IdRange> parse_subids(const std::string& text, const Caller& caller);

/// The host's id behind an id of the container; nothing when it is not mapped.
[[nodiscard]] std::optional<std::uint32_t> host_id(const std::vector<IdRange>& ranges,
                                                   std::uint32_t inside);

/// "0 1879048192 65536\n": the text of /proc/PID/uid_map.
[[nodiscard]] std::string map_text(const std::vector<IdRange>& ranges);

/// Writes both maps for process `pid`, which waits in its new user namespace.
/// Source: user_namespaces(7), "User and group ID mappings". Kernel 3.8.
[[nodiscard]] Result<> write_maps(pid_t pid, const IdMaps& maps);

}  // namespace nucleus::isolation
