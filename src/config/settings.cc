#include "config/settings.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "config/config_file.h"
#include "config/nearest.h"
#include "config/run_options.h"
#include "spec/env_file.h"
#include "sys/file.h"

namespace nucleus::config {
namespace {

constexpr std::size_t kLargest = 1U << 20;

// Who can write to the file chooses the flags of what its reader starts, as root perhaps.
Result<> trusted(int fd, const std::string& path) {
  struct stat info{};
  if (::fstat(fd, &info) < 0) return fail(Kind::runtime, errno, "look at the configuration", path);
  const char* const cure = "chown and chmod it, or leave it out by --config none";
  if (!S_ISREG(info.st_mode))
    return fail(Kind::usage, 0, "trust the configuration", path, "it is no regular file");
  if (info.st_uid != 0 && info.st_uid != ::geteuid()) {
    return fail(Kind::usage, EPERM, "trust the configuration", path,
                "it belongs to uid " + std::to_string(info.st_uid) + "; " + cure);
  }
  if ((info.st_mode & 022) != 0) {
    return fail(Kind::usage, EPERM, "trust the configuration", path,
                "others may write to it; " + std::string(cure));
  }
  return {};
}

Result<std::optional<ConfigFile>> read(const std::string& path, bool must_be_there) {
  const auto file =
      sys::open_at(AT_FDCWD, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0, "open the configuration");
  if (!file) {
    const int why = file.error().errnum;
    if (!must_be_there && (why == ENOENT || why == ENOTDIR || why == EACCES)) return std::nullopt;
    return std::unexpected(file.error());
  }
  NUCLEUS_CHECK(trusted(file->get(), path));
  const std::string text = NUCLEUS_TRY(sys::read_all(file->get(), path, kLargest));
  return NUCLEUS_TRY(parse_config_file(path, text));
}

Result<std::vector<ConfigFile>> read_files(const Request& typed, const Places& places) {
  std::vector<ConfigFile> files;
  if (typed.config) {
    if (*typed.config == "none") return files;
    files.push_back(*NUCLEUS_TRY(read(*typed.config, true)));
    return files;
  }
  for (const std::string& path : {places.system, places.own}) {
    if (path.empty()) continue;
    if (auto file = NUCLEUS_TRY(read(path, false))) files.push_back(std::move(*file));
  }
  return files;
}

std::string joined(const std::vector<std::string>& values) {
  std::string text;
  for (const std::string& value : values) text += (text.empty() ? "" : ", ") + value;
  return text;
}

// Beside the --env of the same place, which wins; so that a file of the command line wins over a
// profile's --env.
Result<> expand_env_files(Request& layer) {
  std::vector<std::string> items;
  for (const std::string& path : layer.env_files) {
    auto text = sys::read_file_at(AT_FDCWD, path);
    if (!text) {
      text.error().op = "read --env-file";
      return std::unexpected(std::move(text.error()));
    }
    const auto found = NUCLEUS_TRY(spec::parse_env_file(path, *text));
    items.insert(items.end(), found.begin(), found.end());
  }
  layer.draft.env.insert(layer.draft.env.begin(), items.begin(), items.end());
  return {};
}

class Merger {
 public:
  explicit Merger(bool want_origins) : want_origins_(want_origins) {
    if (want_origins_) from_.resize(run_options().size());
  }

  Result<> add(Request layer, const std::string& from) {
    NUCLEUS_CHECK(expand_env_files(layer));
    for (std::size_t index = 0; index < run_options().size(); ++index) {
      const Into& into = run_options()[index].into;
      with_member(into, layer, [&](const auto& said) {
        with_member(into, settings_.request,
                    [&](auto& member) { merge(said, member, index, from); });
      });
    }
    return {};
  }

  Settings take() {
    for (std::size_t index = 0; index < from_.size(); ++index) {
      const auto values = values_of(run_options()[index], settings_.request);
      if (values.empty()) continue;
      settings_.origins.push_back({.option = run_option_texts()[index].name,
                                   .value = joined(values),
                                   .from = from_[index]});
    }
    return std::move(settings_);
  }

 private:
  template <typename Said, typename Member>
  void merge(const Said& said, Member& member, std::size_t index, const std::string& from) {
    if constexpr (!std::is_same_v<Said, Member>) {
      return;  // the two visits are of one option: always of one type
    } else if constexpr (requires { said.has_value(); }) {
      if (!said.has_value()) return;
      member = said;
      note(index, from, false);
    } else {
      if (said.empty()) return;
      const bool grows = !member.empty();
      member.insert(member.end(), said.begin(), said.end());
      note(index, from, grows);
    }
  }

  void note(std::size_t index, const std::string& from, bool grows) {
    if (!want_origins_) return;
    from_[index] = grows ? from_[index] + " and " + from : from;
  }

  bool want_origins_;
  Settings settings_;
  std::vector<std::string> from_;
};

Error no_profile(const std::string& name, const std::vector<ConfigFile>& files) {
  std::vector<std::string> known;
  for (const ConfigFile& file : files) {
    for (const auto& [profile, settings] : file.profiles) known.push_back(profile);
  }
  const std::string near = nearest(name, known);
  return fail(Kind::usage, 0, "find the --profile", name,
              !near.empty() ? "did you mean " + near + "?"
              : known.empty()
                  ? "no configuration file has any: write [profiles." + name +
                        "] into /etc/nucleus/config.toml or ~/.config/nucleus/config.toml"
                  : "there are: " + joined(known))
      .error();
}

}  // namespace

Places usual_places() {
  Places places;
  const char* const set = std::getenv("XDG_CONFIG_HOME");
  const char* const home = std::getenv("HOME");
  if (set != nullptr && set[0] == '/') {
    places.own = std::string(set) + "/nucleus/config.toml";
  } else if (home != nullptr && home[0] == '/') {
    places.own = std::string(home) + "/.config/nucleus/config.toml";
  }
  return places;
}

Result<Settings> resolve(const Request& typed, const Places& places, bool want_origins) {
  const std::vector<ConfigFile> files = NUCLEUS_TRY(read_files(typed, places));
  Merger merger(want_origins);
  for (const ConfigFile& file : files)
    NUCLEUS_CHECK(merger.add(file.defaults, "defaults in " + file.path));
  if (typed.profile) {
    bool found = false;
    for (const ConfigFile& file : files) {
      const auto profile = file.profiles.find(*typed.profile);
      if (profile == file.profiles.end()) continue;
      found = true;
      NUCLEUS_CHECK(merger.add(profile->second, "profile " + *typed.profile + " in " + file.path));
    }
    if (!found) return std::unexpected(no_profile(*typed.profile, files));
  }
  NUCLEUS_CHECK(merger.add(typed, "command line"));
  return merger.take();
}

}  // namespace nucleus::config
