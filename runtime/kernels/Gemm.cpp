//===- Gemm.cpp - Matrix products -----------------------------------------===//
//
// Blocks of both operands are packed into the workspace, and multiplied there
// (Goto and van de Geijn, "Anatomy of high-performance matrix multiplication",
// 2008; Van Zee and van de Geijn, "BLIS", 2015). Transposition, alpha and the
// conversion of bf16 happen in packing; the multiplication sees one layout. An
// operand that needs none of them and is read a few times only, as in blocks of
// attention, is multiplied where it lies.
//
//   for blocks of columns of b              the packed block of b is for the
//     for blocks of the depth               last level of cache,
//       pack b
//       for blocks of rows of a
//         pack a
//         for parts of both                 a part of b for the second level,
//           for panels of b                 one of them for both first ones,
//             for panels of a               a tile of c for registers
//
// The blocks are the same on every processor, and so is the workspace. Each
// element of c is one chain of additions in the order of the depth, which is
// cut where a block of the depth ends and taken up from c: the bits do not
// depend on blocks, tiles, threads or the other rows and columns.
//
// Threads pack the same two blocks and multiply parts of them, whoever comes
// first, and meet in between: the workspace does not depend on their number.
//
//===----------------------------------------------------------------------===//

#include "Gemm.h"
#include "InstructionSet.h"
#include "Team.h"
#include "pprt_kernels.h"

#include <algorithm>

using namespace pprt;

/// Rows of a and columns of b in a part: 96 KB and 768 KB with the depth of a
/// block.
static constexpr int64_t partRows = 48, partColumns = 384;
/// Multiplications for which another thread is woken: some 50 us of work.
static constexpr double workOfThread = 1 << 22;
/// Operands that are read this often at most stay where they lie: packing would
/// cost more than it saves. Rows by panels of b, columns by panels of a.
static constexpr int64_t readsOfRows = 16, readsOfColumns = 16;
/// Panels that a thread packs at a time.
static constexpr int64_t panelsAtOnce = 4;

static int64_t divideUp(int64_t a, int64_t b) { return (a + b - 1) / b; }

/// The size of blocks of at most `limit`, a multiple of `unit`, that divide
/// `size` as evenly as whole units do.
static int64_t evenBlock(int64_t size, int64_t limit, int64_t unit) {
  int64_t blocks = divideUp(size, limit);
  return divideUp(divideUp(size, blocks), unit) * unit;
}

namespace {
class Product {
public:
  Product(const GemmKernel &kernel, const GemmOperand &a, const GemmOperand &b,
          int64_t m, int64_t n, int64_t k, float alpha, bool accumulate,
          float *c, int64_t ldc, float *workspace)
      : kernel(kernel), a(a), b(b), m(m), n(n), k(k), alpha(alpha),
        accumulate(accumulate), c(c), ldc(ldc) {
    blockDepth =
        evenBlock(k, PPRT_GEMM_DEPTH * kernel.stepDepth, kernel.stepDepth);
    blockColumns = evenBlock(n, PPRT_GEMM_COLUMNS, kernel.columns);
    blockRows = std::min(evenBlock(m, PPRT_GEMM_ROWS, kernel.rows), m);
    // Panels as even as lines allow: 9 rows are 5 and 4, not 8 and 1, and 64
    // columns are 32 and 32, not 48 and 16.
    panelRows = evenBlock(blockRows, kernel.rows, 1);
    panelColumns = evenBlock(std::min(blockColumns, n), kernel.columns, 16);
    // a that is not packed is neither scaled nor transposed in packing; the
    // panels of b are whole vectors.
    packsA = !kernel.takesOperands || alpha != 1.0f || a.isAcross ||
             divideUp(n, panelColumns) > readsOfRows;
    packsB = !kernel.takesOperands || !b.isAcross || n % 16 != 0 ||
             divideUp(m, panelRows) > readsOfColumns;
    // b first: its panels are whole vectors, which begin with a cache line.
    packedB = reinterpret_cast<float *>(
        (reinterpret_cast<uintptr_t>(workspace) + 63) & ~uintptr_t(63));
    packedA = packedB + divideUp(std::min(blockColumns, n), 16) * 16 *
                            steps(std::min(blockDepth, k));
  }

  void run() {
    Team &team = Team::ofThisThread();
    double work = double(m) * double(n) * double(k);
    int32_t threads =
        int32_t(std::clamp(work / workOfThread, 1.0, double(team.size())));
    team.run(
        threads,
        [](Team &team, void *product) {
          static_cast<Product *>(product)->work(team);
        },
        this);
  }

private:
  /// A block: rows of a, columns of b, and the depth of both.
  struct Block {
    int64_t row, rows, column, columns, begin, depth;
  };

  int64_t steps(int64_t depth) const {
    return divideUp(depth, kernel.stepDepth);
  }

  void work(Team &team) {
    for (int64_t j = 0; j < n; j += blockColumns)
      for (int64_t l = 0; l < k; l += blockDepth)
        for (int64_t i = 0; i < m; i += blockRows) {
          Block block = {i, std::min(blockRows, m - i),
                         j, std::min(blockColumns, n - j),
                         l, std::min(blockDepth, k - l)};
          pack(team, block);
          team.meet();
          multiply(team, block);
          team.meet();
        }
  }

  void pack(Team &team, const Block &block) {
    int64_t linesA = panelsAtOnce * panelRows;
    int64_t linesB = panelsAtOnce * panelColumns;
    int64_t piecesB =
        packsB && block.row == 0 ? divideUp(block.columns, linesB) : 0;
    int64_t pieces = piecesB + (packsA ? divideUp(block.rows, linesA) : 0);
    int64_t depth = steps(block.depth);
    for (int64_t piece; (piece = team.next()) < pieces;) {
      if (piece < piecesB) {
        int64_t at = piece * linesB;
        kernel.packColumns(b, block.column + at,
                           std::min(linesB, block.columns - at), panelColumns,
                           block.begin, block.depth, packedB + at * depth);
      } else {
        int64_t at = (piece - piecesB) * linesA;
        kernel.packRows(a, block.row + at, std::min(linesA, block.rows - at),
                        panelRows, block.begin, block.depth, alpha,
                        packedA + at * depth);
      }
    }
  }

  /// By parts of columns, which stay in the second level of cache while the
  /// rows go by.
  void multiply(Team &team, const Block &block) {
    int64_t rows = std::max(partRows / panelRows, int64_t(1)) * panelRows;
    int64_t columns = evenBlock(block.columns, partColumns, panelColumns);
    int64_t down = divideUp(block.rows, rows);
    int64_t parts = down * divideUp(block.columns, columns);
    int64_t depth = steps(block.depth);
    for (int64_t part; (part = team.next()) < parts;) {
      int64_t row = part % down * rows, column = part / down * columns;
      kernel.multiply(std::min(rows, block.rows - row), panelRows,
                      std::min(columns, block.columns - column), panelColumns,
                      depth, rowsOf(block, row), columnsOf(block, column),
                      accumulate || block.begin > 0,
                      c + (block.row + row) * ldc + block.column + column, ldc);
    }
  }

  GemmRows rowsOf(const Block &block, int64_t row) const {
    if (packsA)
      return {packedA + row * steps(block.depth), /*isPacked=*/true};
    return {static_cast<const float *>(a.data) + (block.row + row) * a.leading +
                block.begin,
            /*isPacked=*/false, a.leading, 1};
  }
  GemmColumns columnsOf(const Block &block, int64_t column) const {
    if (packsB)
      return {packedB + column * steps(block.depth), /*isPacked=*/true};
    return {static_cast<const float *>(b.data) + block.begin * b.leading +
                block.column + column,
            /*isPacked=*/false, b.leading};
  }

  const GemmKernel &kernel;
  const GemmOperand a, b;
  const int64_t m, n, k;
  const float alpha;
  const bool accumulate;
  float *const c;
  const int64_t ldc;
  int64_t blockDepth, blockColumns, blockRows, panelRows, panelColumns;
  bool packsA, packsB;
  float *packedA, *packedB;
};
} // namespace

void pprt::multiply(const GemmKernel &kernel, const GemmOperand &a,
                    const GemmOperand &b, int64_t m, int64_t n, int64_t k,
                    float alpha, bool accumulate, float *c, int64_t ldc,
                    float *workspace) {
  if (m == 0 || n == 0)
    return;
  if (k > 0)
    Product(kernel, a, b, m, n, k, alpha, accumulate, c, ldc, workspace).run();
  else if (!accumulate)
    for (int64_t i = 0; i < m; ++i)
      std::fill_n(c + i * ldc, n, 0.0f);
}

void pprt::gemm(bool transposeA, bool transposeB, int64_t m, int64_t n,
                int64_t k, float alpha, const float *a, int64_t lda,
                const float *b, int64_t ldb, bool accumulate, float *c,
                int64_t ldc, float *workspace) {
  multiply(*instructionSet().floats, {a, lda, transposeA},
           {b, ldb, !transposeB}, m, n, k, alpha, accumulate, c, ldc,
           workspace);
}

extern "C" int32_t pprt_set_kernel_threads(int32_t threads) {
  return Team::ofThisThread().resize(threads);
}

extern "C" void pprt_sgemm(int32_t transpose_a, int32_t transpose_b, int64_t m,
                           int64_t n, int64_t k, const float *a, int64_t lda,
                           const float *b, int64_t ldb, float beta, float *c,
                           int64_t ldc, float *workspace) {
  pprt::gemm(transpose_a, transpose_b, m, n, k, 1.0f, a, lda, b, ldb, beta != 0,
             c, ldc, workspace);
}

extern "C" void pprt_sgemm_batched(int32_t transpose_a, int32_t transpose_b,
                                   int64_t m, int64_t n, int64_t k,
                                   const float *a, int64_t lda, const float *b,
                                   int64_t ldb, float beta, float *c,
                                   int64_t ldc, int64_t batch, int64_t stride_a,
                                   int64_t stride_b, int64_t stride_c,
                                   float *workspace) {
  for (int64_t i = 0; i < batch; ++i)
    pprt_sgemm(transpose_a, transpose_b, m, n, k, a + i * stride_a, lda,
               b + i * stride_b, ldb, beta, c + i * stride_c, ldc, workspace);
}
