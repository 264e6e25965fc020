// Functions of the end of a step as a program brings them, for parameters of
// four elements and by SGD.
#ifndef PP_TEST_UNIT_RUNTIME_STEPFUNCTIONS_H
#define PP_TEST_UNIT_RUNTIME_STEPFUNCTIONS_H

#include "Description.h"
#include "pprt.h"
#include "pprt_scalars.h"

#include <cmath>

namespace stepfunctions {
using namespace pprt;

constexpr int elements = 4;

template <typename T> T *at(const void *const *operands, int i) {
  return static_cast<T *>(const_cast<void *>(operands[i]));
}

inline void add(pprt_context *, const void *const *o) {
  for (int i = 0; i < elements; ++i)
    at<float>(o, 0)[i] += at<float>(o, 1)[i];
}
inline void norm(pprt_context *, const void *const *o) {
  double sum = 0;
  for (int i = 0; i < elements; ++i)
    sum += double(at<float>(o, 0)[i]) * at<float>(o, 0)[i];
  *at<double>(o, 1) = sum;
}
template <bool decays> void sgd(pprt_context *, const void *const *o) {
  const pprt_scalars &s = *at<pprt_scalars>(o, 2);
  const float keep = decays ? 1 - s.learning_rate * s.weight_decay : 1;
  for (int i = 0; i < elements; ++i)
    at<float>(o, 0)[i] =
        at<float>(o, 0)[i] * keep -
        s.learning_rate * (at<float>(o, 1)[i] * s.gradient_scale);
}
/// Of two micro-batches and two parameters.
inline void conclude(pprt_context *, const void *const *o) {
  const double *x = at<double>(o, 0), clip = *at<double>(o, 1);
  const double norm = std::sqrt(x[2] + x[3]) / 2;
  at<double>(o, 2)[PPRT_SUMMARY_LOSS] = (x[0] + x[1]) / 2;
  at<double>(o, 2)[PPRT_SUMMARY_NORM] = norm;
  pprt_scalars &s = *at<pprt_scalars>(o, 3);
  s.gradient_scale = float((clip > 0 && norm > clip ? clip / norm : 1.0) / 2);
  s.is_finite = 1;
}

inline const pprt_function all[] = {norm, add, sgd<false>, sgd<true>, conclude};

/// A parameter that these functions are for.
inline Parameter parameter(const char *name, bool decays) {
  Parameter result;
  result.name = name;
  result.shape = {elements};
  result.elements = elements;
  result.norm = 0;
  result.add = 1;
  result.updates = {decays ? 3 : 2};
  return result;
}

/// A description's functions and optimizer.
inline void describe(Description &description) {
  description.optimizers = {{"sgd", {}}};
  description.functions = {"norm", "add", "sgd", "sgd.decay", "conclude"};
  description.conclude = 4;
}
} // namespace stepfunctions

#endif // PP_TEST_UNIT_RUNTIME_STEPFUNCTIONS_H
