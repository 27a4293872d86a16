// `nucleus diff`: the private layer of a --rootfs is mounted nowhere that we could look at it, so
// the root that it makes up is listed from inside, and the directory under it from here.
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "archive/listing.h"
#include "cli/live/containers.h"
#include "cli/live/inside.h"
#include "cli/print.h"
#include "cli/verb.h"
#include "control/packet.h"
#include "sys/file.h"

namespace nucleus::cli {
namespace {

// Nucleus' own, written into the layer at each start.
constexpr const char* kOwn[] = {"/etc/hostname", "/etc/hosts", "/etc/resolv.conf"};
constexpr std::size_t kMostBytes = 1U << 30;

Result<archive::Listing> list_own_root(const Result<>& entered) {
  NUCLEUS_CHECK(entered);
  const auto root = NUCLEUS_TRY(sys::open_at(AT_FDCWD, "/", O_PATH | O_DIRECTORY));
  return archive::list_tree(root.get());
}

Result<archive::Listing> list_inside(const Inside& inside) {
  int ends[2] = {-1, -1};
  if (::pipe2(ends, O_CLOEXEC) < 0) return fail(Kind::runtime, errno, "make", "a pipe");
  sys::UniqueFd reader(ends[0]);
  sys::UniqueFd writer(ends[1]);
  auto forked = fork_inside(inside, true, [&](const Result<>& entered) {
    reader.reset();
    const auto listing = list_own_root(entered);
    const std::string said =
        listing ? "ok" + archive::to_bytes(*listing) : control::error_text(listing.error());
    return sys::write_all(writer.get(), said, "the list") ? 0 : 1;
  });
  sys::Child child = NUCLEUS_TRY(std::move(forked));
  writer.reset();
  const std::string said =
      NUCLEUS_TRY(sys::read_all(reader.get(), "the list of the container's files", kMostBytes));
  const auto status = NUCLEUS_TRY(child.wait());
  if (said.starts_with("ok") && status.code == 0 && status.signal == 0)
    return archive::listing_from(said.substr(2));
  NUCLEUS_CHECK(control::answer_of(said));
  return fail(Kind::runtime, 0, "list", "the container's files", "the listing process was killed");
}

Result<std::string> diff(const std::optional<std::string>& root, const std::string& word) {
  const auto store = NUCLEUS_TRY(open_store(root));
  const std::string id = NUCLEUS_TRY(store.resolve(word));
  const spec::ContainerSpec spec = NUCLEUS_TRY(store.spec(id));
  if (!spec.rootfs) {
    return fail(Kind::usage, 0, "list the changes of", word,
                "it has no --rootfs: nothing of its root can change");
  }
  if (spec.read_only) {
    return fail(Kind::usage, 0, "list the changes of", word,
                "its --rootfs is --read-only: nothing of it can change");
  }
  const Inside inside = NUCLEUS_TRY(reach(store, id));
  const auto below = NUCLEUS_TRY(
      sys::open_at(AT_FDCWD, *spec.rootfs, O_PATH | O_DIRECTORY, 0, "open the --rootfs"));
  archive::Listing before = NUCLEUS_TRY(archive::list_tree(below.get()));
  archive::Listing now = NUCLEUS_TRY(list_inside(inside));
  for (const char* own : kOwn) before.erase(own), now.erase(own);
  // Where nothing of it was before, nucleus has made it to mount on.
  for (const char* made : {"/etc", "/tmp", "/proc", "/sys", "/dev"}) {
    const auto next = now.upper_bound(made);
    const bool empty = next == now.end() || !next->first.starts_with(std::string(made) + "/");
    if (empty && !before.contains(made)) now.erase(made);
  }
  return archive::differences(before, now);
}

}  // namespace

int diff_main(int argc, char** argv) {
  std::optional<std::string> root;
  Parser parser(kDiffText);
  parser.bind("root", root);
  const Words words = parse_words(parser, kDiffText, argc, argv, 1, 1);
  if (words.exit) return *words.exit;
  const auto text = diff(root, words.list.front());
  return text ? print_text(*text) : complain_of(text.error());
}

}  // namespace nucleus::cli
