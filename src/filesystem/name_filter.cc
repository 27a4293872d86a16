#include "filesystem/name_filter.h"

#include <fnmatch.h>

#include <algorithm>
#include <array>

namespace nucleus::filesystem {
namespace {

constexpr std::array<std::string_view, 16> kNames = {
    ".aws",   ".docker", ".env", ".git-credentials", ".gnupg", ".htpasswd", ".kube",      ".netrc",
    ".npmrc", ".pypirc", ".ssh", "credentials.json", "id_dsa", "id_ecdsa",  "id_ed25519", "id_rsa"};
constexpr std::array<std::string_view, 5> kSuffixes = {".kdbx", ".key", ".p12", ".pem", ".pfx"};
constexpr std::string_view kEnvironmentPrefix = ".env.";
// Templates without values, made to be shared.
constexpr std::array<std::string_view, 3> kHarmless = {".env.example", ".env.sample",
                                                       ".env.template"};

// Compared by hand, since fnmatch() for twenty patterns would cost more than copying a small file.
bool tends_to_hold_secrets(std::string_view name) {
  if (std::ranges::find(kNames, name) != kNames.end()) return true;
  if (name.starts_with(kEnvironmentPrefix) &&
      std::ranges::find(kHarmless, name) == kHarmless.end()) {
    return true;
  }
  return std::ranges::any_of(kSuffixes,
                             [name](std::string_view suffix) { return name.ends_with(suffix); });
}

}  // namespace

NameFilter::NameFilter(const std::vector<std::string>& include)
    : include_(include), all_(std::ranges::find(include, "*") != include.end()) {}

bool NameFilter::lets_through(std::string_view name) const {
  if (all_ || !tends_to_hold_secrets(name)) return true;
  if (include_.empty()) return false;
  const std::string terminated(name);
  return std::ranges::any_of(include_, [&terminated](const std::string& pattern) {
    return ::fnmatch(pattern.c_str(), terminated.c_str(), 0) == 0;
  });
}

}  // namespace nucleus::filesystem
