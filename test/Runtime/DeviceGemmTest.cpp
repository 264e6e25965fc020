//===- DeviceGemmTest.cpp - Products by cuBLASLt against those on the host ===//
//
// The CUDA device, on the libraries that stand in for NVIDIA's (FakeGPU), and
// the emulated device compute the same products; gpu_test.py starts this with
// the libraries and with what is to go wrong.
//
//   pprt-gemm-test all        every type, form and epilogue
//   pprt-gemm-test f32-sums   but sums in bf16
//   pprt-gemm-test one EPILOGUE [LDAUX]   one, twice
//
//===----------------------------------------------------------------------===//
#include "Device.h"
#include "Error.h"
#include "HostMath.h"
#include "pprt_gpu_cost.h"

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <random>
#include <vector>

using namespace pprt;

//===----------------------------------------------------------------------===//
// A program of the two kernels for epilogues
//===----------------------------------------------------------------------===//

static double get(const void *data, int64_t i, bool narrow) {
  if (!narrow)
    return static_cast<const float *>(data)[i];
  uint32_t bits = uint32_t(static_cast<const uint16_t *>(data)[i]) << 16;
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

static void put(void *data, int64_t i, bool narrow, double value) {
  float single = float(value);
  if (!narrow) {
    static_cast<float *>(data)[i] = single;
    return;
  }
  uint32_t bits;
  std::memcpy(&bits, &single, sizeof bits);
  static_cast<uint16_t *>(data)[i] =
      uint16_t((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

static int64_t item() {
  const pprt_gpu_thread *t = pprt_gpu_host_thread();
  return int64_t(t->block[0]) * t->block_size[0] + t->thread[0];
}

template <typename T> static T argument(void **arguments, int i) {
  return *static_cast<T *>(arguments[i]);
}

static void epilogueKernel(void **a) {
  void *c = argument<void *>(a, 0), *bias = argument<void *>(a, 1),
       *aux = argument<void *>(a, 2);
  int64_t m = argument<int64_t>(a, 3), n = argument<int64_t>(a, 4),
          ldc = argument<int64_t>(a, 5), ldaux = argument<int64_t>(a, 6);
  int32_t kind = argument<int32_t>(a, 7);
  bool narrow = argument<int32_t>(a, 8);
  if (item() >= m * n)
    return;
  int64_t row = item() / n, column = item() % n;
  int64_t at = row * ldc + column, auxAt = row * ldaux + column;
  double value = get(c, at, narrow);
  if (kind == 1 || kind == 3)
    value += get(bias, column, narrow);
  if (kind == 2 || kind == 3) {
    put(aux, auxAt, narrow, value);
    value = geluTanh(value);
  }
  if (kind == 4 || kind == 5)
    value *= geluTanhDerivative(get(aux, auxAt, narrow));
  put(c, at, narrow, value);
}

static void sumsKernel(void **a) {
  int64_t n = argument<int64_t>(a, 2), count = argument<int64_t>(a, 3),
          step = argument<int64_t>(a, 4), stride = argument<int64_t>(a, 5);
  if (item() >= n)
    return;
  double sum = 0;
  for (int64_t i = 0; i < count; ++i)
    sum += get(argument<void *>(a, 1), i * stride + item() * step,
               argument<int32_t>(a, 6));
  argument<float *>(a, 0)[item()] = float(sum);
}

static const pprt_gpu_image image = {"sm_80", 1, "ptx", 4};
static const pprt_gpu_kernel kernels[] = {
    {"pprt_kernel_epilogue", 9, 0, 256, epilogueKernel},
    {"pprt_kernel_sums", 7, 0, 256, sumsKernel}};
extern "C" const pprt_gpu_code pprt_gpu_program_code = {1, 2, &image, kernels};

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

static std::unique_ptr<Device> device;
static std::mt19937 generator(1);
static int failures = 0, products = 0;
/// Plans are kept by the address of a shape.
static std::deque<pprt_gpu_gemm> shapes;

static double read(const uint8_t *data, int type, uint64_t i) {
  if (type == PPRT_GPU_F64)
    return reinterpret_cast<const double *>(data)[i];
  return get(data, int64_t(i), type == PPRT_GPU_BF16);
}

static void wait() {
  while (!device->isDone(0)) {
  }
}

/// Elements that matrices begin behind what memory is aligned to.
static int64_t shift = 0;

/// The same numbers twice: on the host, and on the device.
struct Matrix {
  Matrix(int type, int64_t elements)
      : type(type), elements(uint64_t(elements + shift)),
        host(this->elements * pprt_gpu_type_bytes(type)) {
    std::uniform_real_distribution<float> number(-1, 1);
    for (uint64_t i = 0; i < this->elements; ++i)
      if (type == PPRT_GPU_F64)
        reinterpret_cast<double *>(host.data())[i] = number(generator);
      else
        put(host.data(), int64_t(i), type == PPRT_GPU_BF16, number(generator));
    there = device->allocate(host.size());
    device->upload(0, there, host.data(), host.size());
    wait();
  }
  /// The largest difference between the two, relative to numbers above 1.
  double difference() {
    std::vector<uint8_t> found(host.size());
    device->download(0, found.data(), there, found.size());
    wait();
    double largest = 0;
    for (uint64_t i = 0; i < elements; ++i) {
      double x = read(found.data(), type, i), y = read(host.data(), type, i);
      double error = std::fabs(x - y) / std::fmax(1, std::fabs(y));
      largest = std::isnan(error) ? INFINITY : std::fmax(largest, error);
    }
    return largest;
  }
  void *onHost() {
    return host.data() + uint64_t(shift) * pprt_gpu_type_bytes(type);
  }
  void *onDevice() {
    return there + uint64_t(shift) * pprt_gpu_type_bytes(type);
  }
  int type;
  uint64_t elements;
  std::vector<uint8_t> host;
  uint8_t *there;
};

/// Completes the shape, runs it `times`, and compares all that was written.
static void compare(pprt_gpu_gemm s, int times = 1) {
  auto span = [](int64_t rows, int64_t ld, int64_t batch, int64_t stride) {
    return (batch - 1) * stride + rows * ld;
  };
  s.workspace_bytes = 1 << 20;
  s.type_b = s.type_a;
  s.type_bias = s.type_c;
  shapes.push_back(s);
  const pprt_gpu_gemm &shape = shapes.back();
  Matrix a(s.type_a,
           span(s.transpose_a ? s.k : s.m, s.lda, s.batch, s.stride_a));
  Matrix b(s.type_b,
           span(s.transpose_b ? s.n : s.k, s.ldb, s.batch, s.stride_b));
  Matrix c(s.type_c, span(s.m, s.ldc, s.batch, s.stride_c));
  Matrix bias(s.type_c, s.epilogue == PPRT_GPU_EPILOGUE_BGRAD_A ? s.m : s.n);
  Matrix aux(s.type_c, s.m * std::max(s.n, s.ldaux));
  // As far from an address that the library likes as the arena may put it.
  uint8_t *workspace = device->allocate(1 << 21) + 64;
  for (int i = 0; i < times; ++i) {
    device->matmul(shape, a.onDevice(), b.onDevice(), c.onDevice(),
                   bias.onDevice(), aux.onDevice(), workspace);
    hostMatmul(shape, a.onHost(), b.onHost(), c.onHost(), bias.onHost(),
               aux.onHost());
  }
  // A result may be rounded before what comes after the product, or after it.
  double allowed = s.type_c == PPRT_GPU_BF16  ? 3e-2
                   : s.type_c == PPRT_GPU_F32 ? 1e-5
                                              : 1e-12;
  double errors[] = {c.difference(), bias.difference(), aux.difference()};
  for (double error : errors)
    if (!(error <= allowed)) {
      std::printf("m %d n %d k %d, transposed %d %d, types %d to %d, batch %d, "
                  "added %d, epilogue %d: differences %g %g %g\n",
                  int(s.m), int(s.n), int(s.k), s.transpose_a, s.transpose_b,
                  s.type_a, s.type_c, int(s.batch), s.add, s.epilogue,
                  errors[0], errors[1], errors[2]);
      ++failures;
      break;
    }
  ++products;
}

static pprt_gpu_gemm shapeOf(int type, int typeC, int64_t m, int64_t n,
                             int64_t k) {
  pprt_gpu_gemm s = {};
  s.m = m, s.n = n, s.k = k;
  s.lda = k, s.ldb = n, s.ldc = s.ldaux = n;
  s.batch = 1;
  s.type_a = type, s.type_c = typeC;
  return s;
}

static void compareAll(bool hasNarrowSums) {
  const int types[][2] = {{PPRT_GPU_F32, PPRT_GPU_F32},
                          {PPRT_GPU_BF16, PPRT_GPU_BF16},
                          {PPRT_GPU_BF16, PPRT_GPU_F32},
                          {PPRT_GPU_F64, PPRT_GPU_F64}};
  for (auto [type, typeC] : types)
    for (int form = 0; form < 16; ++form)
      for (int epilogue = PPRT_GPU_EPILOGUE_NONE;
           epilogue <= PPRT_GPU_EPILOGUE_BGRAD_A; ++epilogue) {
        bool isBatch = form & 8;
        if (epilogue != 0 && (isBatch || type == PPRT_GPU_F64))
          continue;
        if (epilogue >= PPRT_GPU_EPILOGUE_BGRAD_B && !hasNarrowSums &&
            typeC == PPRT_GPU_BF16)
          continue;
        pprt_gpu_gemm s = shapeOf(type, typeC, 5, 24, 7);
        s.transpose_a = form & 1;
        s.transpose_b = form >> 1 & 1;
        s.add = form >> 2 & 1;
        // Slices of wider matrices.
        s.lda = (s.transpose_a ? s.m : s.k) + 3;
        s.ldb = (s.transpose_b ? s.k : s.n) + 1;
        s.ldc = s.n + 2;
        s.ldaux = s.n + 8;
        s.epilogue = epilogue;
        if (isBatch) {
          s.batch = 3;
          s.stride_a = 90, s.stride_b = 200, s.stride_c = 150;
        }
        compare(s);
        if (!s.add && !isBatch && epilogue <= PPRT_GPU_EPILOGUE_BIAS) {
          s.add = PPRT_GPU_ADD_AUX;
          compare(s);
        }
      }
  // In the middle of others; what is aligned to 16 bytes stays so.
  for (int type : {PPRT_GPU_F32, PPRT_GPU_BF16})
    for (int epilogue : {PPRT_GPU_EPILOGUE_NONE, PPRT_GPU_EPILOGUE_BIAS,
                         PPRT_GPU_EPILOGUE_GELU_AUX_BIAS}) {
      pprt_gpu_gemm s = shapeOf(type, type, 5, 24, 7);
      s.epilogue = epilogue;
      shift = epilogue == PPRT_GPU_EPILOGUE_GELU_AUX_BIAS ? 8 : 3;
      compare(s);
    }
  shift = 0;
  // Of one row, of one column, of one element of the sum.
  compare(shapeOf(PPRT_GPU_F32, PPRT_GPU_F32, 1, 9, 4));
  compare(shapeOf(PPRT_GPU_F32, PPRT_GPU_F32, 9, 1, 4));
  compare(shapeOf(PPRT_GPU_BF16, PPRT_GPU_BF16, 3, 5, 1));
}

int main(int argc, char **argv) {
  try {
    AttentionChoice choice;
    choice.note = [](const std::string &text) {
      std::fprintf(stderr, "note: %s\n", text.c_str());
    };
    device = createCudaDevice(pprt_gpu_program_code, 0, choice);
    if (argc < 2) {
      throw Error("found no argument, expected all, f32-sums or one");
    } else if (argc >= 3) {
      pprt_gpu_gemm s = shapeOf(PPRT_GPU_F32, PPRT_GPU_F32, 5, 24, 7);
      s.epilogue = std::atoi(argv[2]);
      if (argc > 3)
        s.ldaux = std::atoi(argv[3]);
      compare(s, 2);
    } else {
      compareAll(std::strcmp(argv[1], "all") == 0);
    }
  } catch (const Error &error) {
    std::fprintf(stderr, "error: %s\n", error.what());
    return 1;
  }
  std::printf("%d products, %d of them wrong\n", products, failures);
  return failures != 0;
}
