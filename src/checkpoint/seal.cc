#include "checkpoint/seal.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/sha256.h"
#include "sys/file.h"

namespace nucleus::checkpoint {
namespace {

constexpr const char* kBeside = "checkpoint.hmac.tmp";
constexpr std::size_t kDigits = 64;

std::string trimmed(const std::string& text) {
  const std::size_t first = text.find_first_not_of(" \t\r\n\v\f");
  if (first == std::string::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n\v\f") - first + 1);
}

Result<std::string> read_seal(int directory, const std::string& path) {
  const std::string where = path + "/" + kSealName;
  auto file = sys::open_at(directory, kSealName, O_RDONLY | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK, 0,
                           "open the seal");
  if (!file) {
    file.error().subject = where;
    if (file.error().errnum == ENOENT)
      file.error().hint = "this directory was never sealed, or is no checkpoint";
    if (file.error().errnum == ELOOP) file.error().hint = "it is a symbolic link";
    return std::unexpected(std::move(file.error()));
  }
  struct stat info{};
  if (::fstat(file->get(), &info) < 0) return fail(Kind::runtime, errno, "look at", where);
  if (!S_ISREG(info.st_mode) || info.st_uid != ::geteuid() || (info.st_mode & 022) != 0) {
    return fail(Kind::runtime, EPERM, "trust the seal", where,
                "it must be a file of your own that nobody else may write to");
  }
  constexpr std::size_t kLargest = 4096;
  std::string text = trimmed(NUCLEUS_TRY(sys::read_all(file->get(), where, kLargest)));
  const bool digits = text.size() == kDigits && std::ranges::all_of(text, [](char c) {
                        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
                      });
  if (!digits)
    return fail(Kind::runtime, EINVAL, "understand the seal", where, "it is no 64 digits");
  return text;
}

}  // namespace

Result<Tree> seal(int directory, const std::string& path, const Key& key,
                  const Progress& progress) {
  struct stat info{};
  if (::fstatat(directory, kBeside, &info, AT_SYMLINK_NOFOLLOW) == 0) {
    if (S_ISLNK(info.st_mode)) {
      return fail(Kind::runtime, ELOOP, "write the seal beside", path + "/" + kBeside,
                  "it is a symbolic link");
    }
    if (::unlinkat(directory, kBeside, 0) < 0)
      return fail(Kind::runtime, errno, "remove", path + "/" + kBeside);
  }
  Tree tree = NUCLEUS_TRY(digest_of(directory, path, key.bytes(), progress));
  const auto written = [&]() -> Result<> {
    const auto file = NUCLEUS_TRY(sys::open_at(
        directory, kBeside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600, "write the seal"));
    NUCLEUS_CHECK(sys::write_all(file.get(), tree.digest, path + "/" + kBeside));
    if (::fsync(file.get()) < 0 || ::renameat(directory, kBeside, directory, kSealName) < 0 ||
        ::fsync(directory) < 0)
      return fail(Kind::runtime, errno, "write the seal", path + "/" + kSealName);
    return {};
  }();
  if (written) return tree;
  ::unlinkat(directory, kBeside, 0);
  return std::unexpected(written.error());
}

Result<Verified> verify(int directory, const std::string& path, const std::string& key_path,
                        const Progress& progress) {
  const std::string sealed = NUCLEUS_TRY(read_seal(directory, path));
  std::vector<Key> keys;
  keys.push_back(NUCLEUS_TRY(load_key(key_path)));
  for (Key& key : NUCLEUS_TRY(earlier_keys(key_path))) keys.push_back(std::move(key));
  for (const Key& key : keys) {
    Tree tree = NUCLEUS_TRY(digest_of(directory, path, key.bytes(), progress));
    if (same_in_constant_time(tree.digest, sealed))
      return Verified{.tree = std::move(tree), .key = key.path()};
  }
  return fail(Kind::runtime, EBADMSG, "verify the checkpoint", path,
              "HMAC mismatch: something in it was changed, added or removed since it was sealed, "
              "or it was sealed with another key than " +
                  key_path);
}

}  // namespace nucleus::checkpoint
