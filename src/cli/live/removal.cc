// The verbs that remove: rm, and delete, as the OCI's runtimes call it.
#include <algorithm>
#include <cerrno>
#include <cstdint>

#include "cli/live/asking.h"
#include "cli/live/audited.h"
#include "cli/live/containers.h"
#include "cli/print.h"
#include "cli/verb.h"
#include "container/record.h"
#include "container/volumes.h"

namespace nucleus::cli {
namespace {

Result<> remove_one(const store::Store& store, const std::string& id, const std::string& word,
                    bool force) {
  const store::Listed listed = store.read(id);
  // One whose record cannot be read goes as well, when that is meant.
  if (listed.error && !force) {
    Error error = *listed.error;
    if (error.hint.empty()) error.hint = "nucleus rm --force removes it all the same";
    return std::unexpected(std::move(error));
  }
  auto held = store.hold(id);
  if (!held && held.error().errnum == EBUSY) {
    if (!force) {
      return fail(Kind::usage, EBUSY, "remove the container", word,
                  "it is " + status_text(listed) + ": stop it first, or add --force");
    }
    const auto answer = ask_whoever(store, id, {{"op", "remove"}, {"timeout_ms", 0}});
    if (!answer && !is_gone(answer.error())) return std::unexpected(answer.error());
    held = store.hold(id);
    if (!held) return held.error().errnum == ENOENT ? Result<>() : std::unexpected(held.error());
  }
  if (!held) {
    if (!force) return std::unexpected(held.error());
    return store.remove_unreadable(id);
  }
  NUCLEUS_CHECK(audited(store, held->entry(), "rm", {}, [&]() -> Result<> {
    note(store, held->entry(), "remove");
    held->remove();
    return {};
  }));
  // What its dead supervisor left, a frozen process for one, goes at once.
  if (listed.lost) container::reclaim_dead(store.root(), SIZE_MAX);
  return {};
}

// The named volumes of a container, as they are kept here.
std::vector<spec::Volume> named_volumes(const store::Store& store, const std::string& id) {
  auto spec = store.spec(id);
  if (!spec) return {};
  std::erase_if(spec->volumes, [](const spec::Volume& volume) { return volume.name.empty(); });
  return std::move(spec->volumes);
}

// A container that is there keeps its volumes, whether it runs or not.
std::string other_user(const store::Store& store, const spec::Volume& volume) {
  for (const store::Listed& listed : store.list()) {
    const auto others = named_volumes(store, listed.id);
    if (std::ranges::find(others, volume.source, &spec::Volume::source) != others.end())
      return listed.entry && !listed.entry->name.empty() ? listed.entry->name : listed.id;
  }
  return {};
}

Result<> remove_volumes(const store::Store& store, const std::vector<spec::Volume>& volumes) {
  for (const spec::Volume& volume : volumes) {
    const auto found = container::find_volume(volume.name);
    if (!found && found.error().errnum == ENOENT) continue;
    if (!found) return std::unexpected(found.error());
    if (found->path != volume.source) {
      return fail(Kind::runtime, 0, "remove the volume", volume.name,
                  "the container's is " + volume.source + ", yours of this name " + found->path);
    }
    if (const std::string other = other_user(store, volume); !other.empty()) {
      complain("the volume " + volume.name + " stays: the container " + other + " has it too");
      continue;
    }
    NUCLEUS_CHECK(container::remove_volume(volume.name));
  }
  return {};
}

int remove_main(const config::VerbText& text, int argc, char** argv) {
  std::optional<std::string> root;
  std::optional<bool> force;
  std::optional<bool> volumes;
  Parser parser(text);
  parser.bind("root", root);
  parser.bind("force", force);
  parser.bind("volumes", volumes);
  const Words words = parse_words(parser, text, argc, argv, 1, kMany);
  if (words.exit) return *words.exit;
  const auto store = open_store(root);
  if (!store) return complain_of(store.error());
  return for_each_container(
      *store, words.list, [&](const std::string& id, const std::string& word) -> Result<> {
        const auto kept =
            volumes.value_or(false) ? named_volumes(*store, id) : std::vector<spec::Volume>();
        NUCLEUS_CHECK(remove_one(*store, id, word, force.value_or(false)));
        NUCLEUS_CHECK(remove_volumes(*store, kept));
        return print_word(word);
      });
}

}  // namespace

int rm_main(int argc, char** argv) { return remove_main(kRmText, argc, argv); }

int delete_main(int argc, char** argv) { return remove_main(kDeleteText, argc, argv); }

}  // namespace nucleus::cli
