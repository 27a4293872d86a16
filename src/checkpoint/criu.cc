#include "checkpoint/criu.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <memory>
#include <string_view>
#include <utility>

#include "base/visible_text.h"
#include "checkpoint/session.h"
#include "sys/file.h"

namespace nucleus::checkpoint {
namespace {

constexpr mode_t kOthersWrite = 022;
constexpr const char* kCure = "name another with --criu";

bool is_trusted(uid_t owner) { return owner == 0 || owner == ::geteuid(); }

std::string owner_text(const struct stat& info) {
  return "it belongs to uid " + std::to_string(info.st_uid) + ", who could replace it; " + kCure;
}

Result<> check_way_to(const std::string& path) {
  for (std::size_t slash = path.rfind('/');; slash = path.rfind('/', slash - 1)) {
    const std::string directory = slash == 0 ? "/" : path.substr(0, slash);
    struct stat info{};
    if (::stat(directory.c_str(), &info) < 0)
      return fail(Kind::runtime, errno, "look at the way to CRIU", directory, kCure);
    if (!is_trusted(info.st_uid))
      return fail(Kind::usage, EPERM, "trust a CRIU below", directory, owner_text(info));
    if ((info.st_mode & kOthersWrite) != 0 && (info.st_mode & S_ISVTX) == 0) {
      return fail(Kind::usage, EPERM, "trust a CRIU below", directory,
                  std::string("others can write to it: chmod go-w, or ") + kCure);
    }
    if (slash == 0) return {};
  }
}

Result<> check_program(int fd, const std::string& path) {
  const auto refuse = [&](const std::string& why) {
    return fail(Kind::usage, EPERM, "trust CRIU at", path, why + "; " + kCure);
  };
  struct stat info{};
  if (::fstat(fd, &info) < 0) return fail(Kind::runtime, errno, "look at CRIU", path);
  if (!S_ISREG(info.st_mode)) return refuse("it is no regular file");
  if (!is_trusted(info.st_uid))
    return fail(Kind::usage, EPERM, "trust CRIU at", path, owner_text(info));
  if ((info.st_mode & kOthersWrite) != 0)
    return refuse("it is writable by group or others: chmod go-w");
  if ((info.st_mode & (S_ISUID | S_ISGID)) != 0) return refuse("it is set-id");
  if ((info.st_mode & 0111) == 0) return refuse("it is not executable");
  std::array<char, 4> magic{};
  const ssize_t got = ::pread(fd, magic.data(), magic.size(), 0);
  if (got != 4 || std::string_view(magic.data(), magic.size()) != "\177ELF")
    return refuse("it is no ELF program, and a script is not run by its descriptor");
  return {};
}

Result<Criu> open_criu(const std::string& path) {
  const std::unique_ptr<char, void (*)(void*)> real(::realpath(path.c_str(), nullptr), &std::free);
  if (real == nullptr) return fail(Kind::usage, errno, "find CRIU at", path, kCure);
  Criu criu{.path = real.get(), .fd = {}};
  NUCLEUS_CHECK(check_way_to(criu.path));
  criu.fd = NUCLEUS_TRY(sys::open_at(AT_FDCWD, criu.path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0,
                                     "open CRIU", Kind::usage));
  NUCLEUS_CHECK(check_program(criu.fd.get(), criu.path));
  return criu;
}

bool exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

}  // namespace

std::span<const std::string> usual_criu_places() {
  static const std::array<std::string, 4> places = {"/usr/sbin/criu", "/usr/bin/criu",
                                                    "/usr/local/sbin/criu", "/usr/local/bin/criu"};
  return places;
}

Result<Criu> find_criu(const std::optional<std::string>& wanted,
                       std::span<const std::string> places, const std::string& path) {
  if (wanted) return open_criu(*wanted);
  const auto usual = std::ranges::find_if(places, exists);
  if (usual != places.end()) return open_criu(*usual);
  // What PATH says is for root no reason to run it.
  if (::geteuid() != 0) {
    for (std::size_t at = 0; at <= path.size();) {
      const std::size_t end = std::min(path.find(':', at), path.size());
      std::string candidate = path.substr(at, end - at);
      candidate += "/criu";
      if (candidate.front() == '/' && exists(candidate)) return open_criu(candidate);
      at = end + 1;
    }
  }
  return fail(Kind::usage, ENOENT, "find", "criu",
              "install it (apt install criu), or name one with --criu");
}

std::string criu_reason(const std::string& output) {
  constexpr std::size_t kMost = 3;
  std::vector<std::string> errors;
  std::string last;
  for (std::size_t at = 0; at < output.size();) {
    const std::size_t end = std::min(output.find('\n', at), output.size());
    const std::string line = output.substr(at, end - at);
    at = end + 1;
    if (line.empty()) continue;
    // "(00.012) Error (criu/file.c:12): what it is", and the same with Warn
    const std::size_t place = line.find("(criu/");
    const std::size_t text = place == std::string::npos ? place : line.find("): ", place);
    last = text == std::string::npos ? line : line.substr(text + 3);
    if (line.find("Error (") != std::string::npos) errors.push_back(last);
  }
  std::string text;
  const std::size_t first = errors.size() - std::min(errors.size(), kMost);
  for (std::size_t index = first; index < errors.size(); ++index)
    text.append(text.empty() ? "" : "; ").append(errors[index]);
  return visible_text(errors.empty() ? last : text, 1024);
}

std::string CriuVersion::text() const {
  std::string text = std::to_string(major) + "." + std::to_string(minor);
  return patch == 0 ? text : text + "." + std::to_string(patch);
}

std::optional<CriuVersion> criu_version(const std::string& output) {
  constexpr std::string_view kWord = "Version: ";
  const std::size_t found = output.starts_with(kWord) ? 0 : output.find("\nVersion: ");
  if (found == std::string::npos) return std::nullopt;
  const char* at = output.data() + output.find(kWord, found) + kWord.size();
  const char* const end = output.data() + output.size();
  CriuVersion version;
  for (unsigned* const part : {&version.major, &version.minor, &version.patch}) {
    const auto [next, code] = std::from_chars(at, end, *part);
    if (code != std::errc()) return part == &version.major ? std::nullopt : std::optional(version);
    if (next == end || *next != '.') return version;
    at = next + 1;
  }
  return version;
}

bool CriuReport::good() const {
  return works && version >= kOldestCriu &&
         std::ranges::all_of(features, [](const CriuFeature& feature) {
           return feature.here || !feature.required;
         });
}

Result<CriuReport> probe_criu(const Criu& criu) {
  constexpr std::chrono::seconds kPatience{30};
  CriuReport report;
  const Ran told = NUCLEUS_TRY(run_criu(criu, {"--version"}, kPatience));
  const auto version = criu_version(told.output);
  if (told.code != 0 || !version) {
    return fail(Kind::runtime, 0, "ask for its version", criu.path,
                "it ends with " + std::to_string(told.code) + ": " + criu_reason(told.output));
  }
  report.version = *version;
  // That it has a version says nothing: an old one fails on a new kernel in all that it does.
  const Ran check = NUCLEUS_TRY(run_criu(criu, {"--no-default-config", "check"}, kPatience));
  report.works = check.code == 0;
  if (!report.works) report.reason = criu_reason(check.output);
  report.features = {
      {.name = "userns", .serves = "each container's user namespace"},
      {.name = "cgroupns", .serves = "each container's cgroup namespace"},
      {.name = "seccomp_filters", .serves = "the seccomp filter"},
      {.name = "seccomp_suspend", .serves = "the seccomp filter"},
      {.name = "clone3_set_tid", .serves = "process numbers as they were"},
      {.name = "external_net_ns", .serves = "a network other than none", .required = false},
      {.name = "network_lock_nftables", .serves = "--tcp-established", .required = false},
      {.name = "timens", .serves = "--time-namespace", .required = false},
      {.name = "overlayfs_maps", .serves = "--rootfs", .required = false},
      {.name = "mem_dirty_track", .serves = "--pre-dump, --track-mem", .required = false},
      {.name = "uffd", .serves = "--lazy-pages", .required = false},
  };
  for (CriuFeature& feature : report.features) {
    if (!report.works) {
      feature.reason = "not asked";
      continue;
    }
    const Ran asked = NUCLEUS_TRY(
        run_criu(criu, {"--no-default-config", "check", "--feature", feature.name}, kPatience));
    feature.here = asked.code == 0;
    if (!feature.here) feature.reason = criu_reason(asked.output);
  }
  // No feature that it has a name for; without it none is of use.
  const auto spoken = ask_criu(criu, RpcType::version, {}, "", {}, {}, kPatience);
  report.features.insert(report.features.begin(),
                         {.name = "swrk",
                          .serves = "all that it is asked to do",
                          .here = spoken.has_value(),
                          .reason = spoken ? std::string() : spoken.error().text()});
  return report;
}

}  // namespace nucleus::checkpoint
