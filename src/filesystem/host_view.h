// What of the host's own file system the curated root shows, looked up once a start.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace nucleus::filesystem {

struct HostView {
  std::vector<std::pair<std::string, std::string>> links;  // "bin" -> "usr/bin"
  std::vector<std::string> directories;   // shown as they are: "usr", "lib64" where it is no link
  std::vector<std::string> etc;           // names below /etc that exist here, of the curated list
  std::vector<std::string> hidden_files;  // below /proc and /sys, to be covered
  std::vector<std::string> hidden_directories;
  std::vector<std::string> read_only;  // below /proc
  std::string resolv_conf;             // the host's, for --network host
};

[[nodiscard]] HostView read_host_view(bool wants_resolver);

}  // namespace nucleus::filesystem
