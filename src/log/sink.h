// Where the output of a container goes.
#pragma once

#include <string>
#include <string_view>

namespace nucleus::log {

enum class Stream { out, err };

class Sink {
 public:
  Sink() = default;
  Sink(const Sink&) = delete;
  Sink& operator=(const Sink&) = delete;
  Sink(Sink&&) = default;
  Sink& operator=(Sink&&) = default;
  virtual ~Sink() = default;

  /// Takes what a stream said. A line without its end is kept until it comes, or flush().
  virtual void take(Stream stream, std::string_view bytes) = 0;
  /// Brings out what is kept.
  virtual void flush() = 0;
  /// The container is called something else from now on.
  virtual void renamed(const std::string& name) { (void)name; }
};

}  // namespace nucleus::log
