// without GROUP PROGRAM [ARG...]: runs it where the calls of one group are missing
// (hidden_calls.h).
#include <unistd.h>

#include <cstdio>

#include "faults/hidden_calls.h"

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: without GROUP PROGRAM [ARG...]\n");
    return 2;
  }
  if (!nucleus::test::hide_calls(argv[1])) {
    std::perror("without: cannot hide the calls");
    return 125;
  }
  ::execvp(argv[2], argv + 2);
  std::perror(argv[2]);
  return 127;
}
