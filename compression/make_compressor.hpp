#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "compression/compressor.hpp"
#include "compression/meter.hpp"
#include "configs/schema.hpp"
#include "parallel/comm/communicator.hpp"

namespace spillway::compression {

/// Whether one compressor can take the parameters of both: their settings differ in nothing but
/// what each parameter may have for itself.
bool may_share(const config::CompressionMethod& a, const config::CompressionMethod& b);

/// "none", "bf16" or "fp16": how gradients travel whole, always or before start_step.
std::string dense_method(const config::CompressionMethod& method);

/// The compressor named by the members' method, which they may share. Throws Error(input) for a
/// name without one. `members`: in registration order. `config`: what is common to all methods.
std::unique_ptr<Compressor> make_compressor(const config::CompressionConfig& config,
                                            const std::vector<Member>& members,
                                            comm::Communicator& replicas, Meter& meter,
                                            std::uint64_t seed);

}  // namespace spillway::compression
