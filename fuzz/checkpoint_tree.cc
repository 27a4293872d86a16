// A checkpoint's directory as somebody else has left it: each line makes an entry, by its first
// character a file, a directory, a symbolic link or a FIFO, with the rest as its name or content.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "checkpoint/seal.h"

namespace {

namespace fs = std::filesystem;

struct Place {
  std::string path;
  Place() {
    char made[] = "/tmp/nucleus-fuzz-tree-XXXXXX";
    if (::mkdtemp(made) == nullptr) std::abort();
    path = made;
    std::ofstream(path + "/key") << std::string(32, 'k');
    ::chmod((path + "/key").c_str(), 0600);
  }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;
  ~Place() {
    std::error_code code;
    fs::remove_all(path, code);
  }
};

// Whether it is of a kind that no checkpoint has.
bool make(const std::string& tree, std::string_view line) {
  const std::size_t equals = line.find('=');
  std::string name(line.substr(1, equals == std::string_view::npos ? equals : equals - 1));
  const std::string content(equals == std::string_view::npos ? "" : line.substr(equals + 1));
  std::error_code code;
  if (name.empty() || name.size() > 200 || name.find('\0') != std::string::npos) return false;
  if (name.find("..") != std::string::npos || name.front() == '/') return false;
  const std::string path = tree + "/" + name;
  switch (line.front()) {
    case 'd':
      if (fs::create_directory(path, code)) ::chmod(path.c_str(), 0700);
      return false;
    case 'l': return ::symlink(content.c_str(), path.c_str()) == 0;
    case 'p': return ::mkfifo(path.c_str(), 0600) == 0;
    default: {
      const int fd =
          ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
      if (fd < 0) return false;
      (void)!::write(fd, content.data(), content.size());
      ::close(fd);
      return false;
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace checkpoint = nucleus::checkpoint;
  static const Place place;
  const std::string tree = place.path + "/tree";
  fs::remove_all(tree);
  fs::create_directory(tree);
  ::chmod(tree.c_str(), 0700);
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  bool strange = false;
  for (int count = 0; count < 32 && !rest.empty(); ++count) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    if (!line.empty()) strange = make(tree, line) || strange;
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
  }
  const auto key = checkpoint::load_key(place.path + "/key");
  const auto opened = checkpoint::open_checkpoint(tree);
  if (!key || !opened) std::abort();
  const auto sealed = checkpoint::seal(opened->get(), tree, *key);
  // A link may stand where the seal goes, and is replaced by it.
  const auto verified = checkpoint::verify(opened->get(), tree, key->path());
  if (sealed && !verified) std::abort();
  if (sealed && sealed->digest != verified->tree.digest) std::abort();
  if (sealed && strange && !fs::is_regular_file(fs::symlink_status(tree + "/checkpoint.hmac")))
    std::abort();
  return 0;
}
