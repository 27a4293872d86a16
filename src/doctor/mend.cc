// Runs the commands that mend: each is printed before, none is run twice.
#include <unistd.h>

#include <algorithm>

#include "doctor/probes.h"
#include "sys/process.h"

namespace nucleus::doctor {
namespace {

int run(const std::vector<std::string>& words) {
  std::vector<std::string> own = words;
  std::vector<char*> argv;
  for (std::string& word : own) argv.push_back(word.data());
  argv.push_back(nullptr);
  auto child = sys::fork_child([&] {
    // What it prints is for the person, never part of our own answer.
    ::dup2(STDERR_FILENO, STDOUT_FILENO);
    ::execvp(argv[0], argv.data());
    return 127;
  });
  const auto status = child ? child->wait() : Result<sys::WaitStatus>(sys::WaitStatus{.code = 127});
  if (!status) return 127;
  return status->signal != 0 ? 128 + status->signal : status->code;
}

}  // namespace

std::vector<Mended> mend(const Report& report, void (*announce)(const std::string&)) {
  std::vector<Mended> all;
  for (const Item& item : report.items) {
    if (item.command.empty() || item.status == Status::ok) continue;
    Mended mended{.command = command_line(item.command)};
    if (std::ranges::find(all, mended.command, &Mended::command) != all.end()) continue;
    announce(mended.command);
    mended.ran = ::geteuid() == 0;
    if (mended.ran) mended.code = run(item.command);
    all.push_back(std::move(mended));
  }
  return all;
}

}  // namespace nucleus::doctor
