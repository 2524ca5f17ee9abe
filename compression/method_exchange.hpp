#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "compression/bucket.hpp"
#include "compression/compressor.hpp"
#include "compression/exchange_queue.hpp"
#include "compression/meter.hpp"
#include "configs/schema.hpp"
#include "parallel/comm/communicator.hpp"

namespace spillway::compression {

/// Exchanges every parameter's gradient by the method that the settings and rules give it: what a
/// bucket holds for one method goes through that method's Compressor together, one method after the
/// other. Before a parameter's start_step its gradient travels whole.
///
/// Error feedback is kept here, by parameter: a method that takes over in mid-run, at start_step or
/// after a resume with other settings, goes on with it, and one that sends everything sends the
/// error too.
///
/// State by parameter name: "<name>/error" beside that of the methods.
class MethodExchange final : public GradientExchange {
 public:
  /// `parameters`: of the whole model in registration order, of which buckets may hold any part.
  /// The communicator is the exchange's own while a Work of it is open, and must outlive it.
  /// `seed`: run.seed.
  MethodExchange(const config::CompressionConfig& config, comm::Communicator& replicas,
                 const std::vector<ParameterShape>& parameters, std::uint64_t seed);

  void begin_step(std::int64_t step) override;
  /// Throws c10::Error for a parameter that is not among `parameters` or has another shape.
  comm::Work exchange(const Bucket& bucket) override;
  void end_step(bool keep) override;

  ExchangeStatistics take_statistics() override { return meter_.take(); }
  std::vector<ParameterRank> ranks() const override;
  bool awaits_state(std::int64_t step) const override;
  void average_errors() override;
  std::vector<NamedState> state() const override;
  /// Throws Error(input) for an error of another shape.
  std::vector<std::string> load_state(const std::vector<NamedState>& state) override;

 private:
  struct Parameter {
    std::string name;
    std::vector<std::int64_t> shape;
    std::int64_t start_step = 0;
    Compressor* before = nullptr;  ///< until start_step
    Compressor* compressor = nullptr;
    ErrorFeedback feedback;
  };

  void make_compressors(const std::vector<Member>& members, std::uint64_t seed);
  Parameter& find(const NamedGradient& entry);
  Piece piece_of(Parameter& parameter, const at::Tensor& gradient, const Compressor& compressor);
  void run(const Bucket& bucket, const std::vector<Parameter*>& parameters);
  void sum_error_squares();

  config::CompressionConfig config_;
  comm::Communicator& replicas_;
  std::int64_t step_ = 0;
  std::vector<Parameter> parameters_;
  std::unordered_map<std::string, std::size_t> index_;
  Meter meter_;
  std::vector<std::unique_ptr<Compressor>> compressors_;
  ExchangeQueue queue_;  // last: its thread ends before what it uses
};

}  // namespace spillway::compression
