//===- Curve.h - Points, scales and ticks of a chart ------------*- C++ -*-===//
#ifndef PP_PLOT_CURVE_H
#define PP_PLOT_CURVE_H

#include "Runs.h"

namespace pp::plot {

/// Some metrics of a run in a bounded number of points: each is of `every`
/// lines that follow each other, of those that have one of the metrics.
struct Points {
  size_t every = 1;
  std::vector<size_t> rows; ///< a point's middle line
  struct Column {
    Metric metric;
    /// Of the values in a point; NaN where it has none.
    std::vector<double> mean, least, most;
  };
  std::vector<Column> columns;
};
Points reduce(const Run &run, const std::vector<Metric> &metrics,
              size_t atMost);

/// The mean around each of `values` by weights that fall by e over `span` steps
/// to both sides, so that a curve that falls is not left behind. NaN stays NaN
/// and weighs nothing. 0 changes nothing.
std::vector<double> smooth(const std::vector<double> &steps,
                           const std::vector<double> &values, double span);

/// The span that a picture starts with: a two-hundredth of the longest run; 0
/// below 50 steps.
double defaultSpan(const std::vector<Run> &runs);

/// A stretch of numbers along one side of a chart.
class Scale {
public:
  /// Takes `value` in; NaN and, on a logarithmic scale, what is not above 0
  /// is nothing.
  void add(double value);
  bool isEmpty() const { return !(low <= high); }
  /// Room around what was added, and some for a single number.
  void pad(double share);
  /// Where `value` lies, from 0 to 1; NaN if it cannot be drawn.
  double place(double value) const;
  struct Tick {
    double value;
    std::string label;
  };
  /// About so many round numbers.
  std::vector<Tick> ticks(int about) const;

  bool isLogarithmic = false;
  double low = 1, high = 0; ///< empty at first
};

/// 0.0003 as 3e-4, 20000 as 20k; without digits that rounding made.
std::string labelOf(double value);

} // namespace pp::plot

#endif // PP_PLOT_CURVE_H
