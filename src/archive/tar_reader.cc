#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>

#include "archive/tar.h"

namespace nucleus::archive {
namespace {

// Of a name, or of all the records before one entry.
constexpr std::uint64_t kMostText = 1U << 20;

std::unexpected<Error> broken(const char* why) {
  return fail(Kind::usage, 0, "understand", "the tar archive", why);
}

// Octal digits, or GNU's base-256 with the highest bit set.
std::optional<std::uint64_t> number(std::string_view field) {
  if (!field.empty() && (static_cast<unsigned char>(field[0]) & 0x80U) != 0) {
    if ((static_cast<unsigned char>(field[0]) & 0x40U) != 0) return 0;  // a negative time
    std::uint64_t value = static_cast<unsigned char>(field[0]) & 0x3fU;
    for (const char byte : field.substr(1)) {
      if (value >> 56U != 0) return std::nullopt;
      value = value << 8U | static_cast<unsigned char>(byte);
    }
    return value;
  }
  while (!field.empty() && field.front() == ' ') field.remove_prefix(1);
  std::uint64_t value = 0;
  std::size_t at = 0;
  for (; at < field.size() && field[at] >= '0' && field[at] <= '7'; ++at) {
    if (value >> 60U != 0) return std::nullopt;
    value = value << 3U | static_cast<std::uint64_t>(field[at] - '0');
  }
  if (at < field.size() && field[at] != '\0' && field[at] != ' ') return std::nullopt;
  return value;
}

std::string_view words(const char* at, std::size_t width) { return {at, ::strnlen(at, width)}; }

struct Overrides {
  std::optional<std::string> path, link;
  std::optional<std::uint64_t> size, uid, gid, mtime;
};

std::optional<std::uint64_t> decimal(std::string_view text) {
  std::uint64_t value = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
  if (read.ec != std::errc()) return std::nullopt;
  // Times have a fraction.
  return read.ptr == text.data() + text.size() || *read.ptr == '.' ? std::optional(value)
                                                                   : std::nullopt;
}

bool take_pax(std::string_view text, Overrides& into) {
  while (!text.empty() && text.front() != '\0') {
    std::size_t length = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), length);
    const auto digits = static_cast<std::size_t>(read.ptr - text.data());
    if (read.ec != std::errc() || length <= digits + 1 || length > text.size() ||
        text[digits] != ' ' || text[length - 1] != '\n')
      return false;
    const std::string_view record = text.substr(digits + 1, length - digits - 2);
    const std::size_t equals = record.find('=');
    if (equals == std::string_view::npos) return false;
    const std::string_view key = record.substr(0, equals);
    const std::string_view value = record.substr(equals + 1);
    if (key == "path") into.path = std::string(value);
    if (key == "linkpath") into.link = std::string(value);
    if (key == "size" && !(into.size = decimal(value))) return false;
    if (key == "uid" && !(into.uid = decimal(value))) return false;
    if (key == "gid" && !(into.gid = decimal(value))) return false;
    if (key == "mtime") into.mtime = value.starts_with('-') ? 0 : decimal(value);
    if (key.starts_with("GNU.sparse")) return false;
    text.remove_prefix(length);
  }
  return true;
}

EntryKind kind_of(char type) {
  switch (type) {
    case '0':
    case '7':
    case '\0': return EntryKind::file;
    case '1': return EntryKind::hardlink;
    case '2': return EntryKind::symlink;
    case '5': return EntryKind::directory;
    default: return EntryKind::other;
  }
}

}  // namespace

Result<std::size_t> TarReader::fill() {
  if (begin_ < end_) return end_ - begin_;
  begin_ = end_ = 0;
  for (;;) {
    const ssize_t got = ::read(fd_, buffer_.data(), buffer_.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail(Kind::runtime, errno, "read", "the tar archive");
    end_ = static_cast<std::size_t>(got);
    return end_;
  }
}

// One header's worth; false at the end of the file.
Result<bool> TarReader::block() {
  std::size_t have = 0;
  while (have < kBlock) {
    const std::size_t got = std::min(NUCLEUS_TRY(fill()), kBlock - have);
    if (got == 0 && have == 0) return false;
    if (got == 0) return broken("it ends in the middle");
    std::memcpy(block_.data() + have, buffer_.data() + begin_, got);
    begin_ += got;
    have += got;
  }
  return true;
}

Result<std::string_view> TarReader::data() {
  if (left_ == 0) return std::string_view();
  const std::size_t got = NUCLEUS_TRY(fill());
  if (got == 0) return broken("it ends in the middle of a file");
  const auto taken = static_cast<std::size_t>(std::min<std::uint64_t>(got, left_));
  const std::string_view bytes(buffer_.data() + begin_, taken);
  begin_ += taken;
  left_ -= taken;
  return bytes;
}

Result<> TarReader::skip() {
  while (!NUCLEUS_TRY(data()).empty()) {
  }
  left_ = std::exchange(padding_, 0);
  while (!NUCLEUS_TRY(data()).empty()) {
  }
  return {};
}

Result<std::string> TarReader::text(std::uint64_t size) {
  if (size > kMostText) return broken("a name is too long");
  left_ = size;
  padding_ = (kBlock - size % kBlock) % kBlock;
  std::string out;
  for (;;) {
    const std::string_view bytes = NUCLEUS_TRY(data());
    if (bytes.empty()) break;
    out.append(bytes);
  }
  NUCLEUS_CHECK(skip());
  return out;
}

Result<std::optional<Entry>> TarReader::next() {
  NUCLEUS_CHECK(skip());
  Overrides over;
  for (;;) {
    if (!NUCLEUS_TRY(block())) return std::optional<Entry>();
    if (std::ranges::all_of(block_, [](char byte) { return byte == '\0'; }))
      return std::optional<Entry>();
    unsigned sum = 0;
    for (std::size_t at = 0; at < kBlock; ++at)
      sum += static_cast<unsigned char>(at >= 148 && at < 156 ? ' ' : block_[at]);
    const auto field = [&](std::size_t at, std::size_t width) {
      return number({block_.data() + at, width});
    };
    if (field(148, 8) != sum) return broken("it is none, or it is damaged");
    const auto size = field(124, 12);
    const auto mode = field(100, 8), uid = field(108, 8), gid = field(116, 8),
               time = field(136, 12);
    if (!size || !mode || !uid || !gid || !time) return broken("a number in it is none");
    const char type = block_[156];
    if (type == 'x' || type == 'g' || type == 'L' || type == 'K') {
      std::string extension = NUCLEUS_TRY(text(*size));
      if (type == 'L') over.path = extension.c_str();
      if (type == 'K') over.link = extension.c_str();
      if (type == 'x' && !take_pax(extension, over))
        return broken("a pax header in it is damaged, or of a sparse file");
      continue;
    }
    if (type == 'S') return broken("sparse files of GNU tar are not understood");
    Entry entry;
    entry.kind = kind_of(type);
    entry.path = words(block_.data(), 100);
    // Only ustar has a prefix: GNU tar keeps times there.
    if (std::memcmp(block_.data() + 257, "ustar\0", 6) == 0 && block_[345] != '\0')
      entry.path = std::string(words(block_.data() + 345, 155)) + "/" + entry.path;
    entry.link = words(block_.data() + 157, 100);
    if (over.path) entry.path = *over.path;
    if (over.link) entry.link = *over.link;
    entry.mode = static_cast<std::uint32_t>(*mode & 07777U);
    entry.uid = static_cast<std::uint32_t>(over.uid.value_or(*uid));
    entry.gid = static_cast<std::uint32_t>(over.gid.value_or(*gid));
    entry.mtime = static_cast<std::int64_t>(over.mtime.value_or(*time) & 0x7fff'ffff'ffffULL);
    const std::uint64_t bytes = over.size.value_or(*size);
    if (bytes >> 62U != 0) return broken("a size in it is too large");
    // Old archives mark a directory by its name alone.
    if (entry.kind == EntryKind::file && entry.path.ends_with('/'))
      entry.kind = EntryKind::directory;
    const bool has_bytes = entry.kind == EntryKind::file || entry.kind == EntryKind::other;
    left_ = has_bytes ? bytes : 0;
    padding_ = (kBlock - left_ % kBlock) % kBlock;
    entry.size = entry.kind == EntryKind::file ? bytes : 0;
    if (entry.path.empty() || entry.path.find('\0') != std::string::npos ||
        entry.link.find('\0') != std::string::npos)
      return broken("a name in it is none");
    return entry;
  }
}

void TarReader::drain() {
  for (begin_ = end_; fill().value_or(0) != 0;) begin_ = end_;
}

}  // namespace nucleus::archive
