// nucleus_reference DIR: writes the manual pages and completions that a package installs. Runs when
// nucleus is built.
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "cli/reference/completion.h"
#include "cli/reference/manual.h"

namespace {

bool write(const std::filesystem::path& path, const std::string& text) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << text;
  file.close();
  if (!file) (void)std::fprintf(stderr, "nucleus_reference: cannot write %s\n", path.c_str());
  return static_cast<bool>(file);
}

}  // namespace

int main(int argc, char** argv) {
  using namespace nucleus::cli;
  if (argc != 2) {
    (void)std::fputs("usage: nucleus_reference DIR\n", stderr);
    return 2;
  }
  const std::filesystem::path root = argv[1];
  bool good = write(root / "man/nucleus.1", manual(kVerbs));
  for (const Verb& verb : kVerbs) {
    good =
        write(root / ("man/nucleus-" + std::string(verb.text->name) + ".1"), manual(*verb.text)) &&
        good;
  }
  good = write(root / "completions/nucleus.bash", *completion("bash", kVerbs)) && good;
  good = write(root / "completions/_nucleus", *completion("zsh", kVerbs)) && good;
  good = write(root / "completions/nucleus.fish", *completion("fish", kVerbs)) && good;
  return good ? 0 : 1;
}
