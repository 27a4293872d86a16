// living: what it costs to keep containers, beside the runtimes that others build on.
//
// Starts and execs of all runtimes take turns, so that the machine's better and worse minutes fall
// on all of them alike. Everything is removed at the end, and when it is interrupted.

#include <sys/prctl.h>

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>
#include <string_view>
#include <system_error>

#include "bundle.h"
#include "keeping.h"
#include "place.h"
#include "process.h"
#include "runtimes.h"
#include "stop.h"

namespace nucleus::bench {
namespace {

struct Wishes {
  std::string nucleus;
  int rounds = 100;
  int cycles = 400;
  int jobs = 2;
  int soak = 300;
  int mebibytes = 512;
};

[[noreturn]] void usage(int status) {
  std::fputs(
      "usage: living [--nucleus PATH] [--rounds N] [--cycles N] [--jobs N] [--soak N] "
      "[--log MIB]\n"
      "--soak: how many execs in a row the supervisor is looked at after\n",
      status == 0 ? stdout : stderr);
  std::exit(status);
}

Wishes parse(int argc, char** argv) {
  Wishes wishes;
  for (int index = 1; index < argc; ++index) {
    const std::string_view option = argv[index];
    if (option == "--help") usage(0);
    if (index + 1 == argc) usage(2);
    const std::string_view value = argv[++index];
    if (option == "--nucleus") {
      wishes.nucleus = value;
      continue;
    }
    int* const number = option == "--rounds"   ? &wishes.rounds
                        : option == "--cycles" ? &wishes.cycles
                        : option == "--jobs"   ? &wishes.jobs
                        : option == "--soak"   ? &wishes.soak
                        : option == "--log"    ? &wishes.mebibytes
                                               : nullptr;
    if (number == nullptr) usage(2);
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), *number);
    if (error != std::errc{} || end != value.data() + value.size() || *number < 1) usage(2);
  }
  return wishes;
}

void run(const Wishes& wishes) {
  const std::string nucleus = find_program(wishes.nucleus, "nucleus");
  const TemporaryDirectory directory;
  OciStates states;
  const auto runtimes = find_runtimes(nucleus, directory.path(), states);
  measure_starts(runtimes, nucleus, directory.path(), wishes.rounds);
  measure_execs(runtimes, wishes.rounds);
  measure_cycles(runtimes, wishes.cycles, wishes.jobs);
  measure_supervisor(runtimes.front(), directory.path(), wishes.soak);
  measure_log(nucleus, directory.path(), wishes.mebibytes);
}

}  // namespace
}  // namespace nucleus::bench

int main(int argc, char** argv) {
  const nucleus::bench::Wishes wishes = nucleus::bench::parse(argc, argv);
  nucleus::bench::install_handlers();
  if (::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0) std::perror("living: cannot take orphans");
  int status = 0;
  try {
    nucleus::bench::run(wishes);
  } catch (const nucleus::bench::Interrupted& interrupted) {
    std::fprintf(stderr, "living: interrupted\n");
    status = 128 + interrupted.signal;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "living: %s\n", error.what());
    status = 1;
  }
  nucleus::bench::reap_last_orphans();
  return status;
}
