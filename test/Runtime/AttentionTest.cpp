//===- AttentionTest.cpp - Attention by cuDNN against that on the host ----===//
//
// The CUDA device, on the libraries that stand in for NVIDIA's (FakeGPU),
// against HostMath; gpu_test.py starts this with the libraries and with what is
// to go wrong.
//
//   pprt-attention-test auto|cudnn|generated CASE...
//
// CASE is "batch,heads,kv_heads,t,s,d", with ",causal", ",f32", ",any-order"
// (of sums of dq), ",gap=N" (more columns in each matrix), ",shift=N" (elements
// that matrices begin behind what memory is aligned to) and ",cudnn=N" and
// ",chip=N" (a version and a chip to plan the workspace for).
//
//===----------------------------------------------------------------------===//
#include "Device.h"
#include "Error.h"
#include "HostMath.h"
#include "pprt_gpu_workspace.h"

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <random>
#include <vector>

using namespace pprt;

static pprt_gpu_attention shape;

template <typename T> static T *argument(void **arguments, int i) {
  return *static_cast<T **>(arguments[i]);
}

static bool isFirst() {
  const pprt_gpu_thread *t = pprt_gpu_host_thread();
  return t->thread[0] == 0 && t->block[0] == 0;
}

// What the compiler would have generated.
static void forwardKernel(void **a) {
  if (isFirst())
    hostAttentionForward(shape, argument<void>(a, 0), argument<void>(a, 1),
                         argument<void>(a, 2), argument<void>(a, 3),
                         argument<float>(a, 4));
}

static void backwardKernel(void **a) {
  if (isFirst())
    hostAttentionBackward(
        shape, argument<void>(a, 0), argument<void>(a, 1), argument<void>(a, 2),
        argument<void>(a, 3), argument<float>(a, 4), argument<void>(a, 5),
        argument<void>(a, 6), argument<void>(a, 7), argument<void>(a, 8));
}

static void nothingKernel(void **) {}

static const pprt_gpu_image image = {"sm_80", 1, "ptx", 4};
static const pprt_gpu_kernel kernels[] = {
    {"forward", 6, 0, 32, forwardKernel},
    {"backward", 10, 0, 32, backwardKernel},
    {"nothing", 10, 0, 32, nothingKernel}};
extern "C" const pprt_gpu_code pprt_gpu_program_code = {1, 3, &image, kernels};

static std::unique_ptr<Device> device;
static std::mt19937 generator(1);
static int64_t shift = 0;

static void wait() {
  while (!device->isDone(0)) {
  }
}

static double get(const uint8_t *data, bool narrow, uint64_t i) {
  if (!narrow)
    return double(reinterpret_cast<const float *>(data)[i]);
  uint32_t bits = uint32_t(reinterpret_cast<const uint16_t *>(data)[i]) << 16;
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return double(value);
}

/// The same numbers twice: on the host, and on the device.
struct Matrix {
  Matrix(bool narrow, int64_t elements)
      : narrow(narrow), host(uint64_t(elements + shift) * (narrow ? 2 : 4)) {
    std::normal_distribution<float> number(0, 1);
    for (int64_t i = 0; i < elements + shift; ++i) {
      float value = number(generator);
      uint32_t bits;
      std::memcpy(&bits, &value, sizeof bits);
      if (narrow)
        reinterpret_cast<uint16_t *>(host.data())[i] = uint16_t(bits >> 16);
      else
        reinterpret_cast<uint32_t *>(host.data())[i] = bits;
    }
    there = device->allocate(host.size());
    device->upload(0, there, host.data(), host.size());
    wait();
  }
  /// The largest difference, relative to the largest number.
  double difference() {
    std::vector<uint8_t> found(host.size());
    device->download(0, found.data(), there, found.size());
    wait();
    double largest = 0, most = 1;
    for (uint64_t i = 0; i < host.size() / (narrow ? 2 : 4); ++i) {
      double x = get(found.data(), narrow, i), y = get(host.data(), narrow, i);
      largest =
          std::isfinite(x) ? std::fmax(largest, std::fabs(x - y)) : INFINITY;
      most = std::fmax(most, std::fabs(y));
      if (std::isinf(largest))
        break;
    }
    return largest / most;
  }
  void *onHost() { return host.data() + shift * (narrow ? 2 : 4); }
  void *onDevice() { return there + shift * (narrow ? 2 : 4); }
  bool narrow;
  std::vector<uint8_t> host;
  uint8_t *there;
};

static int64_t option(const std::string &text, const char *name) {
  size_t at = text.find("," + std::string(name) + "=");
  return at == std::string::npos
             ? 0
             : std::atoll(&text[at + std::strlen(name) + 2]);
}

/// Whether forward and backward are what they are on the host.
static bool compare(const std::string &text) {
  // Plans are kept by the address of a shape.
  static std::deque<pprt_gpu_attention> shapes;
  pprt_gpu_attention s = {};
  long n[6] = {};
  if (std::sscanf(text.c_str(), "%ld,%ld,%ld,%ld,%ld,%ld", &n[0], &n[1], &n[2],
                  &n[3], &n[4], &n[5]) != 6)
    throw Error("found the case '" + text + "', expected six numbers");
  for (long number : n)
    if (number < 1 || number > 1 << 20)
      throw Error("found " + std::to_string(number) + " in the case '" + text +
                  "', expected sizes from 1 to 1048576");
  if (n[1] % n[2] != 0)
    throw Error("found " + std::to_string(n[1]) + " heads and " +
                std::to_string(n[2]) + " of keys in the case '" + text +
                "', expected a multiple of heads of keys");
  s.batch = n[0], s.heads = n[1], s.kv_heads = n[2];
  s.t = n[3], s.s = n[4], s.d = n[5];
  s.causal = text.find(",causal") != std::string::npos;
  bool narrow = text.find(",f32") == std::string::npos;
  s.type = narrow ? PPRT_GPU_BF16 : PPRT_GPU_F32;
  s.scale = 0.7f / std::sqrt(float(s.d));
  int64_t gap = option(text, "gap");
  int64_t wide = s.heads * s.d + gap, thin = s.kv_heads * s.d + 2 * gap;
  s.ldq = s.ldo = s.lddo = s.lddq = wide;
  s.ldk = s.ldv = s.lddk = s.lddv = thin;
  const int64_t rows = s.batch * s.t, keyRows = s.batch * s.s;
  s.any_order = text.find(",any-order") != std::string::npos;
  // Without them, as the compiler plans for sm_80 and newer.
  const int64_t cudnn = option(text, "cudnn"), chip = option(text, "chip");
  auto workspaceOf = [&](bool isAdjoint) {
    return pprt_gpu_attention_workspace(&s, isAdjoint, chip ? int(chip) : 80,
                                        chip ? int(chip) : 120,
                                        cudnn ? cudnn : PPRT_CUDNN_USUAL);
  };
  const int64_t workspaceBytes = workspaceOf(true);
  s.workspace_bytes = workspaceOf(false);
  s.fallback_kernel = 0;
  s.fallback_grid[0] = s.fallback_grid[1] = s.fallback_grid[2] = 1;
  s.fallback_block = 32;
  shapes.push_back(s);
  const pprt_gpu_attention &ahead = shapes.back();
  s.workspace_bytes = workspaceBytes;
  s.fallback_kernel = 1;
  s.fallback_kernel2 = 2;
  s.fallback_grid2[0] = s.fallback_grid2[1] = s.fallback_grid2[2] = 1;
  s.fallback_block2 = 32;
  shapes.push_back(s);
  const pprt_gpu_attention &back = shapes.back();
  shape = s;

  shift = option(text, "shift");
  Matrix q(narrow, rows * wide), k(narrow, keyRows * thin),
      v(narrow, keyRows * thin), out(narrow, rows * wide),
      dout(narrow, rows * wide), dq(narrow, rows * wide),
      dk(narrow, keyRows * thin), dv(narrow, keyRows * thin);
  shift = 0;
  Matrix lse(false, rows * s.heads);
  // As far from an address that the library likes as the arena may put it.
  uint8_t *workspace = device->allocate(uint64_t(workspaceBytes) + 64) + 64;
  shift = option(text, "shift");
  for (int i = 0; i < 2; ++i) {
    device->attentionForward(ahead, q.onDevice(), k.onDevice(), v.onDevice(),
                             out.onDevice(),
                             reinterpret_cast<float *>(lse.there), workspace);
    device->attentionBackward(
        back, q.onDevice(), k.onDevice(), v.onDevice(), out.onDevice(),
        reinterpret_cast<float *>(lse.there), dout.onDevice(), dq.onDevice(),
        dk.onDevice(), dv.onDevice(), workspace);
    wait();
  }
  auto *lseOnHost = reinterpret_cast<float *>(lse.host.data());
  hostAttentionForward(s, q.onHost(), k.onHost(), v.onHost(), out.onHost(),
                       lseOnHost);
  hostAttentionBackward(s, q.onHost(), k.onHost(), v.onHost(), out.onHost(),
                        lseOnHost, dout.onHost(), dq.onHost(), dk.onHost(),
                        dv.onHost());
  // Probabilities are rounded to bf16 before the products with them.
  bool isFine = lse.difference() <= 1e-5;
  for (Matrix *matrix : {&out, &dq, &dk, &dv})
    isFine &= matrix->difference() <= (narrow ? 2e-2 : 1e-5);
  if (!isFine)
    std::printf("%s: differences %g %g %g %g %g\n", text.c_str(),
                lse.difference(), out.difference(), dq.difference(),
                dk.difference(), dv.difference());
  return isFine;
}

int main(int argc, char **argv) {
  int wrong = 0;
  try {
    if (argc < 3)
      throw Error("found no case, expected auto, cudnn or generated and cases");
    AttentionChoice choice;
    std::string mode = argv[1];
    auto named = AttentionChoice::named(mode);
    if (!named)
      throw Error("found '" + mode + "', expected auto, cudnn or generated");
    choice.mode = *named;
    choice.note = [](const std::string &text) {
      std::fprintf(stderr, "note: %s\n", text.c_str());
    };
    device = createCudaDevice(pprt_gpu_program_code, 0, choice);
    for (int i = 2; i < argc; ++i)
      wrong += !compare(argv[i]);
  } catch (const Error &error) {
    std::fprintf(stderr, "error: %s\n", error.what());
    return 1;
  }
  std::printf("%d cases, %d of them wrong\n", argc - 2, wrong);
  return wrong != 0;
}
