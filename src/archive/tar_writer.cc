#include <algorithm>
#include <cerrno>
#include <cstring>

#include "archive/tar.h"
#include "sys/file.h"

namespace nucleus::archive {
namespace {

constexpr std::size_t kBlock = 512;
constexpr std::size_t kBuffer = 64U << 10;
constexpr std::size_t kMostName = 100;
constexpr std::uint64_t kMostSize = 077'777'777'777ULL;
constexpr std::uint32_t kMostId = 07'777'777U;

void octal(char* field, std::size_t width, std::uint64_t value) {
  field[width - 1] = '\0';
  for (std::size_t at = width - 1; at-- > 0; value /= 8)
    field[at] = static_cast<char>('0' + value % 8);
}

char type_of(EntryKind kind) {
  switch (kind) {
    case EntryKind::file: return '0';
    case EntryKind::hardlink: return '1';
    case EntryKind::symlink: return '2';
    case EntryKind::directory: return '5';
    case EntryKind::other: break;
  }
  return '0';
}

// "LENGTH KEY=VALUE\n", where the length counts itself.
std::string pax_record(const std::string& key, const std::string& value) {
  const std::size_t bare = key.size() + value.size() + 3;
  std::size_t length = bare + 1;
  while (length != bare + std::to_string(length).size()) ++length;
  return std::to_string(length) + " " + key + "=" + value + "\n";
}

}  // namespace

Result<> TarWriter::flush() {
  const auto written = sys::write_all(fd_, buffer_, "the archive");
  buffer_.clear();
  return written;
}

Result<> TarWriter::put(std::string_view bytes) {
  buffer_.append(bytes);
  return buffer_.size() < kBuffer ? Result<>() : flush();
}

Result<> TarWriter::header(const Entry& entry, char type) {
  std::array<char, kBlock> block{};
  const auto field = [&](std::size_t at, std::size_t width, std::string_view text) {
    std::memcpy(block.data() + at, text.data(), std::min(text.size(), width));
  };
  field(0, kMostName, entry.path);
  octal(block.data() + 100, 8, entry.mode & 07777U);
  octal(block.data() + 108, 8, std::min(entry.uid, kMostId));
  octal(block.data() + 116, 8, std::min(entry.gid, kMostId));
  octal(block.data() + 124, 12, std::min(entry.size, kMostSize));
  octal(block.data() + 136, 12, static_cast<std::uint64_t>(std::max<std::int64_t>(entry.mtime, 0)));
  field(148, 8, "        ");
  block[156] = type;
  field(157, kMostName, entry.link);
  field(257, 8, std::string_view("ustar\00000", 8));
  unsigned sum = 0;
  for (const char byte : block) sum += static_cast<unsigned char>(byte);
  octal(block.data() + 148, 7, sum);
  return put({block.data(), block.size()});
}

Result<> TarWriter::entry(const Entry& entry) {
  Entry named = entry;
  if (entry.kind == EntryKind::directory && !named.path.ends_with('/')) named.path += '/';
  if (entry.kind != EntryKind::file) named.size = 0;
  std::string pax;
  if (named.path.size() > kMostName) pax += pax_record("path", named.path);
  if (named.link.size() > kMostName) pax += pax_record("linkpath", named.link);
  if (named.size > kMostSize) pax += pax_record("size", std::to_string(named.size));
  if (named.uid > kMostId) pax += pax_record("uid", std::to_string(named.uid));
  if (named.gid > kMostId) pax += pax_record("gid", std::to_string(named.gid));
  if (!pax.empty()) {
    const Entry extension{.path = "pax-header", .link = {}, .mode = 0600, .size = pax.size()};
    NUCLEUS_CHECK(header(extension, 'x'));
    pax.append((kBlock - pax.size() % kBlock) % kBlock, '\0');
    NUCLEUS_CHECK(put(pax));
  }
  left_ = named.size;
  padding_ = (kBlock - left_ % kBlock) % kBlock;
  return header(named, type_of(named.kind));
}

Result<> TarWriter::data(std::string_view bytes) {
  if (bytes.size() > left_)
    return fail(Kind::runtime, EOVERFLOW, "write", "the archive", "a file is larger than told");
  left_ -= bytes.size();
  NUCLEUS_CHECK(put(bytes));
  return left_ == 0 ? put(std::string(std::exchange(padding_, 0), '\0')) : Result<>();
}

Result<> TarWriter::finish() {
  NUCLEUS_CHECK(put(std::string(2 * kBlock, '\0')));
  return flush();
}

}  // namespace nucleus::archive
