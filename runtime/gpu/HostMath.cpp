#include "HostMath.h"

#include "pprt_gpu_cost.h"

#include <cmath>
#include <cstring>
#include <numeric>
#include <vector>

using namespace pprt;

//===----------------------------------------------------------------------===//
// Elements
//===----------------------------------------------------------------------===//

static double load(const void *data, int type, int64_t index) {
  switch (type) {
  case PPRT_GPU_F64:
    return static_cast<const double *>(data)[index];
  case PPRT_GPU_BF16: {
    uint32_t bits = uint32_t(static_cast<const uint16_t *>(data)[index]) << 16;
    float value;
    std::memcpy(&value, &bits, sizeof value);
    return value;
  }
  default:
    return static_cast<const float *>(data)[index];
  }
}

/// To the nearest, ties to even; a NaN stays one.
static uint16_t toBf16(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  if (std::isnan(value))
    return uint16_t(bits >> 16 | 0x40);
  return uint16_t((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

static void store(void *data, int type, int64_t index, double value) {
  switch (type) {
  case PPRT_GPU_F64:
    static_cast<double *>(data)[index] = value;
    return;
  case PPRT_GPU_BF16:
    static_cast<uint16_t *>(data)[index] = toBf16(float(value));
    return;
  default:
    static_cast<float *>(data)[index] = float(value);
  }
}

static const void *advance(const void *data, int type, int64_t elements) {
  return static_cast<const char *>(data) + pprt_gpu_type_bytes(type) * elements;
}

constexpr double geluSlope = 0.7978845608028654; // sqrt(2 / pi)
constexpr double geluCubic = 0.044715;

double pprt::geluTanh(double x) {
  return 0.5 * x * (1 + std::tanh(geluSlope * (x + geluCubic * x * x * x)));
}

double pprt::geluTanhDerivative(double x) {
  double t = std::tanh(geluSlope * (x + geluCubic * x * x * x));
  return 0.5 * (1 + t) +
         0.5 * x * (1 - t * t) * geluSlope * (1 + 3 * geluCubic * x * x);
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

void pprt::hostMatmul(const pprt_gpu_gemm &s, const void *a, const void *b,
                      void *c, void *bias, void *aux) {
  const int epilogue = s.epilogue;
  const bool reads = epilogue == PPRT_GPU_EPILOGUE_BIAS ||
                     epilogue == PPRT_GPU_EPILOGUE_GELU_AUX_BIAS;
  const bool gelu = epilogue == PPRT_GPU_EPILOGUE_GELU_AUX ||
                    epilogue == PPRT_GPU_EPILOGUE_GELU_AUX_BIAS;
  const bool dgelu = epilogue == PPRT_GPU_EPILOGUE_DGELU;
  std::vector<double> right(size_t(s.k * s.n)), left(size_t(s.k)),
      row(size_t(s.n)), rows(size_t(s.m));
  for (int64_t i = 0; i < s.batch; ++i) {
    const void *ai = advance(a, s.type_a, i * s.stride_a);
    const void *bi = advance(b, s.type_b, i * s.stride_b);
    const int64_t ci = i * s.stride_c;
    for (int64_t p = 0; p < s.k; ++p)
      for (int64_t j = 0; j < s.n; ++j)
        right[size_t(p * s.n + j)] =
            load(bi, s.type_b, s.transpose_b ? j * s.ldb + p : p * s.ldb + j);
    for (int64_t r = 0; r < s.m; ++r) {
      for (int64_t p = 0; p < s.k; ++p)
        left[size_t(p)] =
            load(ai, s.type_a, s.transpose_a ? p * s.lda + r : r * s.lda + p);
      rows[size_t(r)] = std::accumulate(left.begin(), left.end(), 0.0);
      std::fill(row.begin(), row.end(), 0.0);
      for (int64_t p = 0; p < s.k; ++p) {
        const double factor = left[size_t(p)];
        const double *source = right.data() + p * s.n;
        for (int64_t j = 0; j < s.n; ++j)
          row[size_t(j)] += factor * source[j];
      }
      for (int64_t j = 0; j < s.n; ++j) {
        const int64_t at = ci + r * s.ldc + j;
        double value = row[size_t(j)];
        if (reads)
          value += load(bias, s.type_bias, j);
        if (s.add == PPRT_GPU_ADD_C)
          value += load(c, s.type_c, at);
        if (s.add == PPRT_GPU_ADD_AUX)
          value += load(aux, s.type_c, r * s.ldaux + j);
        if (gelu) {
          store(aux, s.type_c, r * s.ldaux + j, value);
          value = geluTanh(load(aux, s.type_c, r * s.ldaux + j));
        }
        if (dgelu)
          value *= geluTanhDerivative(load(aux, s.type_c, r * s.ldaux + j));
        store(c, s.type_c, at, value);
      }
    }
  }
  if (epilogue == PPRT_GPU_EPILOGUE_BGRAD_B)
    for (int64_t j = 0; j < s.n; ++j) {
      double sum = 0;
      for (int64_t p = 0; p < s.k; ++p)
        sum += right[size_t(p * s.n + j)];
      store(bias, s.type_bias, j, sum);
    }
  if (epilogue == PPRT_GPU_EPILOGUE_BGRAD_A)
    for (int64_t r = 0; r < s.m; ++r)
      store(bias, s.type_bias, r, rows[size_t(r)]);
}

//===----------------------------------------------------------------------===//
// Attention
//===----------------------------------------------------------------------===//

namespace {
/// One head of one sequence: where its rows begin.
struct Head {
  Head(const pprt_gpu_attention &s, int64_t batch, int64_t head)
      : s(s), batch(batch), head(head), kvHead(head / (s.heads / s.kv_heads)) {}
  int64_t query(int64_t row, int64_t ld) const {
    return (batch * s.t + row) * ld + head * s.d;
  }
  int64_t key(int64_t row, int64_t ld) const {
    return (batch * s.s + row) * ld + kvHead * s.d;
  }
  int64_t lse(int64_t row) const {
    return (batch * s.heads + head) * s.t + row;
  }
  /// Keys that a row sees: from the first on.
  int64_t seen(int64_t row) const {
    if (!s.causal)
      return s.s;
    int64_t count = row + 1 + s.s - s.t;
    return count < 0 ? 0 : count > s.s ? s.s : count;
  }
  const pprt_gpu_attention &s;
  int64_t batch, head, kvHead;
};
} // namespace

static double dot(const pprt_gpu_attention &s, const void *x, int64_t xAt,
                  const void *y, int64_t yAt) {
  double sum = 0;
  for (int64_t i = 0; i < s.d; ++i)
    sum += load(x, s.type, xAt + i) * load(y, s.type, yAt + i);
  return sum;
}

void pprt::hostAttentionForward(const pprt_gpu_attention &s, const void *q,
                                const void *k, const void *v, void *out,
                                float *lse) {
  std::vector<double> scores(size_t(s.s)), row(size_t(s.d));
  for (int64_t b = 0; b < s.batch; ++b)
    for (int64_t h = 0; h < s.heads; ++h) {
      Head head(s, b, h);
      for (int64_t i = 0; i < s.t; ++i) {
        const int64_t seen = head.seen(i);
        double largest = -INFINITY, sum = 0;
        for (int64_t j = 0; j < seen; ++j) {
          scores[size_t(j)] = double(s.scale) * dot(s, q, head.query(i, s.ldq),
                                                    k, head.key(j, s.ldk));
          largest = std::max(largest, scores[size_t(j)]);
        }
        std::fill(row.begin(), row.end(), 0.0);
        for (int64_t j = 0; j < seen; ++j) {
          double p = std::exp(scores[size_t(j)] - largest);
          sum += p;
          for (int64_t d = 0; d < s.d; ++d)
            row[size_t(d)] += p * load(v, s.type, head.key(j, s.ldv) + d);
        }
        for (int64_t d = 0; d < s.d; ++d)
          store(out, s.type, head.query(i, s.ldo) + d,
                seen ? row[size_t(d)] / sum : 0.0);
        lse[head.lse(i)] = seen ? float(largest + std::log(sum)) : -INFINITY;
      }
    }
}

void pprt::hostAttentionBackward(const pprt_gpu_attention &s, const void *q,
                                 const void *k, const void *v, const void *out,
                                 const float *lse, const void *dout, void *dq,
                                 void *dk, void *dv) {
  std::vector<double> keys(size_t(s.s * s.d)), values(size_t(s.s * s.d)),
      row(size_t(s.d));
  const int64_t group = s.heads / s.kv_heads;
  for (int64_t b = 0; b < s.batch; ++b)
    for (int64_t h = 0; h < s.heads; ++h) {
      Head head(s, b, h);
      if (h % group == 0) {
        std::fill(keys.begin(), keys.end(), 0.0);
        std::fill(values.begin(), values.end(), 0.0);
      }
      for (int64_t i = 0; i < s.t; ++i) {
        const int64_t at = head.query(i, s.lddo);
        double delta = dot(s, out, head.query(i, s.ldo), dout, at);
        std::fill(row.begin(), row.end(), 0.0);
        for (int64_t j = 0; j < head.seen(i); ++j) {
          double score = double(s.scale) *
                         dot(s, q, head.query(i, s.ldq), k, head.key(j, s.ldk));
          double p = std::exp(score - double(lse[head.lse(i)]));
          double ds = p * (dot(s, dout, at, v, head.key(j, s.ldv)) - delta) *
                      double(s.scale);
          for (int64_t d = 0; d < s.d; ++d) {
            row[size_t(d)] += ds * load(k, s.type, head.key(j, s.ldk) + d);
            keys[size_t(j * s.d + d)] +=
                ds * load(q, s.type, head.query(i, s.ldq) + d);
            values[size_t(j * s.d + d)] += p * load(dout, s.type, at + d);
          }
        }
        for (int64_t d = 0; d < s.d; ++d)
          store(dq, s.type, head.query(i, s.lddq) + d, row[size_t(d)]);
      }
      if (h % group != group - 1)
        continue;
      for (int64_t j = 0; j < s.s; ++j)
        for (int64_t d = 0; d < s.d; ++d) {
          store(dk, s.type, head.key(j, s.lddk) + d, keys[size_t(j * s.d + d)]);
          store(dv, s.type, head.key(j, s.lddv) + d,
                values[size_t(j * s.d + d)]);
        }
    }
}
