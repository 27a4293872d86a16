// Where the programs are, and a directory for what they are given.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace nucleus::bench {

/// The program of this name on PATH or in the usual directories; empty when there is none.
std::string on_path(const std::string& name);

/// The program given by option, or found beside this one or in its build tree; an absolute path, or
/// empty. Throws std::system_error when the given one cannot be executed.
std::string find_program(const std::string& given, const std::string& name);

class TemporaryDirectory {
 public:
  TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  ~TemporaryDirectory();

  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

/// A positive number, all of the text; or nothing.
std::optional<int> positive(std::string_view text);

/// Throws std::system_error.
void write_file(const std::string& path, const std::string& text);

/// 1,000 files of 1 KiB in 20 directories below `base`; the path of their root.
std::string make_context(const std::string& base);

}  // namespace nucleus::bench
