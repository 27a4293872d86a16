#include "place.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "stop.h"

namespace nucleus::bench {
namespace {

namespace fs = std::filesystem;

/// True if anything is mounted at or below `directory`: then removing it recursively could reach
/// outside it.
bool has_mounts(const std::string& directory) {
  std::ifstream table("/proc/self/mountinfo");
  for (std::string line; std::getline(table, line);) {
    std::size_t begin = 0;
    for (int field = 0; field < 4; ++field) begin = line.find(' ', begin) + 1;
    const std::string point = line.substr(begin, line.find(' ', begin) - begin);
    if (point == directory || point.starts_with(directory + "/")) return true;
  }
  return false;
}

}  // namespace

std::string on_path(const std::string& name) {
  const char* path = std::getenv("PATH");
  std::string rest = path != nullptr ? path : "";
  rest += ":/usr/sbin:/sbin:/usr/bin:/bin";
  for (std::size_t begin = 0; begin < rest.size();) {
    const std::size_t end = std::min(rest.find(':', begin), rest.size());
    const std::string candidate = rest.substr(begin, end - begin) + "/" + name;
    if (candidate.front() == '/' && ::access(candidate.c_str(), X_OK) == 0) return candidate;
    begin = end + 1;
  }
  return {};
}

std::string find_program(const std::string& given, const std::string& name) {
  if (!given.empty()) {
    if (::access(given.c_str(), X_OK) != 0) fail(given);
    return fs::absolute(given).lexically_normal();
  }
  std::error_code ignored;
  const fs::path here = fs::read_symlink("/proc/self/exe", ignored).parent_path();
  for (const char* where :
       {".", "../bin", "../bench", "bin", "build/release/bin", "build/release/bench"}) {
    for (const fs::path& base : {here, fs::current_path()}) {
      const fs::path candidate = (base / where / name).lexically_normal();
      if (fs::is_regular_file(candidate, ignored) && ::access(candidate.c_str(), X_OK) == 0)
        return candidate;
    }
  }
  return on_path(name);
}

TemporaryDirectory::TemporaryDirectory() {
  path_ = (fs::canonical(fs::temp_directory_path()) / "nucleus-bench.XXXXXX").string();
  if (::mkdtemp(path_.data()) == nullptr) fail("mkdtemp " + path_);
  if (::chmod(path_.c_str(), 0755) < 0)
    fail("chmod " + path_);  // the rootless contender reads in it
}

TemporaryDirectory::~TemporaryDirectory() {
  if (has_mounts(path_)) {
    std::fprintf(stderr, "startup: %s is left: something is still mounted in it\n", path_.c_str());
    return;
  }
  std::error_code error;
  fs::remove_all(path_, error);
  if (error)
    std::fprintf(stderr, "startup: cannot remove %s: %s\n", path_.c_str(), error.message().c_str());
}

std::optional<int> positive(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < 1) return std::nullopt;
  return value;
}

void write_file(const std::string& path, const std::string& text) {
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out << text;
  out.flush();
  if (!out) fail("write " + path, EIO);
}

std::string make_context(const std::string& base) {
  const std::string root = base + "/context";
  const std::string text(1024, 'x');
  for (int directory = 0; directory < 20; ++directory) {
    const std::string path = root + "/d" + std::to_string(directory);
    fs::create_directories(path);
    for (int file = 0; file < 50; ++file) write_file(path + "/f" + std::to_string(file), text);
  }
  return root;
}

}  // namespace nucleus::bench
