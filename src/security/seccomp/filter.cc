#include "security/seccomp/filter.h"

#include "security/seccomp/builtin_policy.h"
#include "security/seccomp/compiler.h"
#include "security/seccomp/shared_host_policy.h"

namespace nucleus::security::seccomp {
namespace {

template <Surface kSurface>
constexpr std::vector<sock_filter> compiled() {
  if constexpr (kSurface == Surface::own_namespaces) {
    return Compiler(kBuiltinEntries, kBuiltinRules, refuse(ENOSYS)).compile();
  } else {
    const bool network = kSurface == Surface::host_with_network;
    return Compiler(shared_host_entries(), shared_host_rules(network), refuse(ENOSYS)).compile();
  }
}

template <Surface kSurface>
constexpr auto make_program() {
  constexpr std::size_t kSize = compiled<kSurface>().size();
  static_assert(kSize < BPF_MAXINSNS);
  std::array<sock_filter, kSize> program{};
  std::ranges::copy(compiled<kSurface>(), program.begin());
  return program;
}

constexpr auto kProgram = make_program<Surface::own_namespaces>();
constexpr auto kHostProgram = make_program<Surface::host>();
constexpr auto kNetworkProgram = make_program<Surface::host_with_network>();

}  // namespace

std::span<const sock_filter> builtin_filter(Surface surface) {
  switch (surface) {
    case Surface::own_namespaces: break;
    case Surface::host: return kHostProgram;
    case Surface::host_with_network: return kNetworkProgram;
  }
  return kProgram;
}

std::vector<sock_filter> filter_with(std::span<const int> allowed) {
  std::vector<Entry> entries(std::begin(kBuiltinEntries), std::end(kBuiltinEntries));
  const auto is_allowed = [&](std::uint32_t number) {
    return std::ranges::find(allowed, static_cast<int>(number)) != allowed.end();
  };
  for (Entry& entry : entries) {
    if (is_allowed(entry.number)) entry.action = kAllow;
  }
  return Compiler(entries, kBuiltinRules, refuse(ENOSYS)).compile();
}

std::uint32_t evaluate(std::span<const sock_filter> program, std::uint32_t arch,
                       std::uint32_t number, std::span<const std::uint64_t, 6> args) {
  std::uint32_t accumulator = 0;
  for (std::size_t at = 0; at < program.size(); ++at) {
    const sock_filter& step = program[at];
    switch (step.code) {
      case BPF_LD | BPF_W | BPF_ABS:
        if (step.k == offsetof(seccomp_data, nr)) {
          accumulator = number;
        } else if (step.k == offsetof(seccomp_data, arch)) {
          accumulator = arch;
        } else {
          const std::size_t offset = step.k - offsetof(seccomp_data, args);
          accumulator = static_cast<std::uint32_t>(args[offset / 8] >> (offset % 8 == 0 ? 0 : 32));
        }
        break;
      case BPF_ALU | BPF_AND | BPF_K: accumulator &= step.k; break;
      case BPF_JMP | BPF_JA: at += step.k; break;
      case BPF_JMP | BPF_K | BPF_JEQ: at += accumulator == step.k ? step.jt : step.jf; break;
      case BPF_JMP | BPF_K | BPF_JGE: at += accumulator >= step.k ? step.jt : step.jf; break;
      case BPF_RET | BPF_K: return step.k;
      default: return kKill;  // what the kernel's own checker would refuse to load
    }
  }
  return kKill;
}

}  // namespace nucleus::security::seccomp
