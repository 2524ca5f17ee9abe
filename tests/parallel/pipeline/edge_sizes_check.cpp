#include "tests/parallel/pipeline/edge_sizes_check.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <memory>

#include "parallel/pipeline/execute.hpp"
#include "parallel/pipeline/lower.hpp"

namespace spillway::pipeline {
namespace {

enum class Kind : std::uint8_t { activation, gradient };

/// What all bytes are of the message that stage `from` makes; the last byte differs, so that a
/// message cut short is seen.
at::Tensor message(Kind kind, int from, int microbatch, std::int64_t bytes) {
  const int number = (from * 16 + microbatch) * 2 + (kind == Kind::gradient ? 1 : 0);
  at::Tensor tensor = at::full({bytes}, number % 251, at::kByte);
  tensor.narrow(0, bytes - 1, 1).fill_(251 + number % 4);
  return tensor;
}

class EdgeStage final : public Stage {
 public:
  EdgeStage(int stage, int stages, std::int64_t bytes)
      : stage_(stage), stages_(stages), bytes_(bytes) {}

  at::Tensor make_input(int /*microbatch*/) override { return at::zeros({bytes_}, at::kByte); }

  at::Tensor forward(int microbatch, at::Tensor input) override {
    if (stage_ > 0) expect(input, Kind::activation, stage_ - 1, microbatch);
    return last() ? at::Tensor() : message(Kind::activation, stage_, microbatch, bytes_);
  }
  at::Tensor backward(int microbatch, at::Tensor output_gradient) override {
    return backward_input(microbatch, std::move(output_gradient));
  }
  at::Tensor backward_input(int microbatch, at::Tensor output_gradient) override {
    if (!last()) expect(output_gradient, Kind::gradient, stage_ + 1, microbatch);
    return stage_ > 0 ? message(Kind::gradient, stage_, microbatch, bytes_) : at::Tensor();
  }
  void recompute(int /*microbatch*/) override {}
  void backward_weight(int /*microbatch*/) override {}

  int messages() const { return messages_; }

 private:
  bool last() const { return stage_ + 1 == stages_; }
  void expect(const at::Tensor& got, Kind kind, int from, int microbatch) {
    ++messages_;
    EXPECT_TRUE(at::equal(got, message(kind, from, microbatch, bytes_)))
        << "stage " << stage_ << ", micro-batch " << microbatch << ", from stage " << from;
  }

  int stage_, stages_;
  std::int64_t bytes_;
  int messages_ = 0;
};

}  // namespace

void expect_whole_messages(comm::Communicator& world, const Schedule& compute, std::int64_t bytes) {
  SCOPED_TRACE(std::to_string(bytes) + " bytes");
  const auto ranks = static_cast<std::int64_t>(compute.ranks.size());
  const parallel::ProcessGrid grid(world, parallel::grid_shape(world.size(), ranks));
  const std::vector<int> placement = rank_of_stage(compute);
  const Edges edges(grid, placement);
  std::map<int, std::unique_ptr<EdgeStage>> owned;
  LocalStages stages;
  for (int stage = 0; stage < edges.stages(); ++stage) {
    if (placement[static_cast<std::size_t>(stage)] != grid.stage()) continue;
    owned[stage] = std::make_unique<EdgeStage>(stage, edges.stages(), bytes);
    stages[stage] = owned[stage].get();
  }
  ActionLog log;
  execute(
      lower(compute), stages, edges, [](int) {}, log);
  for (const auto& [stage, one] : owned) {
    const int neighbours = (stage > 0 ? 1 : 0) + (stage + 1 < edges.stages() ? 1 : 0);
    EXPECT_EQ(one->messages(), neighbours * count_microbatches(compute));
  }
}

}  // namespace spillway::pipeline
