// System calls without libc: a number and up to six arguments in, the kernel's own answer (-errno)
// out.
//
// What runs between clone3 and execve uses only this: no errno, no thread-local storage, no
// cancellation points, and no cached pids. Source: syscall(2), "Architecture calling conventions".
// Child-safe.
#pragma once

#include <asm/unistd.h>

namespace nucleus::sys::raw {

#if defined(__x86_64__)
inline long call(long number, long a = 0, long b = 0, long c = 0, long d = 0, long e = 0,
                 long f = 0) {
  long result = 0;
  register long r10 asm("r10") = d;
  register long r8 asm("r8") = e;
  register long r9 asm("r9") = f;
  asm volatile("syscall"
               : "=a"(result)
               : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
               : "rcx", "r11", "memory");
  return result;
}
#elif defined(__aarch64__)
inline long call(long number, long a = 0, long b = 0, long c = 0, long d = 0, long e = 0,
                 long f = 0) {
  register long x8 asm("x8") = number;
  register long x0 asm("x0") = a;
  register long x1 asm("x1") = b;
  register long x2 asm("x2") = c;
  register long x3 asm("x3") = d;
  register long x4 asm("x4") = e;
  register long x5 asm("x5") = f;
  asm volatile("svc 0"
               : "+r"(x0)
               : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
               : "memory");
  return x0;
}
#else
#error "nucleus knows the system call conventions of x86-64 and aarch64 only"
#endif

inline long address(const void* pointer) { return reinterpret_cast<long>(pointer); }

inline long retried(long number, long a = 0, long b = 0, long c = 0, long d = 0, long e = 0,
                    long f = 0) {
  long result = 0;
  do {
    result = call(number, a, b, c, d, e, f);
  } while (result == -4 /* EINTR */);
  return result;
}

}  // namespace nucleus::sys::raw
