# Build rules shared by the libraries and tools of the project.

# Set by the sanitize preset. LLVM's libraries are not instrumented, so that a
# container which crosses the border looks overflowed, their singletons leak, and
# what our code poisons in an allocator of theirs they use all the same.
option(PP_SANITIZE "Build with the address and undefined sanitizers" OFF)
if(PP_SANITIZE)
  set(PP_SANITIZE_FLAGS -fsanitize=address,undefined)
  add_compile_options(${PP_SANITIZE_FLAGS} -fno-sanitize=vptr
    -fno-sanitize-recover=undefined -fno-omit-frame-pointer)
  add_link_options(${PP_SANITIZE_FLAGS})
  set(PP_SANITIZE_ENVIRONMENT
    "ASAN_OPTIONS=detect_container_overflow=0:detect_leaks=0:allow_user_poisoning=0")
endif()

set(PP_WARNINGS -Wall -Wextra -Wno-unused-parameter -Wno-unknown-warning-option)

# A file of ours spends most of its compile time in MLIR's headers, so a few
# share a compilation. `-DPP_UNITY=OFF` compiles each alone.
option(PP_UNITY "Compile several files at once" ON)
function(pp_unity name)
  set_target_properties(${name} PROPERTIES
    UNITY_BUILD ${PP_UNITY} UNITY_BUILD_BATCH_SIZE 5)
endfunction()

# pp_alone(FILE...): files that cannot share one.
macro(pp_alone)
  set_source_files_properties(${ARGN} PROPERTIES
    SKIP_UNITY_BUILD_INCLUSION ON)
endmacro()

# Flags and include paths for everything that uses LLVM and MLIR.
macro(pp_use_llvm_flags)
  separate_arguments(PP_LLVM_DEFINITIONS NATIVE_COMMAND "${LLVM_DEFINITIONS}")
  add_definitions(${PP_LLVM_DEFINITIONS})
  include_directories(SYSTEM ${LLVM_INCLUDE_DIRS} ${MLIR_INCLUDE_DIRS})
  include_directories(${CMAKE_SOURCE_DIR}/include ${CMAKE_BINARY_DIR}/include)
  add_compile_options(${PP_WARNINGS} $<$<COMPILE_LANGUAGE:CXX>:-fno-rtti>
    $<$<COMPILE_LANGUAGE:CXX>:-fno-exceptions>
    $<$<COMPILE_LANGUAGE:CXX>:-fvisibility-inlines-hidden>)
endmacro()

# pp_export(NAME): a library of the CMake package `pp` (pp::NAME), whose headers
# are include/pp.
function(pp_export name)
  install(TARGETS ${name} EXPORT ppTargets ARCHIVE DESTINATION lib)
endfunction()

# pp_add_library(NAME sources... [LINK_LIBS libs...]): a static library of the
# compiler. Every one of them waits for all generated headers: they are few,
# and a forgotten dependency would show only in a parallel build.
function(pp_add_library name)
  cmake_parse_arguments(ARG "" "" "LINK_LIBS" ${ARGN})
  add_library(${name} STATIC ${ARG_UNPARSED_ARGUMENTS})
  pp_unity(${name})
  target_link_libraries(${name} PUBLIC ${ARG_LINK_LIBS} MLIR LLVM)
  target_include_directories(${name} INTERFACE $<INSTALL_INTERFACE:include>)
  add_dependencies(${name} pp-headers)
  pp_export(${name})
endfunction()

# pp_add_tool(NAME sources... [LINK_LIBS libs...]): an executable in build/bin.
function(pp_add_tool name)
  cmake_parse_arguments(ARG "" "" "LINK_LIBS" ${ARGN})
  add_executable(${name} ${ARG_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PRIVATE ${ARG_LINK_LIBS} MLIR LLVM)
  add_dependencies(${name} pp-headers)
  install(TARGETS ${name} RUNTIME DESTINATION bin)
endfunction()

# pp_tablegen(FILE.td OUTPUT ARGS...) ...: generated headers of one directory;
# pp_tablegen_done() makes them part of pp-headers.
macro(pp_tablegen td output)
  set(LLVM_TARGET_DEFINITIONS ${td})
  mlir_tablegen(${output} ${ARGN})
endmacro()

# Results that tests leave for the summary: one XML file a test binary.
set(PP_TEST_RESULTS ${CMAKE_BINARY_DIR}/test-results)

# pp_add_unittest(NAME sources... [LINK_LIBS libs...]): a GoogleTest binary that
# is one test of ctest and is built with `ninja pp-unit-tests`.
function(pp_add_unittest name)
  cmake_parse_arguments(ARG "" "" "LINK_LIBS" ${ARGN})
  add_executable(${name} ${ARG_UNPARSED_ARGUMENTS})
  pp_unity(${name})
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR}/include)
  target_link_libraries(${name} PRIVATE ${ARG_LINK_LIBS} GTest::gtest_main)
  add_dependencies(pp-unit-tests ${name})
  add_test(NAME unit/${name}
    COMMAND ${name} --gtest_output=xml:${PP_TEST_RESULTS}/${name}.xml)
  set_tests_properties(unit/${name} PROPERTIES TIMEOUT 300
    ENVIRONMENT "${PP_SANITIZE_ENVIRONMENT}")
endfunction()
