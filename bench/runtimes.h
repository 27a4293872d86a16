// The runtimes that keep a container, and what their verbs are called.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "bundle.h"

namespace nucleus::bench {

using Words = std::vector<std::string>;

/// A word that is "{}" stands for the container's name.
struct Runtime {
  std::string name;
  std::string label;
  Words start{};   ///< starts a container that sleeps, and comes back when it runs
  Words exec{};    ///< runs /bin/true in it
  Words remove{};  ///< ends and removes it
  Words once{};    ///< makes one, runs /bin/true in it and removes it
};

/// These words for the container of this name.
Words with_name(Words words, const std::string& id);

/// Ends what is left of nucleus' containers in a state root of our own.
class OwnContainers {
 public:
  OwnContainers(std::string nucleus, std::string root)
      : nucleus_(std::move(nucleus)), root_(std::move(root)) {}
  OwnContainers(const OwnContainers&) = delete;
  OwnContainers& operator=(const OwnContainers&) = delete;
  ~OwnContainers();

 private:
  std::string nucleus_, root_;
};

/// What a command prints; its words need no quotes in a shell.
std::string output_of(const Words& words);

/// nucleus first, then those of runc and crun that work here; prints who is left out and why.
/// Their states lie below `directory`. Throws when nucleus is not found or does not work.
std::vector<Runtime> find_runtimes(const std::string& nucleus, const std::string& directory,
                                   OciStates& states);

}  // namespace nucleus::bench
