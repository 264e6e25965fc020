// Matrix products beside oneDNN's, where that is installed: one thread, shapes
// of GPT-2 small's linear layers (forward, input gradient, weight gradient), of
// blocks of attention and of small layers.
//
//   ninja pprt-gemm-bench && bin/pprt-gemm-bench [ROUNDS]
//
// A round runs oneDNN, ours and oneDNN again for each shape, and compares ours
// with the mean of both, in processor time: load on the machine comes and goes
// for both. Ratios are medians over the rounds; rates are of the fastest one.
// PPRT_CPU_ISA and ONEDNN_MAX_CPU_ISA choose other instruction sets.

#include "pprt_kernels.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <dlfcn.h>
#include <random>
#include <string>
#include <sys/mman.h>
#include <vector>

static double processorTime() {
  timespec time;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return double(time.tv_sec) + 1e-9 * double(time.tv_nsec);
}

namespace {
/// Memory as an arena has it: on huge pages.
class Numbers {
public:
  explicit Numbers(int64_t size, std::mt19937 *random = nullptr) {
    constexpr size_t page = 2 << 20;
    bytes = (size_t(size) * sizeof(float) + page - 1) / page * page;
    data = static_cast<float *>(std::aligned_alloc(page, bytes));
    madvise(data, bytes, MADV_HUGEPAGE);
    std::uniform_real_distribution<float> values(-1, 1);
    for (int64_t i = 0; i < size; ++i)
      data[i] = random ? values(*random) : 0.0f;
  }
  Numbers(const Numbers &) = delete;
  ~Numbers() { std::free(data); }
  operator float *() const { return data; }

private:
  float *data;
  size_t bytes;
};

struct Shape {
  std::string name;
  bool transposeA, transposeB;
  int64_t m, n, k;
  float beta;
};

using Sgemm = int (*)(char, char, int64_t, int64_t, int64_t, float,
                      const float *, int64_t, const float *, int64_t, float,
                      float *, int64_t);
} // namespace

/// oneDNN's product on one thread, or null.
static Sgemm openOneDNN() {
  for (const char *name : {"libdnnl.so", "libdnnl.so.2", "libdnnl.so.3"})
    if (void *library = dlopen(name, RTLD_NOW | RTLD_GLOBAL)) {
      if (void *setter = dlsym(RTLD_DEFAULT, "omp_set_num_threads"))
        reinterpret_cast<void (*)(int)>(setter)(1);
      return reinterpret_cast<Sgemm>(dlsym(library, "dnnl_sgemm"));
    }
  return nullptr;
}

static std::vector<Shape> allShapes() {
  std::vector<Shape> shapes;
  auto linear = [&](int64_t rows, int64_t in, int64_t out) {
    shapes.push_back({"forward", false, false, rows, out, in, 0});
    shapes.push_back({"input gradient", false, true, rows, in, out, 0});
    shapes.push_back({"weight gradient", true, false, in, out, rows, 1});
  };
  for (int64_t rows : {1024, 2048, 4096})
    for (auto [in, out] : {std::pair<int64_t, int64_t>(768, 2304),
                           {768, 768},
                           {768, 3072},
                           {3072, 768}})
      linear(rows, in, out);
  linear(1024, 768, 50257);
  shapes.push_back({"attention: scores", false, true, 64, 256, 64, 0});
  shapes.push_back({"attention: values", false, false, 64, 64, 256, 1});
  shapes.push_back({"attention: dv, dk", true, false, 256, 64, 64, 1});
  shapes.push_back({"attention: 64 keys", false, true, 64, 64, 64, 0});
  linear(512, 64, 256);
  linear(128, 128, 512);
  return shapes;
}

static double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

int main(int argc, char **argv) {
  int rounds = argc > 1 ? std::atoi(argv[1]) : 9;
  if (const char *error = pprt_kernels_error()) {
    std::fprintf(stderr, "error: %s\n", error);
    return 1;
  }
  Sgemm oneDNN = openOneDNN();
  std::printf("%-20s %2s %6s %6s %6s %8s %8s %7s\n", "", "", "m", "n", "k",
              "GFLOP/s", "oneDNN", "ratio");
  double logarithms = 0, smallest = INFINITY;
  std::vector<Shape> shapes = allShapes();
  std::mt19937 random(1);
  for (const Shape &s : shapes) {
    Numbers a(s.m * s.k, &random), b(s.k * s.n, &random), c(s.m * s.n),
        workspace(pprt_gemm_workspace(s.m, s.n, s.k));
    int64_t lda = s.transposeA ? s.m : s.k, ldb = s.transposeB ? s.k : s.n;
    double operations = 2 * double(s.m) * double(s.n) * double(s.k);
    int64_t repeats = std::max<int64_t>(1, int64_t(3e7 / operations));
    auto time = [&](auto product) {
      double begin = processorTime();
      for (int64_t i = 0; i < repeats; ++i)
        product();
      return (processorTime() - begin) / double(repeats);
    };
    auto ours = [&] {
      pprt_sgemm(s.transposeA, s.transposeB, s.m, s.n, s.k, a, lda, b, ldb,
                 s.beta, c, s.n, workspace);
    };
    auto theirs = [&] {
      if (oneDNN)
        oneDNN(s.transposeA ? 'T' : 'N', s.transposeB ? 'T' : 'N', s.m, s.n,
               s.k, 1, a, lda, b, ldb, s.beta, c, s.n);
    };
    ours();
    theirs();
    std::vector<double> ratios;
    double best = INFINITY, bestOfThem = INFINITY;
    for (int i = 0; i < rounds; ++i) {
      double before = time(theirs), own = time(ours), after = time(theirs);
      ratios.push_back((before + after) / 2 / own);
      best = std::min(best, own);
      bestOfThem = std::min({bestOfThem, before, after});
    }
    double ratio = median(ratios);
    std::printf("%-20s %c%c %6lld %6lld %6lld %8.1f", s.name.c_str(),
                s.transposeA ? 'T' : 'N', s.transposeB ? 'T' : 'N',
                static_cast<long long>(s.m), static_cast<long long>(s.n),
                static_cast<long long>(s.k), operations / best * 1e-9);
    if (oneDNN)
      std::printf(" %8.1f %7.3f", operations / bestOfThem * 1e-9, ratio);
    std::printf("\n");
    std::fflush(stdout);
    logarithms += std::log(ratio);
    smallest = std::min(smallest, ratio);
  }
  if (oneDNN)
    std::printf("ratio: geometric mean %.3f, smallest %.3f\n",
                std::exp(logarithms / double(shapes.size())), smallest);
}
