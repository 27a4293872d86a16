// startup: how long a sandboxed /bin/true takes from spawn to reap, beside the least it could take
// and beside others.
//
// All contenders run interleaved in one process: a round is one call of each, the order is rotated
// a round and reversed every second one, so that drift of the machine and the clean-up a contender
// leaves to the kernel (network namespaces are torn down after the exit) fall on all of them alike.

#include <cstdio>
#include <stdexcept>
#include <vector>

#include "bundle.h"
#include "contenders.h"
#include "measure.h"
#include "options.h"
#include "place.h"
#include "process.h"
#include "report.h"

namespace nucleus::bench {
namespace {

void run(const Options& options) {
  const Machine machine = describe_machine();
  std::printf("kernel %s, %ld cores, load average %.2f %.2f %.2f, %d rounds\n",
              machine.kernel.c_str(), machine.cores, machine.load[0], machine.load[1],
              machine.load[2], options.rounds);
  std::fflush(stdout);
  const TemporaryDirectory directory;
  OciStates states;
  Field field(options, directory.path(), states);
  field.gather();
  std::fflush(stdout);
  const std::vector<Contender*> contenders = field.contenders();
  if (contenders.empty()) throw std::runtime_error("no contender works");
  run_rounds(contenders, options.rounds);
  print_table(contenders);
  std::fflush(stdout);
  std::vector<Burst> bursts;
  if (options.burst) bursts = run_bursts(contenders, options.jobs);
  const std::vector<Memory> memory = measure_memory(contenders);
  if (!options.json.empty())
    write_file(options.json, to_json(machine, options, field, bursts, memory));
}

}  // namespace
}  // namespace nucleus::bench

int main(int argc, char** argv) {
  const nucleus::bench::Options options = nucleus::bench::parse(argc, argv);
  return nucleus::bench::run_program("startup", [&] { nucleus::bench::run(options); });
}
