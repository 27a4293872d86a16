// Measures copy_tree(): bench_copy SOURCE_DIR TARGET_DIR, where the target exists and is empty.
//
// Prints seconds, files and bytes, to be compared with `cp -a SOURCE_DIR/. TARGET_DIR`. The name
// filter lets everything through, so that both copy the same.
#include <fcntl.h>

#include <cerrno>
#include <chrono>
#include <cstdio>

#include "filesystem/context_copy.h"
#include "sys/unique_fd.h"

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: bench_copy SOURCE_DIR TARGET_DIR\n");
    return 2;
  }
  const nucleus::sys::UniqueFd source(::open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const nucleus::sys::UniqueFd target(::open(argv[2], O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!source.valid() || !target.valid()) {
    std::perror(source.valid() ? argv[2] : argv[1]);
    return 1;
  }
  const auto start = std::chrono::steady_clock::now();
  const auto report = nucleus::filesystem::copy_tree(source.get(), target.get(),
                                                     nucleus::filesystem::NameFilter({"*"}), {});
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
  if (!report) {
    std::fprintf(stderr, "bench_copy: %s\n", report.error().text().c_str());
    return 1;
  }
  std::printf("%.4f s  %llu files  %llu directories  %llu bytes\n", elapsed.count(),
              static_cast<unsigned long long>(report->files),
              static_cast<unsigned long long>(report->directories),
              static_cast<unsigned long long>(report->bytes));
  return 0;
}
