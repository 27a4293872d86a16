// `nucleus state`: a container as the OCI's runtime-spec has it ("State").
#include <cstring>

#include "base/json_fields.h"
#include "cli/live/containers.h"
#include "cli/verb.h"

namespace nucleus::cli {
namespace {

using json::Json;

// The words of the runtime-spec; "paused" is one that runtimes have added.
const char* oci_status(const store::Listed& listed) {
  if (listed.lost) return "stopped";
  switch (listed.entry->status) {
    case store::Status::creating: return "creating";
    case store::Status::created: return "created";
    case store::Status::running: return "running";
    case store::Status::paused: return "paused";
    case store::Status::stopped:
    case store::Status::failed: return "stopped";
  }
  return "stopped";
}

Json state_of(const store::Store& store, const store::Listed& listed) {
  Json object;
  object["ociVersion"] = "1.0.2";
  object["id"] = listed.id;
  object["status"] = oci_status(listed);
  object["pid"] = std::strcmp(oci_status(listed), "stopped") == 0 ? 0 : listed.entry->pid;
  object["bundle"] = store.directory(listed.id);
  object["annotations"] = Json::object();
  for (const auto& [key, value] : listed.entry->labels) object["annotations"][key] = value;
  return object;
}

// Without a container it is a list, as the reference has it.
int list(const std::optional<std::string>& root, bool all) {
  std::vector<std::string> line = {"ps"};
  if (root) line.insert(line.end(), {"--root", *root});
  if (all) line.emplace_back("--all");
  std::vector<char*> pointers;
  for (std::string& word : line) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  return ps_main(static_cast<int>(line.size()), pointers.data());
}

}  // namespace

int state_main(int argc, char** argv) {
  std::optional<std::string> root;
  std::optional<bool> all;
  Parser parser(kStateText);
  parser.bind("root", root);
  parser.bind("all", all);
  const Words words = parse_words(parser, kStateText, argc, argv, 0, 1);
  if (words.exit) return *words.exit;
  if (words.list.empty()) return list(root, all.value_or(false));
  if (all.value_or(false)) {
    return complain_of(
        fail(Kind::usage, 0, "take with a container", "--all", "leave one of them out").error());
  }
  const auto store = open_store(root);
  if (!store) return complain_of(store.error());
  std::string text;
  const int code = for_each_container(*store, words.list,
                                      [&](const std::string& id, const std::string&) -> Result<> {
                                        const store::Listed listed = store->read(id);
                                        if (listed.error) return std::unexpected(*listed.error);
                                        text = json::dump(state_of(*store, listed), 2) + "\n";
                                        return {};
                                      });
  return code != 0 ? code : print_text(text);
}

}  // namespace nucleus::cli
