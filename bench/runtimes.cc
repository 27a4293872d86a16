#include "runtimes.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdio>
#include <memory>
#include <optional>
#include <sstream>
#include <stdexcept>

#include "place.h"
#include "process.h"

namespace nucleus::bench {
namespace {

// Why it does not work, if it does not.
std::optional<std::string> try_out(const Runtime& runtime, const std::string& directory) {
  std::optional<std::string> reason;
  for (const Words* words : {&runtime.start, &runtime.exec, &runtime.remove, &runtime.once}) {
    const Command command(with_name(*words, "bench-trial"), std::nullopt);
    auto said = trial(command, directory);
    if (said && !reason) reason = std::move(said);
  }
  return reason;
}

}  // namespace

Words with_name(Words words, const std::string& id) {
  std::ranges::replace(words, "{}", id);
  return words;
}

std::string output_of(const Words& words) {
  std::string line;
  for (const std::string& word : words) line.append("'").append(word).append("' ");
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(::popen(line.c_str(), "re"), ::pclose);
  if (!pipe) return {};
  std::string text;
  std::array<char, 4096> some{};
  for (std::size_t got = 0; (got = std::fread(some.data(), 1, some.size(), pipe.get())) > 0;)
    text.append(some.data(), got);
  return text;
}

OwnContainers::~OwnContainers() {
  std::istringstream ids(output_of({nucleus_, "ps", "--root", root_, "--all", "--quiet"}));
  for (std::string id; ids >> id;)
    (void)output_of({nucleus_, "rm", "--root", root_, "--force", id});
}

std::vector<Runtime> find_runtimes(const std::string& nucleus, const std::string& directory,
                                   OciStates& states) {
  std::vector<Runtime> found;
  const std::string root = directory + "/nucleus";
  Runtime own{.name = "nucleus",
              .label = "nucleus",
              .start = {nucleus, "run", "--root", root, "--detach", "--name", "{}", "--",
                        "/bin/sleep", "1000"},
              .exec = {nucleus, "exec", "--root", root, "{}", "/bin/true"},
              .remove = {nucleus, "rm", "--root", root, "--force", "{}"},
              // With a limit, so that it is in a cgroup as those of the others are.
              .once = {nucleus, "run", "--root", root, "--name", "{}", "--memory", "64M", "--",
                       "/bin/true"}};
  if (const auto reason = try_out(own, directory))
    throw std::runtime_error("nucleus does not work: " + *reason);
  found.push_back(std::move(own));

  const std::string bundle = directory + "/bundle";
  const std::string kind = make_bundle(bundle, {"/bin/sleep", "1000"});
  const std::string short_bundle = directory + "/short-bundle";
  (void)make_bundle(short_bundle, {"/bin/true"});
  for (const std::string name : {"runc", "crun"}) {
    const std::string program = on_path(name);
    if (program.empty()) {
      std::printf("left out: %s: the program is not found\n", name.c_str());
      continue;
    }
    const std::string state = directory + "/" + name + "-state";
    states.add(program, state);
    std::optional<std::string> refusal;
    for (const bool cgroup : {true, false}) {
      // Only crun can do without, and then does less than the others: its label says so.
      if (!cgroup && name != "crun") continue;
      Words head{program, "--root", state};
      if (!cgroup) head.insert(head.end(), {"--cgroup-manager", "disabled"});
      Runtime runtime{.name = name, .label = name};
      runtime.label.append(cgroup ? " (" : ", no cgroup (").append(kind).append(")");
      runtime.start = runtime.exec = runtime.remove = runtime.once = head;
      runtime.start.insert(runtime.start.end(), {"run", "--detach", "--bundle", bundle, "{}"});
      runtime.exec.insert(runtime.exec.end(), {"exec", "{}", "/bin/true"});
      runtime.remove.insert(runtime.remove.end(), {"delete", "--force", "{}"});
      runtime.once.insert(runtime.once.end(), {"run", "--bundle", short_bundle, "{}"});
      const auto reason = try_out(runtime, directory);
      if (!reason) {
        if (refusal)
          std::printf("%s without a cgroup, for with one it says: %s\n", name.c_str(),
                      refusal->c_str());
        found.push_back(std::move(runtime));
        refusal.reset();
        break;
      }
      if (!refusal) refusal = reason;
    }
    if (refusal) std::printf("left out: %s: %s\n", name.c_str(), refusal->c_str());
  }
  return found;
}

}  // namespace nucleus::bench
