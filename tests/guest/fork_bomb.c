// Forks for ever, as fast as it can.
#include <unistd.h>

int main(void) {
  for (;;) {
    if (fork() < 0) continue;
  }
}
