#include "container/attestation.h"

#include <fcntl.h>

#include "filesystem/manifest.h"
#include "sys/file.h"

namespace nucleus::container {

Result<std::string> attest(const std::string& path) {
  const auto top = NUCLEUS_TRY(sys::open_at(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0,
                                            "read the rootfs", Kind::usage));
  return filesystem::rootfs_digest(top.get());
}

Result<> check_attestation(int rootfs, const std::string& path, const std::string& digest) {
  // The other descriptor is one that reads nothing (O_PATH).
  const auto top =
      NUCLEUS_TRY(sys::open_at(rootfs, ".", O_RDONLY | O_DIRECTORY, 0, "read the --rootfs"));
  const std::string found = NUCLEUS_TRY(filesystem::rootfs_digest(top.get()));
  if (found == digest) return {};
  return fail(Kind::usage, 0, "trust the --rootfs", path,
              "its digest is " + found + ", not that of --rootfs-sha256: it was changed");
}

}  // namespace nucleus::container
