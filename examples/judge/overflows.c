#include <stdio.h>

int main(void) {
  unsigned short a, b;
  if (scanf("%hu %hu", &a, &b) == 2) printf("%d\n", a + b);
  return 0;
}
