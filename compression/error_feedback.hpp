#pragma once

#include <ATen/ops/vdot.h>

#include <utility>

#include "compression/step_state.hpp"

namespace spillway::compression {

/// What one replica has not sent of a parameter's gradients and adds to the next one (error
/// feedback, Seide et al. 2014; Karimireddy et al. 2019, arXiv:1901.09847). In gradient units, so
/// it is not rescaled when the learning rate changes. Belongs to the parameter, not to the method:
/// a method that takes over in mid-run goes on with it.
class ErrorFeedback {
 public:
  /// From the steps before, in the shape that the last method gave it; undefined: nothing.
  const at::Tensor& current() const { return error_.current(); }
  /// The same in the shape of `like`.
  at::Tensor current_as(const at::Tensor& like) const {
    return current().defined() ? current().view_as(like) : at::Tensor();
  }
  /// Room for what is kept of this step, shaped like `like`; its content is undefined.
  at::Tensor next(const at::Tensor& like) { return error_.next(like); }
  /// Sum of squares of next(), given by whoever has it, or measured.
  void set_next_squares(double squares) { next_squares_ = squares; }
  void measure_next(const at::Tensor& next) { next_squares_ = squares_of(next); }
  double next_squares() const { return next_squares_; }
  /// Nothing is kept of this step.
  void drop() {
    error_.drop();
    next_squares_ = 0;
  }
  /// next() is forgotten: the error stays as it is.
  void leave() { error_.leave(); }
  void end_step(bool keep) {
    if (error_.changed() && keep) squares_ = next_squares_;
    error_.end_step(keep);
  }
  /// Replaces what is kept, between steps.
  void set(at::Tensor error) {
    squares_ = error.defined() ? squares_of(error) : 0;
    error_.set(std::move(error));
  }
  /// Sum of squares of current().
  double squares() const { return squares_; }

 private:
  static double squares_of(const at::Tensor& tensor) {
    const at::Tensor flat = tensor.view(-1);
    return at::vdot(flat, flat).item<double>();
  }

  StepState error_;
  double squares_ = 0, next_squares_ = 0;
};

}  // namespace spillway::compression
