//===- GemmTiles.h - Packing and tiles of matrix products -------*- C++ -*-===//
//
// The inner parts of a matrix product, written once for vectors of W numbers
// and compiled for each instruction set by a file of its own, with its own
// flags. That file defines PPRT_ISA, a namespace for all of this: no linker may
// merge functions that were compiled for different processors. For the same
// reason nothing of the standard library is called, and there is no guard
// against a second inclusion.
//
// A tile of c, Rows x Columns numbers, stays in registers while one step of the
// depth after the other is added: vectors of b times a number of a. Both come
// from panels, which hold what a tile needs in the order in which it needs
// that: [step][rows of the tile] and [step][columns of the tile]; or from the
// operands themselves.
//
// What a step is says the arithmetic: a product of floats, or of two bf16 each.
// A step of a row takes 4 bytes either way, and so panels are arrays of floats
// to all but the arithmetic.
//
//===----------------------------------------------------------------------===//

#include "GemmKernel.h"
#include "pprt_kernels.h"

#include <type_traits>
#include <utility>

#define PPRT_INLINE inline __attribute__((always_inline))
#define PPRT_UNROLL _Pragma("clang loop unroll(full)")

namespace pprt::PPRT_ISA {

template <int W> struct Vectors {
  using Floats = float __attribute__((ext_vector_type(W)));
  using Words = uint32_t __attribute__((ext_vector_type(W)));
  using Halves = uint16_t __attribute__((ext_vector_type(W)));
};

template <class Vector> static PPRT_INLINE Vector load(const void *from) {
  Vector result;
  __builtin_memcpy(&result, from, sizeof(Vector));
  return result;
}

static PPRT_INLINE float floatOfBits(uint32_t bits) {
  float result;
  __builtin_memcpy(&result, &bits, sizeof(result));
  return result;
}

//===----------------------------------------------------------------------===//
// Elements of operands: how a step is read.
//   across: steps of W lines that lie side by side; of a pair the other half is
//           `next` elements further, and is 0 unless `whole`
//   along:  W steps of one line whose depth lies side by side
//   one:    a single step
//===----------------------------------------------------------------------===//

struct FloatElements {
  using Element = float;
  static constexpr int64_t depth = 1;

  template <int W>
  static PPRT_INLINE typename Vectors<W>::Floats
  across(const float *at, int64_t, bool, float alpha) {
    return load<typename Vectors<W>::Floats>(at) * alpha;
  }
  template <int W>
  static PPRT_INLINE typename Vectors<W>::Floats along(const float *at,
                                                       float alpha) {
    return load<typename Vectors<W>::Floats>(at) * alpha;
  }
  static PPRT_INLINE float one(const float *at, int64_t, bool, float alpha) {
    return *at * alpha;
  }
};

/// bf16 that become floats in a panel, which is exact.
struct WidenedElements {
  using Element = uint16_t;
  static constexpr int64_t depth = 1;

  template <int W>
  static PPRT_INLINE typename Vectors<W>::Floats across(const uint16_t *at,
                                                        int64_t, bool, float) {
    using V = Vectors<W>;
    auto halves = load<typename V::Halves>(at);
    return (typename V::Floats)(
        __builtin_convertvector(halves, typename V::Words) << 16);
  }
  template <int W>
  static PPRT_INLINE typename Vectors<W>::Floats along(const uint16_t *at,
                                                       float) {
    return across<W>(at, 0, true, 1);
  }
  static PPRT_INLINE float one(const uint16_t *at, int64_t, bool, float) {
    return floatOfBits(uint32_t(*at) << 16);
  }
};

/// Pairs of bf16, the first in the lower half.
struct PairedElements {
  using Element = uint16_t;
  static constexpr int64_t depth = 2;

  template <int W>
  static PPRT_INLINE typename Vectors<W>::Floats
  across(const uint16_t *at, int64_t next, bool whole, float) {
    using V = Vectors<W>;
    using Words = typename V::Words;
    Words pairs = __builtin_convertvector(load<typename V::Halves>(at), Words);
    if (whole)
      pairs |=
          __builtin_convertvector(load<typename V::Halves>(at + next), Words)
          << 16;
    return (typename V::Floats)pairs;
  }
  template <int W>
  static PPRT_INLINE typename Vectors<W>::Floats along(const uint16_t *at,
                                                       float) {
    return load<typename Vectors<W>::Floats>(at);
  }
  static PPRT_INLINE float one(const uint16_t *at, int64_t next, bool whole,
                               float) {
    return floatOfBits(at[0] | (whole ? uint32_t(at[next]) << 16 : 0));
  }
};

//===----------------------------------------------------------------------===//
// Packing.
//===----------------------------------------------------------------------===//

/// A square of vectors to its transpose: log2(W) times a perfect shuffle.
template <int W> struct Transposition {
  using Floats = typename Vectors<W>::Floats;

  template <int... I>
  static PPRT_INLINE Floats low(Floats a, Floats b,
                                std::integer_sequence<int, I...>) {
    return __builtin_shufflevector(a, b, (I / 2 + I % 2 * W)...);
  }
  template <int... I>
  static PPRT_INLINE Floats high(Floats a, Floats b,
                                 std::integer_sequence<int, I...>) {
    return __builtin_shufflevector(a, b, (W / 2 + I / 2 + I % 2 * W)...);
  }
  static PPRT_INLINE void run(Floats (&v)[W]) {
    constexpr std::make_integer_sequence<int, W> lanes;
    PPRT_UNROLL for (int stage = 1; stage < W; stage *= 2) {
      Floats next[W];
      PPRT_UNROLL for (int i = 0; i < W / 2; ++i) {
        next[2 * i] = low(v[i], v[i + W / 2], lanes);
        next[2 * i + 1] = high(v[i], v[i + W / 2], lanes);
      }
      PPRT_UNROLL for (int i = 0; i < W; ++i) { v[i] = next[i]; }
    }
  }
};

template <class Elements, int W> struct Packing {
  using Element = typename Elements::Element;
  using Floats = typename Vectors<W>::Floats;
  static constexpr int64_t pair = Elements::depth;

  /// Lines [from, Lines) of one step, by vectors of Width or less.
  template <int Lines, int Width, int From = 0>
  static PPRT_INLINE void step(const Element *at, int64_t next, bool whole,
                               float alpha, float *to) {
    if constexpr (From == Lines) {
      return;
    } else if constexpr (Width == 1) {
      to[From] = Elements::one(at + From, next, whole, alpha);
      step<Lines, 1, From + 1>(at, next, whole, alpha, to);
    } else if constexpr (From + Width <= Lines) {
      auto v = Elements::template across<Width>(at + From, next, whole, alpha);
      __builtin_memcpy(to + From, &v, sizeof(v));
      step<Lines, Width, From + Width>(at, next, whole, alpha, to);
    } else {
      step<Lines, Width / 2, From>(at, next, whole, alpha, to);
    }
  }

  /// Panels of Lines lines that lie side by side, `next` apart.
  template <int Lines, int Panels = 1>
  static void across(const Element *from, int64_t leading, int64_t depth,
                     float alpha, float *to, int64_t stride, int64_t next = 0) {
    for (int64_t l = 0; l < depth; l += pair) {
      // A little of each of many pages, which no processor foresees.
      PPRT_UNROLL for (int i = 0; i < Lines * Panels;
                       i += 64 / int(sizeof(Element))) {
        __builtin_prefetch(from + 8 * leading + i);
      }
      bool whole = l + pair <= depth;
      PPRT_UNROLL for (int i = 0; i < Panels; ++i) {
        step<Lines, W>(from + i * Lines, leading, whole, alpha, to + i * next);
      }
      from += pair * leading;
      to += stride;
    }
  }

  /// Lines <= W lines of a panel whose depth lies side by side. There may be
  /// fewer `lines`: the last one takes the places of those that are missing.
  template <int Lines>
  static void along(const Element *from, int64_t leading, int64_t lines,
                    int64_t depth, float alpha, float *to, int64_t stride) {
    int64_t l = 0;
    for (; l + W * pair <= depth; l += W * pair) {
      Floats v[W];
      PPRT_UNROLL for (int i = 0; i < W; ++i) {
        int64_t line = i < lines ? i : lines - 1;
        v[i] = i < Lines
                   ? Elements::template along<W>(from + line * leading, alpha)
                   : Floats(0);
      }
      Transposition<W>::run(v);
      PPRT_UNROLL for (int i = 0; i < W; ++i) {
        __builtin_memcpy(to + i * stride, &v[i], Lines * sizeof(float));
      }
      from += W * pair;
      to += W * stride;
    }
    for (; l < depth; l += pair) {
      for (int i = 0; i < Lines; ++i)
        to[i] = Elements::one(from + (i < lines ? i : lines - 1) * leading, 1,
                              l + pair <= depth, alpha);
      from += pair;
      to += stride;
    }
  }

  static const Element *at(const GemmOperand &operand, int64_t line,
                           int64_t depth) {
    const Element *data = static_cast<const Element *>(operand.data);
    return operand.isAcross ? data + depth * operand.leading + line
                            : data + line * operand.leading + depth;
  }
  static int64_t steps(int64_t depth) { return (depth + pair - 1) / pair; }

  using RowPanel = void (*)(const Element *, int64_t, int64_t, float, float *);
  template <int Lines>
  static void rowsAcross(const Element *from, int64_t leading, int64_t depth,
                         float alpha, float *to) {
    across<Lines>(from, leading, depth, alpha, to, Lines);
  }
  template <int Lines>
  static void rowsAlong(const Element *from, int64_t leading, int64_t depth,
                        float alpha, float *to) {
    along<Lines>(from, leading, Lines, depth, alpha, to, Lines);
  }
  template <int... I>
  static RowPanel pick(bool isAcross, int64_t lines,
                       std::integer_sequence<int, I...>) {
    static constexpr RowPanel table[2][sizeof...(I)] = {{rowsAlong<I + 1>...},
                                                        {rowsAcross<I + 1>...}};
    return table[isAcross][lines - 1];
  }

  template <int Rows>
  static void packRows(const GemmOperand &a, int64_t first, int64_t lines,
                       int64_t panelRows, int64_t begin, int64_t depth,
                       float alpha, float *to) {
    int64_t i = 0;
    // A panel is less than a cache line of each step in memory: four at once.
    for (; a.isAcross && panelRows == Rows && i + 4 * Rows <= lines;
         i += 4 * Rows) {
      across<Rows, 4>(at(a, first + i, begin), a.leading, depth, alpha, to,
                      Rows, Rows * steps(depth));
      to += 4 * Rows * steps(depth);
    }
    for (; i < lines; i += panelRows) {
      int64_t count = lines - i < panelRows ? lines - i : panelRows;
      pick(a.isAcross, count, std::make_integer_sequence<int, Rows>())(
          at(a, first + i, begin), a.leading, depth, alpha, to);
      to += count * steps(depth);
    }
  }

  template <int Columns>
  static void packColumns(const GemmOperand &b, int64_t first, int64_t lines,
                          int64_t panelColumns, int64_t begin, int64_t depth,
                          float *to) {
    for (int64_t j = 0; j < lines; j += panelColumns) {
      int64_t count = lines - j < panelColumns ? lines - j : panelColumns;
      int64_t stride = (count + W - 1) / W * W;
      const Element *from = at(b, first + j, begin);
      if (b.isAcross && count == Columns)
        across<Columns>(from, b.leading, depth, 1, to, stride);
      else
        for (int64_t i = 0; i < count; i += W) {
          int64_t group = count - i < W ? count - i : W;
          if (!b.isAcross)
            along<W>(from + i * b.leading, b.leading, group, depth, 1, to + i,
                     stride);
          else if (group == W)
            across<W>(from + i, b.leading, depth, 1, to + i, stride);
          else
            acrossSome(from + i, b.leading, group, depth, to + i, stride);
        }
      to += stride * steps(depth);
    }
  }

  /// Fewer than W lines in the places of W.
  static void acrossSome(const Element *from, int64_t leading, int64_t lines,
                         int64_t depth, float *to, int64_t stride) {
    for (int64_t l = 0; l < depth; l += pair) {
      for (int64_t i = 0; i < W; ++i)
        to[i] = i < lines
                    ? Elements::one(from + i, leading, l + pair <= depth, 1)
                    : 0.0f;
      from += pair * leading;
      to += stride;
    }
  }
};

//===----------------------------------------------------------------------===//
// Multiplication.
//===----------------------------------------------------------------------===//

/// A step of floats: one rounding.
struct FusedFloats {
  template <class Floats>
  static PPRT_INLINE Floats step(Floats sum, Floats a, Floats b) {
    return __builtin_elementwise_fma(a, b, sum);
  }
};

template <class Arithmetic, int W, int Rows, int Columns> struct Tiles {
  using Floats = typename Vectors<W>::Floats;
  static constexpr int maxVectors = Columns / W;
  static constexpr int cacheLine = 16; // floats

  /// What the next tiles need, for the cache: a tile of c, and `steps` lines.
  struct Next {
    float *c;
    const float *lines;
  };
  /// Distances: of a's rows, which packed ones do not use, and of the steps of
  /// both.
  struct Strides {
    int64_t row, stepA, stepB;
  };

  /// c = a b, or c + a b, for R rows and V vectors of c.
  template <int R, int V, bool IsPacked>
  static void tile(int64_t steps, const float *a, const float *b,
                   Strides strides, bool accumulate, float *c, int64_t ldc,
                   Next next) {
    PPRT_UNROLL for (int i = 0; i < R; ++i) {
      PPRT_UNROLL for (int j = 0; j < V * W; j += cacheLine) {
        __builtin_prefetch(next.c + i * ldc + j, /*write=*/1);
      }
    }
    Floats sums[R][V];
    PPRT_UNROLL for (int i = 0; i < R; ++i) {
      PPRT_UNROLL for (int j = 0; j < V; ++j) {
        sums[i][j] = accumulate ? load<Floats>(c + i * ldc + j * W) : Floats(0);
      }
    }
#pragma clang loop unroll_count(2)
    for (int64_t l = 0; l < steps; ++l) {
      // Into the second level: there is no room in the first one yet.
      __builtin_prefetch(next.lines, /*write=*/0, /*locality=*/2);
      Floats right[V];
      PPRT_UNROLL for (int j = 0; j < V; ++j) {
        right[j] = load<Floats>(b + j * W);
      }
      PPRT_UNROLL for (int i = 0; i < R; ++i) {
        Floats left = a[IsPacked ? i : i * strides.row];
        PPRT_UNROLL for (int j = 0; j < V; ++j) {
          sums[i][j] = Arithmetic::step(sums[i][j], left, right[j]);
        }
      }
      next.lines += cacheLine;
      a += IsPacked ? R : strides.stepA;
      b += strides.stepB;
    }
    PPRT_UNROLL for (int i = 0; i < R; ++i) {
      PPRT_UNROLL for (int j = 0; j < V; ++j) {
        __builtin_memcpy(c + i * ldc + j * W, &sums[i][j], sizeof(Floats));
      }
    }
  }

  /// The same for `width` columns, which are fewer than those of the tile.
  template <class Tile>
  static void narrowTile(Tile tile, int64_t rows, int64_t width, int64_t steps,
                         const float *a, const float *b, Strides strides,
                         bool accumulate, float *c, int64_t ldc, Next next) {
    float whole[Rows * Columns];
    for (int64_t i = 0; i < rows && accumulate; ++i)
      for (int64_t j = 0; j < Columns; ++j)
        whole[i * Columns + j] = j < width ? c[i * ldc + j] : 0.0f;
    tile(steps, a, b, strides, accumulate, whole, Columns, next);
    for (int64_t i = 0; i < rows; ++i)
      for (int64_t j = 0; j < width; ++j)
        c[i * ldc + j] = whole[i * Columns + j];
  }

  using Tile = void (*)(int64_t, const float *, const float *, Strides, bool,
                        float *, int64_t, Next);
  struct TilesOfRows {
    Tile ofVectors[maxVectors];
  };
  template <int R, bool IsPacked, int... V>
  static constexpr TilesOfRows tilesOf(std::integer_sequence<int, V...>) {
    return {{tile<R, V + 1, IsPacked>...}};
  }
  template <bool IsPacked, int... R>
  static Tile pick(int64_t rows, int64_t vectors,
                   std::integer_sequence<int, R...>) {
    static constexpr TilesOfRows table[] = {tilesOf<R + 1, IsPacked>(
        std::make_integer_sequence<int, maxVectors>())...};
    return table[rows - 1].ofVectors[vectors - 1];
  }

  template <bool IsPacked>
  static void multiplyRows(int64_t rows, int64_t panelRows, int64_t columns,
                           int64_t panelColumns, int64_t steps,
                           const GemmRows &a, const GemmColumns &right,
                           bool accumulate, float *c, int64_t ldc) {
    constexpr std::make_integer_sequence<int, Rows> allRows;
    const float *b = right.data;
    for (int64_t j = 0; j < columns; j += panelColumns) {
      int64_t width = columns - j < panelColumns ? columns - j : panelColumns;
      int64_t vectors = (width + W - 1) / W;
      const float *left = a.data;
      // The next panel of b; or, where it lies in memory, its first steps.
      const float *lines = b + (right.isPacked ? vectors * W * steps : width);
      Strides strides = {a.row, a.step,
                         right.isPacked ? vectors * W : right.step};
      for (int64_t i = 0; i < rows; i += panelRows) {
        int64_t height = rows - i < panelRows ? rows - i : panelRows;
        int64_t toNext = IsPacked ? height * steps : height * a.row;
        float *target = c + i * ldc + j;
        Next next = {i + panelRows < rows ? target + panelRows * ldc
                                          : c + j + panelColumns,
                     lines};
        Tile tile = pick<IsPacked>(height, vectors, allRows);
        if (width == vectors * W)
          tile(steps, left, b, strides, accumulate, target, ldc, next);
        else
          narrowTile(tile, height, width, steps, left, b, strides, accumulate,
                     target, ldc, next);
        left += toNext;
        lines += cacheLine * steps;
        if (lines >= b + 2 * vectors * W * steps)
          lines = left + toNext;
      }
      b += right.isPacked ? vectors * W * steps : width;
    }
  }

  static void multiply(int64_t rows, int64_t panelRows, int64_t columns,
                       int64_t panelColumns, int64_t steps, const GemmRows &a,
                       const GemmColumns &b, bool accumulate, float *c,
                       int64_t ldc) {
    (a.isPacked ? multiplyRows<true>
                : multiplyRows<false>)(rows, panelRows, columns, panelColumns,
                                       steps, a, b, accumulate, c, ldc);
  }
};

template <class Elements, class Arithmetic, int W, int Rows, int Columns>
constexpr GemmKernel makeGemm() {
  static_assert(Rows <= W && Columns % W == 0 && 16 % W == 0 &&
                PPRT_GEMM_ROWS % Rows == 0 && PPRT_GEMM_COLUMNS % Columns == 0);
  using Pack = Packing<Elements, W>;
  return {Rows,
          Columns,
          Elements::depth,
          std::is_same_v<Elements, FloatElements>,
          &Pack::template packRows<Rows>,
          &Pack::template packColumns<Columns>,
          &Tiles<Arithmetic, W, Rows, Columns>::multiply};
}

} // namespace pprt::PPRT_ISA
