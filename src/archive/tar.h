// tar as a stream: POSIX ustar with pax headers (pax(1), "ustar Interchange Format"); what GNU tar
// writes is read as well, without its sparse files.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"

namespace nucleus::archive {

enum class EntryKind { file, directory, symlink, hardlink, other };

struct Entry {
  EntryKind kind = EntryKind::file;
  std::string path;  // as it stands in the archive: it may say anything
  std::string link;  // of a link
  std::uint32_t mode = 0;
  std::uint32_t uid = 0, gid = 0;
  std::int64_t mtime = 0;  // seconds
  std::uint64_t size = 0;  // of a file's bytes, which follow
};

class TarWriter {
 public:
  explicit TarWriter(int fd) : fd_(fd) {}

  /// Exactly entry.size bytes of data() must follow.
  [[nodiscard]] Result<> entry(const Entry& entry);
  [[nodiscard]] Result<> data(std::string_view bytes);
  /// The end of the archive.
  [[nodiscard]] Result<> finish();

 private:
  Result<> header(const Entry& entry, char type);
  Result<> put(std::string_view bytes);
  Result<> flush();

  int fd_;
  std::uint64_t left_ = 0, padding_ = 0;  // of the file at hand
  std::string buffer_;
};

class TarReader {
 public:
  explicit TarReader(int fd) : fd_(fd) {}

  /// The next entry; nothing at the end. Errors: Kind::usage, it is no archive or a broken one.
  [[nodiscard]] Result<std::optional<Entry>> next();

  /// Some of the bytes of the entry at hand; empty at their end. Valid until the next call.
  [[nodiscard]] Result<std::string_view> data();

  /// Reads what follows the end, so that who writes it is not stopped.
  void drain();

 private:
  static constexpr std::size_t kBlock = 512;

  Result<bool> block();
  Result<> skip();
  Result<std::string> text(std::uint64_t size);
  Result<std::size_t> fill();

  int fd_;
  std::array<char, kBlock> block_{};
  std::array<char, 64U << 10> buffer_{};
  std::size_t begin_ = 0, end_ = 0;       // what of the buffer is still to be taken
  std::uint64_t left_ = 0, padding_ = 0;  // of the entry at hand
};

}  // namespace nucleus::archive
