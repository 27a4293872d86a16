#include <algorithm>
#include <cerrno>

#include "filesystem/context_copy.h"
#include "filesystem/listing.h"

namespace nucleus::filesystem {
namespace {

constexpr unsigned kMaxSearchDepth = 256;

}  // namespace

Result<std::vector<LeftOut>> find_left_out(int source_directory, const NameFilter& filter,
                                           std::size_t max) {
  struct Pending {
    std::string path;
    unsigned depth;
  };
  std::vector<LeftOut> found;
  if (filter.lets_all_through() || max == 0) return found;
  std::vector<Pending> queue;
  queue.push_back({"", 0});
  Listing listing;
  while (!queue.empty() && found.size() < max) {
    const Pending here = std::move(queue.back());
    queue.pop_back();
    const sys::UniqueFd directory = open_below(source_directory, here.path, kOpenDirectory);
    if (!directory.valid()) {
      if (!here.path.empty() && (vanished(errno) || errno == ENOTDIR || errno == ELOOP)) continue;
      return fail(Kind::runtime, errno, "read the directory", here.path.empty() ? "." : here.path,
                  errno == EACCES ? "make it readable or leave it out" : "");
    }
    if (here.depth > kMaxSearchDepth) {
      return fail(
          Kind::runtime, 0, "search the directory", here.path,
          "directories are nested deeper than the limit of " + std::to_string(kMaxSearchDepth));
    }
    for (bool more = true; more;) {
      const ssize_t size = listing.fill(directory.get());
      if (size < 0 && !vanished(errno)) {
        return fail(Kind::runtime, errno, "list the directory", here.path);
      }
      if (size <= 0) break;
      more = for_each_record(listing.records(size), [&](const char* name, unsigned char type) {
        const bool left_out = !filter.lets_through(name);
        if (!left_out && type != DT_DIR && type != DT_UNKNOWN) return true;
        if (type == DT_UNKNOWN) type = look_up_type(directory.get(), name).value_or(DT_UNKNOWN);
        if (left_out) {
          found.push_back({join(here.path, name), type == DT_DIR});
        } else if (type == DT_DIR) {
          queue.push_back({join(here.path, name), here.depth + 1});
        }
        return found.size() < max;
      });
    }
  }
  std::ranges::sort(found, {}, &LeftOut::path);
  return found;
}

}  // namespace nucleus::filesystem
