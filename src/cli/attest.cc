// `nucleus attest`: the digest of a root file system.
#include <fcntl.h>

#include "cli/live/containers.h"
#include "cli/verb.h"
#include "container/attestation.h"

namespace nucleus::cli {

int attest_main(int argc, char** argv) {
  Parser parser(kAttestText);
  const Words words = parse_words(parser, kAttestText, argc, argv, 1, 1);
  if (words.exit) return *words.exit;
  const auto digest = container::attest(words.list.front());
  return digest ? print_text(*digest + "\n") : complain_of(digest.error());
}

}  // namespace nucleus::cli
