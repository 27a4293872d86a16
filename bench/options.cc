#include "options.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "place.h"

namespace nucleus::bench {
namespace {

[[noreturn]] void usage(int status) {
  std::fputs(
      "usage: startup [--nucleus PATH] [--floor PATH] [--rounds N] [--only NAME,NAME] [--as-user "
      "NAME|UID]\n"
      "               [--no-burst] [--jobs N] [--json FILE]\n"
      "names: true version floor nucleus nucleus-limits nucleus-context-copy nucleus-context-bind\n"
      "       nucleus-rootless floor-rootless bwrap bwrap-rootless crun runc docker\n",
      status == 0 ? stdout : stderr);
  std::exit(status);
}

int number(std::string_view option, std::string_view text) {
  if (const auto value = positive(text)) return *value;
  std::fprintf(stderr, "startup: %s takes a positive number, not \"%s\"\n",
               std::string(option).c_str(), std::string(text).c_str());
  usage(2);
}

}  // namespace

Options parse(int argc, char** argv) {
  Options options;
  for (int index = 1; index < argc; ++index) {
    const std::string_view option = argv[index];
    if (option == "--help") usage(0);
    if (option == "--no-burst") {
      options.burst = false;
      continue;
    }
    if (index + 1 == argc) usage(2);
    const std::string value = argv[++index];
    if (option == "--nucleus") {
      options.nucleus = value;
    } else if (option == "--floor") {
      options.floor = value;
    } else if (option == "--as-user") {
      options.as_user = value;
    } else if (option == "--json") {
      options.json = value;
    } else if (option == "--rounds") {
      options.rounds = number(option, value);
    } else if (option == "--jobs") {
      options.jobs = number(option, value);
    } else if (option == "--only") {
      for (std::size_t begin = 0; begin <= value.size();) {
        const std::size_t end = std::min(value.find(',', begin), value.size());
        if (end > begin) options.only.push_back(value.substr(begin, end - begin));
        begin = end + 1;
      }
    } else {
      usage(2);
    }
  }
  return options;
}

}  // namespace nucleus::bench
