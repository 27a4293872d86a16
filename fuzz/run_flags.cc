// Command lines, one word a line: whatever is typed is either refused with a sentence or a valid
// spec.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "cli/run_flags.h"
#include "spec/validate.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::vector<std::string> words(1);
  for (std::size_t at = 0; at < size && words.size() < 64; ++at) {
    if (data[at] == '\n') {
      words.emplace_back();
    } else if (data[at] != 0) {
      words.back() += static_cast<char>(data[at]);
    }
  }
  std::vector<const char*> argv = {"run"};
  for (const std::string& word : words) argv.push_back(word.c_str());
  const auto flags = nucleus::cli::parse_run_flags(static_cast<int>(argv.size()), argv.data());
  if (!flags) {
    if (flags.error().text().empty()) std::abort();
    return 0;
  }
  const auto nothing = [](const char*) -> const char* { return nullptr; };
  const auto checked = nucleus::spec::validate(flags->request.draft, {.getenv = nothing});
  if (checked.spec.has_value() == !checked.errors.empty()) std::abort();
  if (checked.spec && checked.spec->argv.empty()) std::abort();
  return 0;
}
