# nucleus_room(NAME [CHILD_SAFE] DEPS room... SOURCES file... TESTS file... LIBRARIES target...)
#
# One room of the house: a static library nucleus_<name> from the sources beside the calling CMakeLists.txt, and, when
# tests are built, one test program of the *_test.cc beside them (ctest label "unit"). Sources are listed by name.
# CHILD_SAFE rooms run between clone3 and execve: no exceptions, no RTTI, no stack protector, no sanitizer, no coverage;
# tools/check_child_symbols compares what they call with a list.
function(nucleus_room name)
  cmake_parse_arguments(ROOM "CHILD_SAFE" "" "DEPS;SOURCES;TESTS;LIBRARIES" ${ARGN})
  string(REPLACE "/" "_" target "nucleus_${name}")
  if(ROOM_SOURCES)
    add_library(${target} STATIC ${ROOM_SOURCES})
    set(scope PUBLIC)
  else()
    add_library(${target} INTERFACE)
    set(scope INTERFACE)
  endif()
  # -iquote and not -I: src/sys/ must never stand in for the system's own <sys/...>.
  target_compile_options(${target} ${scope} "SHELL:-iquote ${PROJECT_SOURCE_DIR}/src")
  foreach(dep IN LISTS ROOM_DEPS)
    string(REPLACE "/" "_" dep "nucleus_${dep}")
    target_link_libraries(${target} ${scope} ${dep})
  endforeach()
  if(ROOM_LIBRARIES)
    target_link_libraries(${target} PRIVATE ${ROOM_LIBRARIES})
  endif()
  if(ROOM_CHILD_SAFE)
    target_compile_options(${target} PRIVATE -fno-exceptions -fno-rtti -fno-stack-protector -fno-sanitize=all
      -fno-profile-arcs -fno-test-coverage -fno-asynchronous-unwind-tables -fno-threadsafe-statics
      $<$<CXX_COMPILER_ID:GNU>:-fno-tree-loop-distribute-patterns> -O2)
  endif()
  if(NUCLEUS_TESTS AND ROOM_TESTS)
    add_executable(${target}_test ${ROOM_TESTS})
    target_link_libraries(${target}_test PRIVATE ${target} GTest::gtest GTest::gmock GTest::gtest_main)
    set_target_properties(${target}_test PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/unit)
    gtest_discover_tests(${target}_test PROPERTIES LABELS unit DISCOVERY_TIMEOUT 60)
  endif()
endfunction()
