//===- Scale.h - From time to places in a picture ---------------*- C++ -*-===//

#ifndef PP_LIB_SCHEDULE_SCALE_H
#define PP_LIB_SCHEDULE_SCALE_H

#include <cmath>

namespace pp::schedule {

/// Pixels or columns for a unit of time, so that `span` takes `size`. 0 where
/// all is drawn at one place: no time passes, or too little for such a number.
inline double scaleOf(double size, double span) {
  const double scale = span > 0 ? size / span : 0;
  return std::isfinite(scale) ? scale : 0;
}

} // namespace pp::schedule

#endif // PP_LIB_SCHEDULE_SCALE_H
