// eat_memory MEGABYTES: touches that much memory, prints "had all of it", ends with 0.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char** argv) {
  const long wanted = argc > 1 ? atol(argv[1]) : 0;
  for (long done = 0; done < wanted; ++done) {
    char* block = malloc(1 << 20);
    if (block == NULL) return 1;
    memset(block, 1, 1 << 20);
  }
  puts("had all of it");
  return 0;
}
