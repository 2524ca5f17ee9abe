#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "trainer/commands/compress_advise_choose.hpp"

namespace spillway::trainer {

/// One or two sentences: what is best, by how much, or that compression does not pay, with the
/// numbers, and the bandwidth below which something would.
std::string advice_verdict(const AdviceInput& input, const Advice& advice);

std::string advice_table(const AdviceInput& input, const Advice& advice);
nlohmann::ordered_json advice_json(const AdviceInput& input, const Advice& advice);

}  // namespace spillway::trainer
