#include "trainer/commands/cost_option.hpp"

#include "configs/error.hpp"
#include "trainer/checkpoint/durable_file.hpp"

namespace spillway::trainer {
namespace {

Calibration read_calibration(const std::string& file, const config::Config& config) {
  if (!std::filesystem::exists(file)) {
    fail_input("--costs = " + file +
               " is no file; valid: F=1,I=1,W=1, or the calibration.json of a run folder");
  }
  Calibration calibration = parse_calibration(read_text(file), "--costs = " + file);
  if (calibration.fingerprint != calibration_fingerprint(config)) {
    fail_input("--costs = " + file +
               " was measured with other settings of the model, its stages, micro-batch size or "
               "number formats; valid: a file of a run with this configuration");
  }
  return calibration;
}

}  // namespace

void read_config_and_costs(const config::Arguments& arguments, PlanRequest& request) {
  const bool given = arguments.given("costs");
  const bool by_hand = given && arguments.value("costs").find('=') != std::string::npos;
  request.config = by_hand ? config::read(arguments) : config::load(arguments);
  if (by_hand) request.costs = pipeline::parse_costs(arguments.value("costs"));
  if (given && !by_hand) {
    request.measured = read_calibration(arguments.value("costs"), request.config);
  }
}

}  // namespace spillway::trainer
