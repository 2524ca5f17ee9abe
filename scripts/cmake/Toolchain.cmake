# Compiler warnings, compile cache, fast linker, and the one precompiled header.

add_library(spillway_warnings INTERFACE)
target_compile_options(spillway_warnings INTERFACE -Wall -Wextra -Wconversion -Wshadow -Werror)

find_program(SPILLWAY_CCACHE ccache)
if(SPILLWAY_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env
      CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
      CCACHE_BASEDIR=${PROJECT_SOURCE_DIR} ${SPILLWAY_CCACHE})
endif()

find_program(SPILLWAY_MOLD mold)
if(SPILLWAY_MOLD)
  add_link_options(-fuse-ld=mold)
endif()

# Sources that touch autograd or many operators share this precompiled header; everything else stays on ATen/core/Tensor.h.
# A target uses it with target_precompile_headers(TARGET REUSE_FROM spillway_torch_pch).
function(spillway_add_torch_pch)
  file(WRITE ${PROJECT_BINARY_DIR}/torch_pch.cpp "")
  add_library(spillway_torch_pch OBJECT ${PROJECT_BINARY_DIR}/torch_pch.cpp)
  target_link_libraries(spillway_torch_pch PRIVATE spillway_warnings torch_cpu)
  target_compile_options(spillway_torch_pch PRIVATE -fpch-preprocess)
  target_precompile_headers(spillway_torch_pch PRIVATE
    <ATen/ATen.h> <torch/csrc/autograd/custom_function.h> <torch/csrc/autograd/autograd.h>
    <functional> <map> <memory> <optional> <string> <vector>)
endfunction()

# spillway_add_library(NAME [TORCH_PCH] SOURCES ... LINK ...): a room's library; includes are relative to the checkout.
function(spillway_add_library name)
  cmake_parse_arguments(arg "TORCH_PCH" "" "SOURCES;LINK" ${ARGN})
  add_library(${name} STATIC ${arg_SOURCES})
  target_include_directories(${name} PUBLIC ${PROJECT_SOURCE_DIR})
  target_link_libraries(${name} PUBLIC ${arg_LINK} PRIVATE spillway_warnings)
  if(arg_TORCH_PCH)
    target_compile_options(${name} PRIVATE -fpch-preprocess)
    target_precompile_headers(${name} REUSE_FROM spillway_torch_pch)
  endif()
endfunction()
