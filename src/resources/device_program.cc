#include "resources/device_program.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>

#include "sys/unique_fd.h"

namespace nucleus::resources {
namespace {

constexpr DeviceRule kUsual[] = {
    {.major = 1, .minor = 3}, {.major = 1, .minor = 5}, {.major = 1, .minor = 7},
    {.major = 1, .minor = 8}, {.major = 1, .minor = 9}, {.major = 5, .minor = 0},
    {.major = 5, .minor = 2}, {.major = 136},
};

// Registers: 1 is the question, then 2 its access, 3 its type, 4 and 5 the number.
constexpr bpf_insn instruction(unsigned code, unsigned to, unsigned from, int offset, int value) {
  bpf_insn made{};
  made.code = static_cast<__u8>(code);
  made.dst_reg = static_cast<__u8>(to & 0xF);
  made.src_reg = static_cast<__u8>(from & 0xF);
  made.off = static_cast<__s16>(offset);
  made.imm = value;
  return made;
}

constexpr bpf_insn load(unsigned to, std::size_t offset) {
  return instruction(BPF_LDX | BPF_W | BPF_MEM, to, 1, static_cast<int>(offset), 0);
}
constexpr bpf_insn alu(unsigned what, unsigned to, int value) {
  return instruction(BPF_ALU | BPF_K | what, to, 0, 0, value);
}
constexpr bpf_insn unless(unsigned is, int value, std::size_t skip) {
  return instruction(BPF_JMP | BPF_K | BPF_JNE, is, 0, static_cast<int>(skip), value);
}
constexpr bpf_insn answer(int value) {
  return instruction(BPF_ALU64 | BPF_K | BPF_MOV, 0, 0, 0, value);
}
constexpr bpf_insn leave() { return instruction(BPF_JMP | BPF_EXIT, 0, 0, 0, 0); }

long bpf(int command, bpf_attr& attributes) {
  return ::syscall(SYS_bpf, command, &attributes, sizeof attributes);
}

}  // namespace

std::string DeviceRule::text() const {
  return std::string(block ? "b " : "c ") + std::to_string(major) + ":" +
         (minor ? std::to_string(*minor) : "*") + " " + (read ? "r" : "") + (write ? "w" : "");
}

std::span<const DeviceRule> usual_devices() { return kUsual; }

std::vector<bpf_insn> device_program(std::span<const DeviceRule> rules) {
  std::vector<bpf_insn> code = {
      load(2, offsetof(bpf_cgroup_dev_ctx, access_type)),
      instruction(BPF_ALU | BPF_X | BPF_MOV, 3, 2, 0, 0),
      alu(BPF_AND, 3, 0xFFFF),
      alu(BPF_RSH, 2, 16),
      load(4, offsetof(bpf_cgroup_dev_ctx, major)),
      load(5, offsetof(bpf_cgroup_dev_ctx, minor)),
  };
  for (const DeviceRule& rule : rules) {
    const int refused = (rule.read ? 0 : BPF_DEVCG_ACC_READ) |
                        (rule.write ? 0 : BPF_DEVCG_ACC_WRITE) | BPF_DEVCG_ACC_MKNOD;
    // Each test skips what is left of its rule.
    const std::size_t size = rule.minor ? 8 : 7;
    std::size_t at = 0;
    const auto rest = [&] { return size - ++at; };
    code.push_back(unless(3, rule.block ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR, rest()));
    code.push_back(unless(4, static_cast<int>(rule.major), rest()));
    if (rule.minor) code.push_back(unless(5, static_cast<int>(*rule.minor), rest()));
    code.push_back(instruction(BPF_ALU | BPF_X | BPF_MOV, 6, 2, 0, 0));
    code.push_back(alu(BPF_AND, 6, refused));
    at += 2;
    code.push_back(unless(6, 0, rest()));
    code.push_back(answer(1));
    code.push_back(leave());
  }
  code.push_back(answer(0));
  code.push_back(leave());
  return code;
}

Result<> attach_devices(int cgroup, std::span<const DeviceRule> rules) {
  const std::vector<bpf_insn> code = device_program(rules);
  const char license[] = "Apache-2.0";
  bpf_attr load_it{};
  load_it.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
  load_it.insns = reinterpret_cast<std::uintptr_t>(code.data());
  load_it.insn_cnt = static_cast<__u32>(code.size());
  load_it.license = reinterpret_cast<std::uintptr_t>(license);
  load_it.expected_attach_type = BPF_CGROUP_DEVICE;
  const sys::UniqueFd program(static_cast<int>(bpf(BPF_PROG_LOAD, load_it)));
  if (!program.valid()) {
    return fail(Kind::runtime, errno, "load the program for", "the devices of the cgroup",
                "the kernel needs CONFIG_CGROUP_BPF, and nucleus the right to call bpf(2)");
  }
  bpf_attr attach{};
  attach.target_fd = static_cast<__u32>(cgroup);
  attach.attach_bpf_fd = static_cast<__u32>(program.get());
  attach.attach_type = BPF_CGROUP_DEVICE;
  attach.attach_flags = BPF_F_ALLOW_MULTI;
  if (bpf(BPF_PROG_ATTACH, attach) < 0)
    return fail(Kind::runtime, errno, "attach the program for", "the devices of the cgroup");
  return {};
}

}  // namespace nucleus::resources
