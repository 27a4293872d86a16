// Named volumes: directories of nucleus' own that outlive containers and reboots.
//
// ROOT/NAME/data is what a container is shown. ROOT/NAME is its lock, shared by those who use the
// volume: flock(2) on a directory that no container ever sees. Both are for their owner alone.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "sys/unique_fd.h"

namespace nucleus::container {

/// Where the caller's volumes are: $NUCLEUS_DATA_DIR/volumes, or /var/lib/nucleus/volumes for root,
/// or $XDG_DATA_HOME/nucleus/volumes, or ~/.local/share/nucleus/volumes. Empty: there is no such
/// place.
[[nodiscard]] std::string volume_root();

/// A volume in use. Destroying one that was made just now, and not kept, removes it again.
class NamedVolume {
 public:
  NamedVolume() = default;
  NamedVolume(NamedVolume&&) = default;
  NamedVolume& operator=(NamedVolume&&) = default;
  NamedVolume(const NamedVolume&) = delete;
  NamedVolume& operator=(const NamedVolume&) = delete;
  ~NamedVolume();

  /// `path` is ROOT/NAME/data. Without `make`, one that is not there is a volume without a
  /// descriptor. Errors: the place of volumes belongs to another or can be written by others.
  [[nodiscard]] static Result<NamedVolume> open(const std::string& path, bool make);

  [[nodiscard]] int fd() const { return data_.get(); }
  [[nodiscard]] bool fresh() const { return fresh_; }
  void keep() { kept_ = true; }

 private:
  std::string directory_;
  sys::UniqueFd lock_, data_;
  bool fresh_ = false;
  bool kept_ = false;
};

struct VolumeInfo {
  std::string name;
  std::string path;  // of its files, on the host
  std::uint32_t uid = 0, gid = 0;
  std::int64_t created = 0;  // seconds since 1970
  bool in_use = false;       // by a running container
};

/// Every volume of the caller's, by name.
[[nodiscard]] Result<std::vector<VolumeInfo>> list_volumes();
[[nodiscard]] Result<VolumeInfo> find_volume(const std::string& name);
[[nodiscard]] Result<> create_volume(const std::string& name);

/// Errors: EBUSY when a container uses it.
[[nodiscard]] Result<> remove_volume(const std::string& name);

}  // namespace nucleus::container
