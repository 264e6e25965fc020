//===- FakeCublasLt.cpp - Matrix products that are none of NVIDIA's -------===//
//
// The functions of cuBLASLt that the runtime uses, by loops in f64 on the
// host's memory, and with the rules of cuBLASLt 13.1.0: descriptions are taken
// as that one takes them (CublasLtTest.cpp), plans and products by what its
// documentation says, since these need a device. An algorithm carries the
// problem that it was chosen for, and runs no other.
//
//===----------------------------------------------------------------------===//
#include "FakeCuda.h"

#include "CudaTypes.h"

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

using namespace pprt::cuda;

namespace {
enum Status : int {
  notInitialized = 1,
  invalidValue = 7,
  executionFailed = 13,
  notSupported = 15,
};

struct Layout {
  int type;
  int64_t rows, columns, ld;
  int32_t batch = 1;
  int64_t stride = 0;
};

struct Desc {
  int compute, scale;
  int32_t transA = opN, transB = opN;
  uint32_t epilogue = epilogueDefault;
  const void *bias = nullptr, *aux = nullptr;
  int64_t auxLd = 0, auxStride = 0;
  int32_t auxType = -1, biasType = -1;
};

struct Preference {
  uint64_t workspace = 0;
  uint32_t reduction = 0x7;
  uint32_t alignments[4] = {256, 256, 256, 256}; // A, B, C, D
};

/// What an algorithm says about itself.
struct Choice {
  uint64_t problem, workspace;
  uint32_t alignments[4];
  uint32_t alignBias, alignAux;
};
static_assert(sizeof(Choice) <= sizeof(LtAlgo));

/// The problem as all its parts say.
struct Problem {
  const Desc &desc;
  const Layout &a, &b, &c, &d;
  int64_t m() const { return d.rows; }
  int64_t n() const { return d.columns; }
  int64_t k() const { return desc.transA == opN ? a.columns : a.rows; }
  bool has(uint32_t part) const { return desc.epilogue & part; }
  bool hasGrad() const {
    return desc.epilogue == epilogueBgradA || desc.epilogue == epilogueBgradB;
  }
  bool hasBias() const { return has(epilogueBias) || hasGrad(); }
  bool hasAux() const { return has(128); }
};
} // namespace

//===----------------------------------------------------------------------===//
// Elements
//===----------------------------------------------------------------------===//

static int64_t bytesOf(int type) {
  return type == real64 ? 8 : type == realBf16 ? 2 : 4;
}

static double load(const void *data, int type, int64_t index) {
  if (type == real64)
    return static_cast<const double *>(data)[index];
  if (type == real32)
    return double(static_cast<const float *>(data)[index]);
  uint32_t bits = uint32_t(static_cast<const uint16_t *>(data)[index]) << 16;
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return double(value);
}

static void store(void *data, int type, int64_t index, double value) {
  if (type == real64) {
    static_cast<double *>(data)[index] = value;
    return;
  }
  float narrow = float(value);
  if (type == real32) {
    static_cast<float *>(data)[index] = narrow;
    return;
  }
  // To the nearest, ties to even.
  uint32_t bits;
  std::memcpy(&bits, &narrow, sizeof bits);
  bits =
      std::isnan(narrow) ? bits | 0x400000 : bits + 0x7fff + (bits >> 16 & 1);
  static_cast<uint16_t *>(data)[index] = uint16_t(bits >> 16);
}

static double gelu(double x) {
  return x / 2 *
         (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
}

static double geluSlope(double x) {
  double inner = std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x);
  double slope = std::sqrt(2 / M_PI) * (1 + 3 * 0.044715 * x * x);
  return (1 + std::tanh(inner)) / 2 +
         x / 2 * slope / (std::cosh(inner) * std::cosh(inner));
}

//===----------------------------------------------------------------------===//
// Rules
//===----------------------------------------------------------------------===//

/// For people: why a call is refused.
static int refuse(int status, const std::string &reason) {
  if (const char *path = std::getenv("FAKE_CUDA_LOG"))
    if (FILE *log = std::fopen(path, "a")) {
      std::fprintf(log, "refused: %s\n", reason.c_str());
      std::fclose(log);
    }
  return status;
}

static bool isAligned(const void *pointer, uint64_t bytes) {
  return reinterpret_cast<uint64_t>(pointer) % bytes == 0;
}

static uint32_t alignmentOf(const void *pointer) {
  uint64_t address = reinterpret_cast<uint64_t>(pointer) | 256;
  return uint32_t(address & -address);
}

static int checkLayouts(const Problem &p) {
  for (const Layout *layout : {&p.a, &p.b, &p.c, &p.d}) {
    if (layout->ld < layout->rows)
      return refuse(invalidValue, "a leading dimension below the rows");
    if (layout->batch != p.d.batch)
      return refuse(invalidValue, "several numbers of matrices");
    if (layout->batch > 1 && layout->stride < 0)
      return refuse(invalidValue, "a negative stride");
  }
  bool tA = p.desc.transA != opN, tB = p.desc.transB != opN;
  if ((tA ? p.a.columns : p.a.rows) != p.m() ||
      (tB ? p.b.rows : p.b.columns) != p.n() ||
      (tB ? p.b.columns : p.b.rows) != p.k() || p.c.rows != p.m() ||
      p.c.columns != p.n())
    return refuse(invalidValue, "shapes that do not agree");
  if (p.d.batch > 1 && p.d.stride < p.d.ld * (p.d.columns - 1) + p.d.rows)
    return refuse(invalidValue, "results of a batch that overlap");
  return 0;
}

static int checkTypes(const Problem &p) {
  bool all = p.a.type == p.b.type && p.c.type == p.d.type;
  bool f64 = p.desc.compute == compute64 && p.desc.scale == real64 &&
             p.a.type == real64 && p.d.type == real64;
  bool f32 =
      p.desc.compute == compute32 && p.desc.scale == real32 &&
      ((p.a.type == real32 && p.d.type == real32) ||
       (p.a.type == realBf16 && (p.d.type == realBf16 || p.d.type == real32)));
  if (!all || (!f64 && !f32))
    return refuse(notSupported, "types that do not go together");
  return 0;
}

static int checkEpilogue(const Problem &p) {
  const Desc &desc = p.desc;
  if (desc.epilogue == epilogueDefault)
    return 0;
  if (p.d.type == real64)
    return refuse(notSupported, "an epilogue of f64");
  if (p.hasBias()) {
    if (!desc.bias)
      return refuse(invalidValue, "a null bias");
    if (desc.biasType != -1 && desc.biasType != p.d.type)
      return refuse(notSupported, "a bias of another type than the result");
    if (!isAligned(desc.bias, uint64_t(bytesOf(p.d.type))))
      return refuse(invalidValue, "a bias that is not aligned");
  }
  if (p.hasGrad() && p.d.batch > 1)
    return refuse(notSupported, "a bias gradient of a batch");
  if (p.hasAux()) {
    if (!desc.aux)
      return refuse(invalidValue, "a null auxiliary matrix");
    if (desc.auxType != -1 && desc.auxType != p.d.type)
      return refuse(notSupported, "an auxiliary matrix of another type");
    if (desc.auxLd % 8 != 0 || desc.auxLd < p.m())
      return refuse(notSupported, "an auxiliary leading dimension of " +
                                      std::to_string(desc.auxLd));
    if (!isAligned(desc.aux, 16))
      return refuse(notSupported, "an auxiliary matrix not aligned to 16");
    if (p.d.batch > 1 && (desc.auxStride % 8 != 0 || desc.auxStride == 0))
      return refuse(notSupported, "an auxiliary stride");
  }
  return 0;
}

static int check(const Problem &p) {
  if (int status = checkLayouts(p))
    return status;
  if (int status = checkTypes(p))
    return status;
  return checkEpilogue(p);
}

/// A number for all that an algorithm depends on.
static uint64_t identify(const Problem &p) {
  uint64_t hash = 14695981039346656037ull;
  auto mix = [&](int64_t value) {
    hash = (hash ^ uint64_t(value)) * 1099511628211ull;
  };
  for (const Layout *layout : {&p.a, &p.b, &p.c, &p.d})
    for (int64_t value : {int64_t(layout->type), layout->rows, layout->columns,
                          layout->ld, int64_t(layout->batch), layout->stride})
      mix(value);
  for (int64_t value :
       {int64_t(p.desc.transA), int64_t(p.desc.transB),
        int64_t(p.desc.epilogue), p.desc.auxLd, int64_t(p.desc.compute)})
    mix(value);
  return hash;
}

//===----------------------------------------------------------------------===//
// The product
//===----------------------------------------------------------------------===//

static void compute(const Desc &desc, const Layout &la, const Layout &lb,
                    const Layout &lc, const Layout &ld, double alpha,
                    double beta, const void *a, const void *b, const void *c,
                    void *d) {
  const Problem p{desc, la, lb, lc, ld};
  const int64_t m = p.m(), n = p.n(), k = p.k();
  auto at = [](const Layout &layout, bool transposed, int64_t batch,
               int64_t row, int64_t column) {
    return batch * layout.stride +
           (transposed ? row * layout.ld + column : column * layout.ld + row);
  };
  void *bias = const_cast<void *>(desc.bias),
       *aux = const_cast<void *>(desc.aux);
  std::vector<double> sums(size_t(std::max(m, n)));
  for (int32_t i = 0; i < ld.batch; ++i)
    for (int64_t column = 0; column < n; ++column)
      for (int64_t row = 0; row < m; ++row) {
        double sum = 0;
        for (int64_t j = 0; j < k; ++j)
          sum += load(a, la.type, at(la, desc.transA != opN, i, row, j)) *
                 load(b, lb.type, at(lb, desc.transB != opN, i, j, column));
        const int64_t to = at(ld, false, i, row, column);
        double value = alpha * sum;
        if (beta != 0)
          value += beta * load(c, lc.type, at(lc, false, i, row, column));
        if (p.has(epilogueBias))
          value += load(bias, ld.type, row);
        const int64_t auxAt = i * desc.auxStride + column * desc.auxLd + row;
        if (desc.epilogue == epilogueGeluAux ||
            desc.epilogue == epilogueGeluAuxBias) {
          store(aux, ld.type, auxAt, value);
          value = gelu(value);
        }
        if (desc.epilogue == epilogueDgelu)
          value *= geluSlope(load(aux, ld.type, auxAt));
        store(d, ld.type, to, value);
      }
  if (desc.epilogue == epilogueBgradA)
    for (int64_t row = 0; row < m; ++row)
      for (int64_t j = 0; j < k; ++j)
        sums[size_t(row)] +=
            load(a, la.type, at(la, desc.transA != opN, 0, row, j));
  if (desc.epilogue == epilogueBgradB)
    for (int64_t column = 0; column < n; ++column)
      for (int64_t j = 0; j < k; ++j)
        sums[size_t(column)] +=
            load(b, lb.type, at(lb, desc.transB != opN, 0, j, column));
  if (p.hasGrad())
    for (int64_t i = 0; i < (desc.epilogue == epilogueBgradB ? n : m); ++i)
      store(bias, ld.type, i, sums[size_t(i)]);
}

//===----------------------------------------------------------------------===//
// Functions
//===----------------------------------------------------------------------===//

#define API extern "C" __attribute__((visibility("default"))) int
#define CALL(NAME)                                                             \
  if (fakeCall(#NAME))                                                         \
  return executionFailed

/// Sets a field from the bytes of an attribute.
template <typename T>
static int take(T &field, const void *data, size_t bytes) {
  if (!data || bytes != sizeof field)
    return refuse(invalidValue, "an attribute of another size");
  std::memcpy(&field, data, bytes);
  return 0;
}

static char theHandle;

extern "C" __attribute__((visibility("default"))) size_t cublasLtGetVersion() {
  const char *text = std::getenv("FAKE_LT_VERSION");
  return text ? size_t(std::atoll(text)) : 130100;
}
API cublasLtCreate(void **handle) {
  CALL(cublasLtCreate);
  *handle = &theHandle;
  return 0;
}
API cublasLtDestroy(void *) { return 0; }
extern "C" __attribute__((visibility("default"))) const char *
cublasLtGetStatusName(int status) {
  switch (status) {
  case notInitialized:
    return "CUBLAS_STATUS_NOT_INITIALIZED";
  case invalidValue:
    return "CUBLAS_STATUS_INVALID_VALUE";
  case executionFailed:
    return "CUBLAS_STATUS_EXECUTION_FAILED";
  case notSupported:
    return "CUBLAS_STATUS_NOT_SUPPORTED";
  }
  return "unknown";
}
API cublasLtMatmulDescCreate(Desc **desc, int compute, int scale) {
  CALL(cublasLtMatmulDescCreate);
  *desc = new Desc{compute, scale};
  return 0;
}
API cublasLtMatmulDescDestroy(Desc *desc) {
  delete desc;
  return 0;
}
API cublasLtMatmulDescSetAttribute(Desc *desc, int attribute, const void *data,
                                   size_t bytes) {
  switch (attribute) {
  case descTransA:
    return take(desc->transA, data, bytes);
  case descTransB:
    return take(desc->transB, data, bytes);
  case descEpilogue:
    return take(desc->epilogue, data, bytes);
  case descBiasPointer:
    return take(desc->bias, data, bytes);
  case descAuxPointer:
    return take(desc->aux, data, bytes);
  case descAuxLd:
    return take(desc->auxLd, data, bytes);
  case descAuxStride:
    return take(desc->auxStride, data, bytes);
  case descAuxType:
    return take(desc->auxType, data, bytes);
  case descBiasType:
    return take(desc->biasType, data, bytes);
  }
  return refuse(invalidValue, "an attribute that is not known");
}
API cublasLtMatrixLayoutCreate(Layout **layout, int type, uint64_t rows,
                               uint64_t columns, int64_t ld) {
  *layout = new Layout{type, int64_t(rows), int64_t(columns), ld};
  return 0;
}
API cublasLtMatrixLayoutDestroy(Layout *layout) {
  delete layout;
  return 0;
}
API cublasLtMatrixLayoutSetAttribute(Layout *layout, int attribute,
                                     const void *data, size_t bytes) {
  if (attribute == layoutBatchCount)
    return take(layout->batch, data, bytes);
  if (attribute == layoutBatchStride)
    return take(layout->stride, data, bytes);
  return refuse(invalidValue, "an attribute that is not known");
}
API cublasLtMatmulPreferenceCreate(Preference **preference) {
  *preference = new Preference;
  return 0;
}
API cublasLtMatmulPreferenceDestroy(Preference *preference) {
  delete preference;
  return 0;
}
API cublasLtMatmulPreferenceSetAttribute(Preference *preference, int attribute,
                                         const void *data, size_t bytes) {
  if (attribute == preferenceWorkspace)
    return take(preference->workspace, data, bytes);
  if (attribute == preferenceReduction)
    return take(preference->reduction, data, bytes);
  if (attribute >= preferenceAlignmentA && attribute <= preferenceAlignmentD)
    return take(preference->alignments[attribute - preferenceAlignmentA], data,
                bytes);
  return refuse(invalidValue, "an attribute that is not known");
}

static bool isRefused(uint32_t epilogue) {
  const char *text = std::getenv("FAKE_LT_REFUSE");
  std::string list = std::string(",") + (text ? text : "") + ",";
  return list.find("," + std::to_string(epilogue) + ",") != std::string::npos;
}

API cublasLtMatmulAlgoGetHeuristic(void *handle, const Desc *desc,
                                   const Layout *a, const Layout *b,
                                   const Layout *c, const Layout *d,
                                   const Preference *preference, int requested,
                                   LtHeuristicResult *results, int *found) {
  CALL(cublasLtMatmulAlgoGetHeuristic);
  *found = 0;
  if (handle != &theHandle || requested < 1)
    return invalidValue;
  Problem problem{*desc, *a, *b, *c, *d};
  if (int status = check(problem))
    return status;
  if (isRefused(desc->epilogue))
    return notSupported;
  // Sums in place by several blocks have no order.
  if (preference->reduction & 1)
    return refuse(invalidValue, "a reduction in place");
  Choice choice = {};
  choice.problem = identify(problem);
  choice.workspace = std::min<uint64_t>(preference->workspace, 1 << 16);
  std::memcpy(choice.alignments, preference->alignments,
              sizeof choice.alignments);
  // Pointers in the description tell how they will be aligned.
  choice.alignBias = alignmentOf(desc->bias);
  choice.alignAux = alignmentOf(desc->aux);
  results[0] = {};
  std::memcpy(&results[0].algo, &choice, sizeof choice);
  results[0].workspaceSize = choice.workspace;
  *found = 1;
  return 0;
}

API cublasLtMatmulAlgoCheck(void *handle, const Desc *desc, const Layout *a,
                            const Layout *b, const Layout *c, const Layout *d,
                            const LtAlgo *algo, LtHeuristicResult *result) {
  CALL(cublasLtMatmulAlgoCheck);
  if (handle != &theHandle || !algo || !result)
    return invalidValue;
  Problem problem{*desc, *a, *b, *c, *d};
  if (int status = check(problem))
    return status;
  Choice choice;
  std::memcpy(&choice, algo, sizeof choice);
  if (choice.problem != identify(problem))
    return refuse(invalidValue, "an algorithm of another problem");
  *result = {};
  result->workspaceSize = choice.workspace;
  return 0;
}

API cublasLtMatmul(void *handle, const Desc *desc, const void *alpha,
                   const void *a, const Layout *la, const void *b,
                   const Layout *lb, const void *beta, const void *c,
                   const Layout *lc, void *d, const Layout *ld,
                   const LtAlgo *algo, void *workspace, size_t workspaceBytes,
                   void *stream) {
  CALL(cublasLtMatmul);
  if (handle != &theHandle || !algo)
    return invalidValue;
  Problem problem{*desc, *la, *lb, *lc, *ld};
  if (int status = check(problem))
    return status;
  for (const void *memory : {a, b, c, static_cast<const void *>(d)})
    if (!fakeIsOnDevice(memory))
      return refuse(invalidValue, "a matrix in memory of the host");
  if ((problem.hasBias() && !fakeIsOnDevice(desc->bias)) ||
      (problem.hasAux() && !fakeIsOnDevice(desc->aux)))
    return refuse(invalidValue, "an operand in memory of the host");
  Choice choice;
  std::memcpy(&choice, algo, sizeof choice);
  if (choice.problem != identify(problem))
    return refuse(invalidValue, "an algorithm of another problem");
  if (!isAligned(a, choice.alignments[0]) ||
      !isAligned(b, choice.alignments[1]) ||
      !isAligned(c, choice.alignments[2]) ||
      !isAligned(d, choice.alignments[3]) ||
      (problem.hasBias() && !isAligned(desc->bias, choice.alignBias)) ||
      (problem.hasAux() && !isAligned(desc->aux, choice.alignAux)))
    return refuse(invalidValue, "less alignment than the algorithm wants");
  if (workspaceBytes < choice.workspace || !isAligned(workspace, 256))
    return refuse(invalidValue, "a workspace too small or not aligned to 256");
  bool wide = desc->scale == real64;
  double scales[2];
  for (int i = 0; i < 2; ++i)
    scales[i] = load(i ? beta : alpha, wide ? real64 : real32, 0);
  // It is scratch memory: nobody may have something in it.
  fakeEnqueue(stream,
              [=, desc = *desc, la = *la, lb = *lb, lc = *lc, ld = *ld] {
                std::memset(workspace, 0xff, choice.workspace);
                compute(desc, la, lb, lc, ld, scales[0], scales[1], a, b, c, d);
                return true;
              });
  return 0;
}
