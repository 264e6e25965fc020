//===- Curve.cpp - Points, scales and ticks of a chart --------------------===//

#include "Curve.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <limits>

using namespace pp::plot;

static constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

Points pp::plot::reduce(const Run &run, const std::vector<Metric> &metrics,
                        size_t atMost) {
  std::vector<size_t> rows;
  for (size_t row = 0; row < run.steps.size(); ++row)
    if (std::any_of(metrics.begin(), metrics.end(), [&](Metric metric) {
          return !std::isnan(run.of(metric)[row]);
        }))
      rows.push_back(row);
  Points points;
  points.every = std::max<size_t>((rows.size() + atMost - 1) / atMost, 1);
  for (Metric metric : metrics)
    points.columns.push_back({metric, {}, {}, {}});
  for (size_t begin = 0; begin < rows.size(); begin += points.every) {
    const size_t end = std::min(begin + points.every, rows.size());
    points.rows.push_back(rows[begin + (end - begin) / 2]);
    for (Points::Column &column : points.columns) {
      double sum = 0, least = kNone, most = kNone;
      size_t count = 0;
      for (size_t i = begin; i < end; ++i) {
        const double value = run.of(column.metric)[rows[i]];
        if (std::isnan(value))
          continue;
        sum += value;
        least = count ? std::min(least, value) : value;
        most = count ? std::max(most, value) : value;
        ++count;
      }
      column.mean.push_back(count ? sum / double(count) : kNone);
      column.least.push_back(least);
      column.most.push_back(most);
    }
  }
  return points;
}

std::vector<double> pp::plot::smooth(const std::vector<double> &steps,
                                     const std::vector<double> &values,
                                     double span) {
  if (!(span > 0))
    return values;
  std::vector<double> sums(values.size(), 0), weights(values.size(), 0);
  // Once over what is before a value, once over what is after it.
  auto pass = [&](size_t first, size_t by) {
    double sum = 0, weight = 0, before = 0;
    for (size_t i = first; i < values.size(); i += by) {
      if (std::isnan(values[i]))
        continue;
      const double keep =
          weight > 0 ? std::exp(-std::abs(before - steps[i]) / span) : 0;
      sums[i] += keep * sum;
      weights[i] += keep * weight;
      sum = keep * sum + values[i];
      weight = keep * weight + 1;
      before = steps[i];
    }
  };
  pass(0, 1);
  pass(values.size() - 1, size_t(-1));
  std::vector<double> result;
  for (size_t i = 0; i < values.size(); ++i)
    result.push_back((sums[i] + values[i]) / (weights[i] + 1));
  return result;
}

double pp::plot::defaultSpan(const std::vector<Run> &runs) {
  double longest = 0;
  for (const Run &run : runs)
    longest = std::max(longest, run.steps.back() - run.steps.front());
  return longest < 50 ? 0 : std::ceil(longest / 200);
}

void Scale::add(double value) {
  if (std::isnan(value) || (isLogarithmic && value <= 0))
    return;
  const bool isFirst = isEmpty();
  low = isFirst ? value : std::min(low, value);
  high = isFirst ? value : std::max(high, value);
}

void Scale::pad(double share) {
  if (isEmpty())
    low = isLogarithmic ? 1 : 0, high = isLogarithmic ? 10 : 1;
  if (isLogarithmic) {
    const double factor = std::max(std::pow(high / low, share), 1.02);
    low /= factor;
    high *= factor;
    return;
  }
  double room = (high - low) * share;
  if (room <= 1e-9 * std::max(std::abs(low), std::abs(high)))
    room = std::max(std::abs(high) * 0.05, 1e-12);
  low -= room;
  high += room;
}

double Scale::place(double value) const {
  if (isLogarithmic)
    return value > 0 ? std::log(value / low) / std::log(high / low) : kNone;
  return (value - low) / (high - low);
}

std::string pp::plot::labelOf(double value) {
  const double size = std::abs(value);
  char text[64];
  if (size >= 1e4 && size < 1e16) {
    const char *units[] = {"k", "M", "G", "T"};
    const int unit = std::min(int(std::log10(size * 1.0000001)) / 3, 4);
    std::snprintf(text, sizeof text, "%.10g%s", value / std::pow(1000, unit),
                  units[unit - 1]);
    return text;
  }
  if (size == 0 || (size >= 0.01 && size < 1e4)) {
    std::snprintf(text, sizeof text, "%.10g", size == 0 ? 0 : value);
    return text;
  }
  const int exponent = int(std::floor(std::log10(size) + 1e-9));
  std::snprintf(text, sizeof text, "%.8ge%d", value / std::pow(10.0, exponent),
                exponent);
  return text;
}

/// Multiples of 1, 2 or 5 times a power of ten.
static std::vector<Scale::Tick> roundTicks(double low, double high, int about) {
  const double rough = (high - low) / std::max(about, 1);
  const double power = std::pow(10, std::floor(std::log10(rough)));
  double step = 10 * power;
  for (double factor : {1.0, 2.0, 5.0})
    if (factor * power >= rough * 0.999) {
      step = factor * power;
      break;
    }
  std::vector<Scale::Tick> ticks;
  // Neighbours that doubles cannot tell apart end the loop as well.
  for (double count = std::ceil(low / step);
       count * step <= high && ticks.size() < 100; ++count)
    ticks.push_back({count * step, labelOf(count * step)});
  return ticks;
}

std::vector<Scale::Tick> Scale::ticks(int about) const {
  if (!isLogarithmic)
    return roundTicks(low, high, about);
  const double decades = std::log10(high / low);
  const int stride = std::max(int(decades / about), 1);
  std::vector<Tick> ticks;
  for (int power = int(std::floor(std::log10(low))); power <= std::log10(high);
       ++power)
    for (double factor : {1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0}) {
      const double value = factor * std::pow(10.0, power);
      const bool isWanted = factor == 1 ? power % stride == 0
                            : factor == 2 || factor == 5
                                ? decades <= about / 2.5
                                : decades <= about / 6.0;
      if (value >= low && value <= high && isWanted)
        ticks.push_back({value, labelOf(value)});
    }
  if (ticks.size() >= 3)
    return ticks;
  return roundTicks(low, high, about);
}
