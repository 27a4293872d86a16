// A test that runs once for each user: TEST_P(Suite, Name) with `sandbox`, for a Suite declared by
// NUCLEUS_SUITE(Suite).
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/sandbox.h"

namespace nucleus::test {

class ForEverybody : public testing::TestWithParam<Who> {
 protected:
  Sandbox sandbox{GetParam()};
};

inline std::string name_of(const testing::TestParamInfo<Who>& each) { return who_name(each.param); }

}  // namespace nucleus::test

#define NUCLEUS_SUITE(Suite)                                                         \
  class Suite : public nucleus::test::ForEverybody {};                               \
  INSTANTIATE_TEST_SUITE_P(As, Suite, testing::ValuesIn(nucleus::test::everybody()), \
                           nucleus::test::name_of)
