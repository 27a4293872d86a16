// living: what it costs to keep containers, beside the runtimes that others build on.
//
// Starts and execs of all runtimes take turns, so that the machine's better and worse minutes fall
// on all of them alike. Everything is removed at the end, and when it is interrupted.

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "bundle.h"
#include "keeping.h"
#include "place.h"
#include "process.h"
#include "runtimes.h"

namespace nucleus::bench {
namespace {

struct Wishes {
  std::string nucleus;
  int rounds = 100;
  int cycles = 400;
  int jobs = 2;
  int soak = 300;
  int listed = 1000;
  int mebibytes = 512;
};

[[noreturn]] void usage(int status) {
  std::fputs(
      "usage: living [--nucleus PATH] [--rounds N] [--cycles N] [--jobs N] [--soak N] "
      "[--listed N] [--log MIB]\n"
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
                        : option == "--listed" ? &wishes.listed
                        : option == "--log"    ? &wishes.mebibytes
                                               : nullptr;
    if (number == nullptr) usage(2);
    const auto given = positive(value);
    if (!given) usage(2);
    *number = *given;
  }
  return wishes;
}

void run(const Wishes& wishes) {
  const std::string nucleus = find_program(wishes.nucleus, "nucleus");
  const TemporaryDirectory directory;
  OciStates states;
  const OwnContainers own(nucleus, directory.path() + "/nucleus");
  const auto runtimes = find_runtimes(nucleus, directory.path(), states);
  measure_starts(runtimes, nucleus, directory.path(), wishes.rounds);
  measure_execs(runtimes, wishes.rounds);
  measure_cycles(runtimes, wishes.cycles, wishes.jobs);
  measure_supervisor(runtimes.front(), directory.path(), wishes.soak);
  measure_listing(nucleus, directory.path(), wishes.listed, wishes.rounds);
  measure_log(nucleus, directory.path(), wishes.mebibytes);
}

}  // namespace
}  // namespace nucleus::bench

int main(int argc, char** argv) {
  const nucleus::bench::Wishes wishes = nucleus::bench::parse(argc, argv);
  return nucleus::bench::run_program("living", [&] { nucleus::bench::run(wishes); });
}
