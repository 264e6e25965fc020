#include "Initialization.h"

#include "Hash.h"
#include "Parallel.h"
#include "Philox.h"
#include "PortableMath.h"

#include <cmath>

using namespace pprt;

uint64_t pprt::streamKey(uint64_t seed, const std::string &name) {
  return philox64(hashOf(name), seed, 0);
}

/// 53 random bits as a double in [0, 1).
static double unit(uint32_t low, uint32_t high) {
  uint64_t bits = (uint64_t(high) << 32 | low) >> 11;
  return double(bits) * 0x1p-53;
}

/// Two independent normal values of block `index`.
static void normalPair(uint64_t key, uint64_t index, double &a, double &b) {
  PhiloxBlock block = philox(key, index, 0);
  double u = 1.0 - unit(block[0], block[1]); // in (0, 1]: has a logarithm
  SineAndCosine angle = portableSinCosOfTurn(unit(block[2], block[3]));
  double radius = std::sqrt(-2.0 * portableLog(u));
  a = radius * angle.cosine;
  b = radius * angle.sine;
}

/// Elements [begin, end), of which begin is even.
static void initializeRange(const Initializer &init, uint64_t key,
                            uint64_t begin, uint64_t end, float *data) {
  switch (init.kind) {
  case Initializer::Constant:
    for (uint64_t i = begin; i < end; ++i)
      data[i] = float(init.value);
    return;
  case Initializer::Uniform:
    for (uint64_t i = begin; i < end; ++i) {
      PhiloxBlock block = philox(key, i / 2, 0);
      double u = i % 2 ? unit(block[2], block[3]) : unit(block[0], block[1]);
      data[i] = float(init.low + (init.high - init.low) * u);
    }
    return;
  case Initializer::Normal:
    for (uint64_t i = begin; i < end; i += 2) {
      double a, b;
      normalPair(key, i / 2, a, b);
      data[i] = float(init.mean + init.deviation * a);
      if (i + 1 < end)
        data[i + 1] = float(init.mean + init.deviation * b);
    }
    return;
  }
}

void pprt::initialize(const Initializer &init, const std::string &name,
                      uint64_t elements, uint64_t seed, float *data) {
  uint64_t key = streamKey(seed, name);
  inParallel(elements, [&](uint64_t begin, uint64_t end) {
    initializeRange(init, key, begin, end, data);
  });
}
