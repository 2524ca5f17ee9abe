#include "parallel/pipeline/timeline_svg.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "parallel/pipeline/number_text.hpp"

namespace spillway::pipeline {
namespace {

constexpr double kWidth = 1200, kLeft = 70, kRight = 20, kTop = 64;
constexpr double kBar = 24, kMemory = 14, kGap = 8;
constexpr double kRow = kBar + kMemory + kGap;

struct Kind {
  Op op;
  const char* name;
  const char* color;
};
constexpr std::array kKinds{Kind{Op::forward, "forward", "#4c78a8"},
                            Kind{Op::backward, "backward", "#e08a3c"},
                            Kind{Op::backward_input, "input gradient", "#d1605e"},
                            Kind{Op::backward_weight, "weight gradient", "#6a9f58"}};

std::string fixed(double number) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.2f", number);
  return text.data();
}

std::string escaped(const std::string& text) {
  std::string safe;
  for (const char c : text) {
    safe += c == '<' ? "&lt;" : c == '>' ? "&gt;" : c == '&' ? "&amp;" : std::string(1, c);
  }
  return safe;
}

std::string rectangle(double x, double y, double width, double height, const std::string& rest) {
  return "<rect x=\"" + fixed(x) + "\" y=\"" + fixed(y) + "\" width=\"" + fixed(width) +
         "\" height=\"" + fixed(height) + "\" " + rest;
}

std::string label(double x, double y, const std::string& rest, const std::string& text) {
  return "<text x=\"" + fixed(x) + "\" y=\"" + fixed(y) + "\"" + rest + ">" + escaped(text) +
         "</text>\n";
}

class Picture {
 public:
  Picture(const Prediction& prediction, const std::string& unit)
      : prediction_(prediction),
        unit_(unit),
        ranks_(static_cast<int>(prediction.simulation.ranks.size())),
        scale_((kWidth - kLeft - kRight) / std::max(prediction.makespan(), 1e-300)) {}

  std::string draw() {
    const double height = bottom() + 46;
    svg_ = "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"1200\" height=\"" + fixed(height) +
           "\" viewBox=\"0 0 1200 " + fixed(height) +
           "\" font-family=\"sans-serif\" font-size=\"12\">\n" +
           rectangle(0, 0, kWidth, height, "fill=\"#ffffff\"/>\n");
    draw_title();
    draw_axis();
    for (int rank = 0; rank < ranks_; ++rank) {
      draw_row(rank);
      draw_memory(rank);
    }
    return svg_ + "</svg>\n";
  }

 private:
  double x(double time) const { return kLeft + time * scale_; }
  static double y(int rank) { return kTop + rank * kRow; }
  double bottom() const { return y(ranks_); }
  int stages() const { return prediction_.shape.stages(); }

  void draw_title() {
    std::array<char, 32> bubble{};
    std::snprintf(bubble.data(), bubble.size(), "%.1f %%", 100 * prediction_.bubble());
    svg_ += label(kLeft, 22, " font-size=\"15\" font-weight=\"bold\"",
                  prediction_.name + ": makespan " + number_text(prediction_.makespan()) + " " +
                      unit_ + ", bubble " + bubble.data() + ", at most " +
                      number_text(prediction_.peak_activations()) + " activations on a rank");
    double at = kLeft;
    for (const Kind& kind : kKinds) {
      if (!has(kind.op)) continue;
      svg_ += rectangle(at, 34, 12, 12, "fill=\"" + std::string(kind.color) + "\"/>\n");
      svg_ += label(at + 17, 44, "", kind.name);
      at += 130;
    }
    svg_ += rectangle(at, 34, 12, 12, "fill=\"#eeeeee\"/>\n") + label(at + 17, 44, "", "idle");
    svg_ += rectangle(at + 70, 34, 12, 12, "fill=\"#c9c3dd\"/>\n") +
            label(at + 87, 44, "", "memory, as a share of the largest peak");
    if (stages() > ranks_) svg_ += label(at + 330, 44, "", "paler: later chunks of a rank");
  }

  bool has(Op op) const {
    return std::ranges::any_of(prediction_.compute.ranks, [op](const auto& actions) {
      return std::ranges::find(actions, op, &Action::op) != actions.end();
    });
  }

  /// About ten ticks at 1, 2 or 5 times a power of ten.
  void draw_axis() {
    const double raw = prediction_.makespan() / 10;
    if (raw <= 0) return;
    const double power = std::pow(10, std::floor(std::log10(raw)));
    const double factor = raw / power;
    const double step = power * (factor < 1.5 ? 1 : factor < 3.5 ? 2 : factor < 7.5 ? 5 : 10);
    for (int i = 0; i * step <= prediction_.makespan() * (1 + 1e-9); ++i) {
      const std::string at = fixed(x(i * step));
      svg_ += "<path d=\"M" + at + " " + fixed(kTop - 6) + "V" + fixed(bottom()) +
              "\" stroke=\"#dddddd\"/>\n";
      svg_ += label(x(i * step), bottom() + 16, " text-anchor=\"middle\" fill=\"#555555\"",
                    number_text(i * step));
    }
    svg_ += label(kWidth / 2, bottom() + 36, " text-anchor=\"middle\" fill=\"#555555\"", unit_);
  }

  void draw_row(int rank) {
    svg_ += label(kLeft - 8, y(rank) + kBar / 2 + 4, " text-anchor=\"end\"",
                  "rank " + std::to_string(rank));
    svg_ +=
        rectangle(x(0), y(rank), x(prediction_.makespan()) - x(0), kBar, "fill=\"#eeeeee\"/>\n");
    for (const TimedAction& timed : prediction_.simulation.ranks[static_cast<std::size_t>(rank)]) {
      if (is_compute(timed.action.op)) draw_action(timed, rank);
    }
  }

  /// Later chunks of a rank are paler.
  void draw_action(const TimedAction& timed, int rank) {
    const Action action = timed.action;
    const double width = (timed.end - timed.start) * scale_;
    const auto kind = std::ranges::find(kKinds, action.op, &Kind::op);
    const double chunk = std::floor(static_cast<double>(action.stage) / ranks_);
    const double opacity = 1 - 0.45 * chunk / std::max(1, prediction_.shape.chunks - 1);
    svg_ += rectangle(x(timed.start), y(rank), width, kBar,
                      "fill=\"" + std::string(kind->color) + "\" fill-opacity=\"" + fixed(opacity) +
                          "\" stroke=\"#ffffff\" stroke-width=\"0.5\"><title>" + to_string(action) +
                          " " + number_text(timed.start) + " to " + number_text(timed.end) +
                          "</title></rect>\n");
    const std::string name =
        stages() > ranks_ ? to_string(action)
                          : std::string(to_string(action.op)) + std::to_string(action.microbatch);
    if (width < 6.2 * static_cast<double>(name.size()) + 2) return;
    svg_ += label(x(timed.start) + width / 2, y(rank) + kBar / 2 + 4,
                  " text-anchor=\"middle\" font-size=\"11\" fill=\"" +
                      std::string(opacity < 0.8 ? "#222222" : "#ffffff") + "\"",
                  name);
  }

  void draw_memory(int rank) {
    const double peak = prediction_.peak_bytes();
    const double floor = y(rank) + kBar + kMemory;
    const auto& samples = prediction_.memory[static_cast<std::size_t>(rank)].samples;
    if (samples.empty() || peak <= 0) return;
    std::string path = "M" + fixed(x(samples.front().time)) + " " + fixed(floor);
    for (const MemorySample& sample : samples) {
      path +=
          "H" + fixed(x(sample.time)) + "V" + fixed(floor - (kMemory - 2) * sample.total() / peak);
    }
    path += "H" + fixed(x(prediction_.makespan())) + "V" + fixed(floor) + "Z";
    svg_ += "<path d=\"" + path + "\" fill=\"#c9c3dd\"/>\n";
  }

  const Prediction& prediction_;
  const std::string& unit_;
  int ranks_;
  double scale_;
  std::string svg_;
};

}  // namespace

std::string timeline_svg(const Prediction& prediction, const std::string& unit) {
  return Picture(prediction, unit).draw();
}

}  // namespace spillway::pipeline
