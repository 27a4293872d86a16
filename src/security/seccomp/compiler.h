// Policy to BPF, at compile time: a binary search on the number, argument rules at its leaves.
//
// Only loads, JEQ, JGE, JA, AND and RET are emitted: the kernel (5.11) can work out by itself which
// numbers are always allowed from these, and then does not run the program for them at all.
#pragma once

#include <linux/filter.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>
#include <vector>

#include "security/seccomp/policy.h"

namespace nucleus::security::seccomp {

class Compiler {
 public:
  constexpr Compiler(std::span<const Entry> entries, std::span<const Rule> rules,
                     std::uint32_t otherwise)
      : rules_(rules.begin(), rules.end()) {
    std::vector<Entry> sorted(entries.begin(), entries.end());
    std::ranges::sort(sorted, {}, &Entry::number);
    intervals_.push_back({.begin = 0, .action = otherwise, .ruled = false});
    for (const Entry& entry : sorted) {
      const bool ruled = std::ranges::any_of(
          rules_, [&](const Rule& rule) { return rule.number == entry.number; });
      push({.begin = entry.number, .action = entry.action, .ruled = ruled});
      push({.begin = entry.number + 1, .action = otherwise, .ruled = false});
    }
  }

  constexpr std::vector<sock_filter> compile() const {
    std::vector<sock_filter> code;
    code.push_back(statement(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, arch)));
    code.push_back(jump(BPF_JEQ, kNativeArch, 1, 0));
    code.push_back(statement(BPF_RET | BPF_K, kKill));
    code.push_back(statement(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)));
    code.push_back(jump(BPF_JGE, kFirstForeignNumber, 0, 1));
    code.push_back(statement(BPF_RET | BPF_K, refuse(38 /* ENOSYS */)));
    const std::vector<sock_filter> tree = search(0, intervals_.size());
    code.insert(code.end(), tree.begin(), tree.end());
    return code;
  }

 private:
  struct Interval {
    std::uint32_t begin = 0;  // up to the next interval's begin
    std::uint32_t action = 0;
    bool ruled = false;
  };

  static constexpr sock_filter statement(unsigned code, std::uint32_t k) {
    return {static_cast<std::uint16_t>(code), 0, 0, k};
  }
  static constexpr sock_filter jump(unsigned test, std::uint32_t k, std::size_t yes,
                                    std::size_t no) {
    return {static_cast<std::uint16_t>(BPF_JMP | BPF_K | test), static_cast<std::uint8_t>(yes),
            static_cast<std::uint8_t>(no), k};
  }

  constexpr void push(Interval next) {
    Interval& last = intervals_.back();
    if (last.begin == next.begin) {
      last = next;
      if (intervals_.size() > 1) merge();
    } else {
      intervals_.push_back(next);
      merge();
    }
  }

  // Neighbours that end alike are one interval: fewer comparisons.
  constexpr void merge() {
    const std::size_t size = intervals_.size();
    const Interval& before = intervals_[size - 2];
    const Interval& last = intervals_[size - 1];
    if (!before.ruled && !last.ruled && before.action == last.action) intervals_.pop_back();
  }

  constexpr std::vector<sock_filter> search(std::size_t from, std::size_t to) const {
    if (to - from == 1) return leaf(intervals_[from]);
    const std::size_t middle = from + (to - from) / 2;
    const std::vector<sock_filter> left = search(from, middle);
    const std::vector<sock_filter> right = search(middle, to);
    std::vector<sock_filter> code;
    const std::uint32_t border = intervals_[middle].begin;
    if (left.size() <= 255) {
      code.push_back(jump(BPF_JGE, border, left.size(), 0));
    } else {
      // A conditional jump reaches 255 instructions; the unconditional one reaches any.
      code.push_back(jump(BPF_JGE, border, 0, 1));
      code.push_back(statement(BPF_JMP | BPF_JA, static_cast<std::uint32_t>(left.size())));
    }
    code.insert(code.end(), left.begin(), left.end());
    code.insert(code.end(), right.begin(), right.end());
    return code;
  }

  constexpr std::vector<sock_filter> leaf(const Interval& interval) const {
    std::vector<sock_filter> code;
    if (interval.ruled) {
      for (const Rule& rule : rules_) {
        if (rule.number != interval.begin) continue;
        std::vector<sock_filter> second;
        if (rule.second.mask != 0) second = test(rule.second, 1);
        const std::vector<sock_filter> first = test(rule.first, second.size() + 1);
        code.insert(code.end(), first.begin(), first.end());
        code.insert(code.end(), second.begin(), second.end());
        code.push_back(statement(BPF_RET | BPF_K, rule.action));
      }
    }
    code.push_back(statement(BPF_RET | BPF_K, interval.action));
    return code;
  }

  static constexpr std::vector<sock_filter> test(const Condition& condition, std::size_t skip) {
    std::vector<sock_filter> code;
    // Both architectures are little-endian: the low half comes first.
    code.push_back(statement(
        BPF_LD | BPF_W | BPF_ABS,
        static_cast<std::uint32_t>(offsetof(seccomp_data, args) + std::size_t{8} * condition.arg)));
    if (condition.mask != 0xFFFFFFFF)
      code.push_back(statement(BPF_ALU | BPF_AND | BPF_K, condition.mask));
    code.push_back(jump(BPF_JEQ, condition.value, 0, skip));
    return code;
  }

  std::vector<Rule> rules_;
  std::vector<Interval> intervals_;
};

}  // namespace nucleus::security::seccomp
