// What a tar stream holds, made below a directory, without trust in either: no link is followed on
// the way, ".." leads nowhere, a file appears whole or not at all, and nothing but files,
// directories and links is made.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "archive/place.h"
#include "archive/tar.h"
#include "archive/tree_reader.h"
#include "base/error.h"
#include "sys/unique_fd.h"

namespace nucleus::archive {

struct WriteOptions {
  bool keep_owner = false;   // by number; otherwise files belong to the caller
  bool keep_set_id = false;  // set-user-id and set-group-id bits of files
};

/// Where a copy goes, by the rules of cp(1) and Docker.
struct Landing {
  sys::UniqueFd base;
  std::string root;  // what the first component of all paths becomes; empty: the base itself
};

/// `destination` is as it was typed; the source is a directory or not, its contents alone are
/// wanted, and this is its name. Errors: Kind::usage, they do not go together.
[[nodiscard]] Result<Landing> land(const std::string& destination, Links links,
                                   bool source_is_directory, bool contents,
                                   const std::string& source_name);

class TreeWriter {
 public:
  TreeWriter(Landing landing, WriteOptions options, Notes& notes)
      : landing_(std::move(landing)), options_(options), notes_(notes) {}

  /// One entry with its bytes. `strip`: its first component is the source, and becomes the root.
  [[nodiscard]] Result<> take(const Entry& entry, TarReader& reader, bool strip);

  /// Gives the directories that were made their modes and times.
  [[nodiscard]] Result<> finish();

 private:
  using Parts = std::vector<std::string>;
  [[nodiscard]] Result<Parts> parts_of(const std::string& path, bool strip) const;
  [[nodiscard]] Result<sys::UniqueFd> parent_of(const Parts& parts, const std::string& shown);
  Result<> directory(int parent, const std::string& name, const Entry& entry, const Parts& parts);
  Result<> file(int parent, const std::string& name, const Entry& entry, TarReader& reader);
  Result<> link(int parent, const std::string& name, const Entry& entry);
  Result<> hardlink(int parent, const std::string& name, const Entry& entry, bool strip);
  Result<> own(int fd, const Entry& entry) const;
  [[nodiscard]] std::uint32_t mode_of(const Entry& entry) const;

  struct Made {
    Parts parts;
    Entry entry;
  };
  Landing landing_;
  WriteOptions options_;
  Notes& notes_;
  std::vector<Made> made_;
};

}  // namespace nucleus::archive
