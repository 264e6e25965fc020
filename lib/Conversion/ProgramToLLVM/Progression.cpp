//===- Progression.cpp - Numbers at equal distances, in a ring ------------===//

#include "Progression.h"

using namespace pp;

std::optional<Progression>
pp::findProgression(llvm::ArrayRef<int64_t> numbers) {
  const int64_t count = numbers.size();
  if (count < 3)
    return std::nullopt;
  // Of the first three distances two are the stride, for the ring ends once.
  int64_t stride = numbers[1] - numbers[0];
  if (numbers[2] - numbers[1] != stride && count > 3)
    stride = numbers[3] - numbers[2];
  if (stride == 0)
    return std::nullopt;
  int64_t end = 1; // of the ring: the first number that does not follow
  while (end < count && numbers[end] - numbers[end - 1] == stride)
    ++end;
  Progression result{numbers[0], stride, 0, count};
  if (end < count) {
    const int64_t distance = numbers[0] - numbers[end];
    result.base = numbers[end];
    result.phase = distance / stride;
    result.size = result.phase + end;
    if (distance % stride != 0 || result.phase < 0)
      return std::nullopt;
  }
  for (int64_t i = 0; i != count; ++i)
    if (result.at(i) != numbers[i])
      return std::nullopt;
  return result;
}
