#pragma once

#include <memory>
#include <vector>

#include "data/mutate/operator.hpp"

namespace spillway::data {

using OperatorList = std::vector<std::unique_ptr<Operator>>;

// The operators of each category, in the order of the list; operators() joins them.
OperatorList long_context_operators();
OperatorList dialogue_operators();
OperatorList special_character_operators();
OperatorList concurrency_operators();
OperatorList grammar_operators();
OperatorList ambiguity_operators();
OperatorList contradiction_operators();

}  // namespace spillway::data
