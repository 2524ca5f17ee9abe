#pragma once

#include <string>

namespace spillway::pipeline {

/// A number for people: at most 6 significant digits, no trailing zeros: 27, 28.5, 0.333333.
std::string number_text(double number);

}  // namespace spillway::pipeline
