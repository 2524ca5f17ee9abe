#include "parallel/pipeline/number_text.hpp"

#include <array>
#include <cstdio>

namespace spillway::pipeline {

std::string number_text(double number) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.6g", number);
  return text.data();
}

}  // namespace spillway::pipeline
