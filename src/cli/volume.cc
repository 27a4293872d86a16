// `nucleus volume`: the named volumes of the caller's.
#include <unistd.h>

#include <algorithm>
#include <ctime>
#include <nlohmann/json.hpp>

#include "cli/parser.h"
#include "cli/print.h"
#include "cli/reference/help.h"
#include "cli/verb.h"
#include "container/volumes.h"
#include "spec/outcome.h"
#include "sys/file.h"

namespace nucleus::cli {
namespace {

using container::VolumeInfo;
using Json = nlohmann::ordered_json;
using Words = std::vector<std::string>;

struct Flags {
  std::optional<bool> json, quiet, force;
};

int say(const std::string& text) {
  return sys::write_all(STDOUT_FILENO, text, "standard output") ? 0 : 125;
}

int refuse(const Error& error) {
  complain(error.text());
  return spec::exit_code(error.kind);
}

int misused(const std::string& text) {
  complain(text + "; see nucleus volume --help");
  return 2;
}

std::string moment(std::int64_t seconds) {
  const std::time_t time = seconds;
  std::tm parts{};
  char text[32] = {};
  if (::gmtime_r(&time, &parts) == nullptr ||
      std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts) == 0)
    return std::to_string(seconds);
  return text;
}

Json object(const VolumeInfo& volume) {
  Json json;
  json["name"] = volume.name;
  json["path"] = volume.path;
  json["created"] = moment(volume.created);
  json["uid"] = volume.uid;
  json["gid"] = volume.gid;
  json["in_use"] = volume.in_use;
  return json;
}

std::string padded(std::string text, std::size_t width) {
  text.resize(std::max(text.size(), width), ' ');
  return text;
}

int list(const Flags& flags) {
  const auto volumes = container::list_volumes();
  if (!volumes) return refuse(volumes.error());
  std::size_t widest = 4;
  for (const VolumeInfo& volume : *volumes) widest = std::max(widest, volume.name.size());
  std::string text;
  if (!flags.json && !flags.quiet)
    text = padded("NAME", widest) + "  CREATED               IN USE  PATH\n";
  for (const VolumeInfo& volume : *volumes) {
    if (flags.json) {
      text += object(volume).dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
    } else if (flags.quiet) {
      text += volume.name + "\n";
    } else {
      text += padded(volume.name, widest) + "  " + moment(volume.created) + "  " +
              (volume.in_use ? "yes     " : "no      ") + printable(volume.path) + "\n";
    }
  }
  return say(text);
}

int inspect(const Words& names) {
  Json all = Json::array();
  int code = 0;
  for (const std::string& name : names) {
    const auto volume = container::find_volume(name);
    if (volume) {
      all.push_back(object(*volume));
    } else {
      code = refuse(volume.error());
    }
  }
  const int written = say(all.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
  return code != 0 ? code : written;
}

// Each is tried; what could not be done is told, and makes the code.
int each(const Words& names, Result<> (*act)(const std::string&)) {
  int code = 0;
  for (const std::string& name : names) {
    const auto done = act(name);
    if (!done) {
      code = refuse(done.error());
    } else if (say(name + "\n") != 0) {
      code = 125;
    }
  }
  return code;
}

int prune(const Flags& flags) {
  const auto volumes = container::list_volumes();
  if (!volumes) return refuse(volumes.error());
  Words unused;
  std::string names;
  for (const VolumeInfo& volume : *volumes) {
    if (volume.in_use) continue;
    unused.push_back(volume.name);
    names += (names.empty() ? "" : ", ") + volume.name;
  }
  if (unused.empty() || flags.force.value_or(false)) return each(unused, container::remove_volume);
  complain("no container uses " + names + ": nucleus volume prune --force removes " +
           (unused.size() == 1 ? "it" : "them") + " with everything inside");
  return 2;
}

}  // namespace

int volume_main(int argc, char** argv) {
  Flags flags;
  Parser parser(kVolumeText);
  parser.bind("json", flags.json);
  parser.bind("quiet", flags.quiet);
  parser.bind("force", flags.force);
  const auto parsed = parser.parse(argc, argv);
  if (!parsed) return refuse(parsed.error());
  if (parsed->help) return show_help(kVolumeText);
  if (parsed->rest.empty()) return misused("say what to do: ls, create, inspect, rm or prune");
  const std::string& what = parsed->rest.front();
  const Words names(parsed->rest.begin() + 1, parsed->rest.end());
  if (what == "ls" || what == "list" || what == "prune") {
    if (!names.empty()) return misused("'" + what + "' takes no names");
    return what == "prune" ? prune(flags) : list(flags);
  }
  const bool removes = what == "rm" || what == "remove";
  if (what != "create" && what != "inspect" && !removes)
    return misused("'" + what + "' is none of ls, create, inspect, rm and prune");
  if (names.empty()) return misused("'" + what + "' needs the name of a volume");
  if (what == "inspect") return inspect(names);
  return each(names, removes ? container::remove_volume : container::create_volume);
}

}  // namespace nucleus::cli
