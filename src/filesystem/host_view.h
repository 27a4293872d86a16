// What of the host's own file system the curated root shows, looked up once a start.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace nucleus::filesystem {

struct HostView {
  std::vector<std::pair<std::string, std::string>> links;  // "bin" -> "usr/bin"
  std::vector<std::string> directories;  // shown as they are: "usr", "lib64" where it is no link
  std::string localtime;    // the text of the link /etc/localtime, empty when it is none
  std::string resolv_conf;  // the host's, for --network host
};

/// Never fails: what cannot be read is not shown.
[[nodiscard]] HostView read_host_view(bool wants_resolver);

}  // namespace nucleus::filesystem
