//===- CheckMain.cpp - Kernels for GPUs against f64, without a compiler ---===//
//
// main() of the programs that `pp-check-layers --emit` makes: each function of
// their table runs on a device and, with f64 in the place of narrower types, on
// the host. Inputs are fresh random numbers that both have. All else on the
// device starts as NaN, and so what is never written, or read before, shows;
// gaps between buffers have to stay as they are, and inputs too.
//
// Prints a line of JSON for each result, and one before each function: whoever
// reads them knows in which function a device was lost. Notes say what
// attention did not run by cuDNN, and why. The lines are written by hand: this
// file is also compiled on machines with a GPU that have no library for JSON.
//
//===----------------------------------------------------------------------===//
#include "Clock.h"
#include "Device.h"
#include "Error.h"
#include "EscapeJson.h"
#include "WaitTimer.h"
#include "pprt.h"
#include "pprt_ids.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <random>
#include <sstream>
#include <string>
#include <time.h>
#include <vector>

using namespace pprt;

// Of the program, see tools/pp-check-layers/Emit.cpp: a text with
//   function NAME WORKSPACE-BYTES-ON-THE-DEVICE ON-THE-HOST
// and after each its arguments and results in order,
//   argument TYPE TYPE-ON-THE-HOST ELEMENTS
//   key
//   result TYPE TYPE-ON-THE-HOST ELEMENTS NUMBER-OF-THE-ARGUMENT-OR-MINUS-1
// and two addresses a function: that for the device, that for the host.
extern "C" const char pprt_check_table[];
extern "C" void *const pprt_check_functions[];

namespace {

constexpr uint64_t gapBytes = 256;
constexpr uint8_t poison = 0xff;

struct Value {
  std::string type, hostType;
  uint64_t elements = 0;
  int accumulatesInto = -1;
  bool isKey = false;
};

struct Function {
  std::string name;
  uint64_t workspace = 0, hostWorkspace = 0;
  std::vector<Value> arguments, results;
};

struct Options {
  std::string device = "cuda";
  AttentionChoice::Mode attention = AttentionChoice::Auto;
  uint64_t seed = 1, start = 0;
  double tolerance = 1e-5, timeout = 60;
};

} // namespace

//===----------------------------------------------------------------------===//
// What a layer calls
//===----------------------------------------------------------------------===//

/// What a function's calls work on.
struct pprt_context {
  template <typename F> void guarded(F enqueue) {
    if (failure)
      return;
    try {
      enqueue();
    } catch (...) {
      failure = std::current_exception();
    }
  }

  std::unique_ptr<Device> device;
  std::exception_ptr failure;
  std::map<const void *, void *> constants;
  uint8_t *idRecord = nullptr; ///< on the device: where checks of ids write
};

extern "C" {
void pprt_gpu_launch(pprt_context *ctx, int32_t kernel, int32_t gx, int32_t gy,
                     int32_t gz, int32_t bx, int32_t by, int32_t bz,
                     void **arguments) {
  ctx->guarded([&] {
    ctx->device->launch(kernel, {gx, gy, gz}, {bx, by, bz}, arguments);
  });
}
void pprt_gpu_copy(pprt_context *ctx, void *to, const void *from,
                   uint64_t bytes) {
  ctx->guarded([&] { ctx->device->copy(0, to, from, bytes); });
}
void pprt_gpu_matmul(pprt_context *ctx, const pprt_gpu_gemm *shape,
                     const void *a, const void *b, void *c, void *bias,
                     void *aux, void *workspace) {
  ctx->guarded(
      [&] { ctx->device->matmul(*shape, a, b, c, bias, aux, workspace); });
}
void pprt_gpu_attention_forward(pprt_context *ctx,
                                const pprt_gpu_attention *shape, const void *q,
                                const void *k, const void *v, void *out,
                                float *lse, void *workspace) {
  ctx->guarded([&] {
    ctx->device->attentionForward(*shape, q, k, v, out, lse, workspace);
  });
}
void pprt_gpu_attention_backward(pprt_context *ctx,
                                 const pprt_gpu_attention *shape, const void *q,
                                 const void *k, const void *v, const void *out,
                                 const float *lse, const void *dout, void *dq,
                                 void *dk, void *dv, void *workspace) {
  ctx->guarded([&] {
    ctx->device->attentionBackward(*shape, q, k, v, out, lse, dout, dq, dk, dv,
                                   workspace);
  });
}
void pprt_gpu_attention_forward_documents(pprt_context *ctx,
                                          const pprt_gpu_attention *shape,
                                          const void *q, const void *k,
                                          const void *v, void *out, float *lse,
                                          void *workspace,
                                          const int32_t *documents) {
  ctx->guarded([&] {
    fallbackForward(*ctx->device, *shape, q, k, v, out, lse, workspace,
                    documents);
  });
}
void pprt_gpu_attention_backward_documents(
    pprt_context *ctx, const pprt_gpu_attention *shape, const void *q,
    const void *k, const void *v, const void *out, const float *lse,
    const void *dout, void *dq, void *dk, void *dv, void *workspace,
    const int32_t *documents) {
  ctx->guarded([&] {
    fallbackBackward(*ctx->device, *shape, q, k, v, out, lse, dout, dq, dk, dv,
                     workspace, documents);
  });
}
/// Of the reference, whose ids are those of the device.
void pprt_check_ids(pprt_context *ctx, const char *reader, const void *ids,
                    int64_t count, int64_t stride, int32_t bits, int64_t size,
                    int64_t ignored) {
  IdRange range{reader, size, ignored};
  ctx->guarded([&] {
    if (auto id = findIdOutOf(range, ids, count, stride, bits))
      throw Error(describeIdOutOf(range, *id, ""));
  });
}
void pprt_gpu_check_ids(pprt_context *ctx, const char *, const void *ids,
                        int64_t count, int64_t stride, int32_t bits,
                        int64_t size, int64_t ignored) {
  ctx->guarded([&] {
    uint8_t *&record = ctx->idRecord;
    if (!record)
      record = ctx->device->allocate(3 * sizeof(double));
    ctx->device->zero(0, record, 3 * sizeof(double));
    const pprt_gpu_code &code = pprt_gpu_program_code;
    int32_t kernel = 0;
    while (std::strcmp(code.kernels[kernel].name, "pprt_kernel_check_ids"))
      ++kernel;
    uint8_t *found = record + sizeof(double);
    int64_t number = 1;
    void *arguments[] = {&ids,     &count,  &stride, &bits, &size,
                         &ignored, &number, &record, &found};
    ctx->device->launch(kernel, {1, 1, 1}, {256, 1, 1}, arguments);
  });
}
void *pprt_gpu_constant(pprt_context *ctx, const void *host, uint64_t bytes) {
  void *&copy = ctx->constants[host];
  ctx->guarded([&] {
    if (copy)
      return;
    copy = ctx->device->allocate(bytes);
    uint8_t *pinned = ctx->device->allocateHost(bytes);
    std::memcpy(pinned, host, bytes);
    ctx->device->upload(0, copy, pinned, bytes);
  });
  return copy;
}
}

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

static uint64_t sizeOf(const std::string &type) {
  if (type == "bf16")
    return 2;
  if (type == "f32" || type == "i32")
    return 4;
  if (type == "f64" || type == "i64")
    return 8;
  throw Error("found the type '" + type +
              "' in the program's table, expected bf16, f32, f64, i32 or i64: "
              "make the program again");
}

static double load(const void *data, const std::string &type, uint64_t i) {
  if (type == "f64")
    return static_cast<const double *>(data)[i];
  if (type == "f32")
    return static_cast<const float *>(data)[i];
  if (type == "i32")
    return static_cast<const int32_t *>(data)[i];
  if (type == "i64")
    return double(static_cast<const int64_t *>(data)[i]);
  uint32_t bits = uint32_t(static_cast<const uint16_t *>(data)[i]) << 16;
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

static void store(void *data, const std::string &type, uint64_t i, double x) {
  if (type == "f64") {
    static_cast<double *>(data)[i] = x;
  } else if (type == "f32") {
    static_cast<float *>(data)[i] = float(x);
  } else if (type == "i32") {
    static_cast<int32_t *>(data)[i] = int32_t(std::floor(x));
  } else if (type == "i64") {
    static_cast<int64_t *>(data)[i] = int64_t(std::floor(x));
  } else {
    float narrow = float(x);
    uint32_t bits;
    std::memcpy(&bits, &narrow, sizeof bits);
    static_cast<uint16_t *>(data)[i] = uint16_t(bits >> 16);
  }
}

static std::vector<Function> readTable() {
  std::vector<Function> functions;
  std::istringstream text(pprt_check_table);
  std::string kind;
  while (text >> kind) {
    if (kind == "function") {
      Function f;
      size_t length = 0;
      text >> f.workspace >> f.hostWorkspace >> length;
      f.name.resize(text ? length : 0);
      text.get();
      text.read(f.name.data(), std::streamsize(f.name.size()));
      functions.push_back(f);
      continue;
    }
    Value value;
    value.isKey = kind == "key";
    if (!value.isKey)
      text >> value.type >> value.hostType >> value.elements;
    if (kind == "result")
      text >> value.accumulatesInto;
    if (!text || functions.empty())
      throw Error("found a table of functions that ends early, expected it "
                  "whole: make the program again");
    (kind == "result" ? functions.back().results : functions.back().arguments)
        .push_back(value);
  }
  return functions;
}

//===----------------------------------------------------------------------===//
// One function
//===----------------------------------------------------------------------===//

/// Calls a function of a context and up to 31 pointers or integers: surplus
/// arguments lie on the stack and hurt nobody in the C convention.
static void call(void *function, pprt_context &context, std::vector<void *> a) {
  a.insert(a.begin(), &context);
  a.resize(32);
#define A8(n)                                                                  \
  a[n], a[n + 1], a[n + 2], a[n + 3], a[n + 4], a[n + 5], a[n + 6], a[n + 7]
  using P = void *;
  using F = void (*)(P, P, P, P, P, P, P, P, P, P, P, P, P, P, P, P, P, P, P, P,
                     P, P, P, P, P, P, P, P, P, P, P, P);
  reinterpret_cast<F>(function)(A8(0), A8(8), A8(16), A8(24));
#undef A8
}

static void waitForDevice(Device &device, double seconds) {
  WaitTimer timer(uint64_t(std::min(seconds, 1e9) * 1e9), nowNs());
  while (!device.isDone(0)) {
    if (timer.isOver(nowNs()))
      throw Error("found work on the device that does not end");
    timespec nap = {0, 20000};
    nanosleep(&nap, nullptr);
  }
}

namespace {
/// The memory of a function on one side: buffers with gaps between them.
class Layout {
public:
  /// The place of `bytes` more.
  uint64_t add(uint64_t bytes) {
    uint64_t place = end + gapBytes;
    end = (place + bytes + 255) / 256 * 256;
    used.push_back({place, bytes});
    return place;
  }
  uint64_t total() const { return end + gapBytes; }
  std::vector<std::pair<uint64_t, uint64_t>> used;

private:
  uint64_t end = 0;
};

/// Host memory of the 64 bytes' alignment that code for the host expects.
struct HostMemory {
  explicit HostMemory(uint64_t bytes)
      : data(static_cast<uint8_t *>(
            std::aligned_alloc(256, (bytes + 511) / 256 * 256))) {
    std::memset(data, poison, bytes);
  }
  ~HostMemory() { std::free(data); }
  uint8_t *data;
};
} // namespace

/// Bytes of a function on a side, where it is `onDevice` or on the host.
static Layout layoutOf(const Function &f, bool onDevice,
                       std::vector<uint64_t> &places) {
  Layout layout;
  for (const Value &a : f.arguments)
    places.push_back(layout.add(
        a.isKey ? 8 : a.elements * sizeOf(onDevice ? a.type : a.hostType)));
  for (const Value &r : f.results)
    places.push_back(
        r.accumulatesInto >= 0
            ? places[size_t(r.accumulatesInto)]
            : layout.add(r.elements * sizeOf(onDevice ? r.type : r.hostType)));
  places.push_back(layout.add(onDevice ? f.workspace : f.hostWorkspace + 64));
  return layout;
}

static std::vector<void *> argumentsOf(const Function &f, uint8_t *base,
                                       const std::vector<uint64_t> &places) {
  std::vector<void *> result;
  for (size_t i = 0; i < f.arguments.size(); ++i)
    result.push_back(base + places[i]);
  for (size_t i = 0; i < f.results.size(); ++i)
    if (f.results[i].accumulatesInto < 0)
      result.push_back(base + places[f.arguments.size() + i]);
  result.push_back(base + places.back());
  return result;
}

/// What is wrong with memory that the function was not to write; or empty.
static std::string strayWrite(const Function &f, const Layout &layout,
                              const std::vector<uint64_t> &places,
                              const uint8_t *before, const uint8_t *after) {
  std::vector<bool> isWritten(f.arguments.size());
  for (const Value &r : f.results)
    if (r.accumulatesInto >= 0)
      isWritten[size_t(r.accumulatesInto)] = true;
  for (size_t i = 0; i < f.arguments.size(); ++i)
    if (!isWritten[i] && std::memcmp(before + places[i], after + places[i],
                                     layout.used[i].second))
      return "argument " + std::to_string(i) + " was overwritten";
  uint64_t end = 0;
  for (auto [place, bytes] : layout.used) {
    for (uint64_t i = end; i < place; ++i)
      if (after[i] != poison)
        return "byte " + std::to_string(i - end) +
               " behind a buffer was written";
    end = place + bytes;
  }
  for (uint64_t i = end; i < layout.total(); ++i)
    if (after[i] != poison)
      return "byte " + std::to_string(i - end) + " behind a buffer was written";
  return "";
}

static void printNumber(const char *key, double x) {
  if (std::isfinite(x))
    std::printf(", \"%s\": %.6g", key, x);
  else
    std::printf(", \"%s\": Infinity", key);
}

/// Runs function `index` on both sides; whether all results are right.
static bool check(size_t index, const Function &f, pprt_context &context,
                  uint8_t *memory, uint8_t *pinned, const Options &o) {
  Device &device = *context.device;
  std::vector<uint64_t> places, hostPlaces;
  Layout layout = layoutOf(f, true, places);
  Layout hostLayout = layoutOf(f, false, hostPlaces);
  if (f.arguments.size() + f.results.size() + 2 > 32)
    throw Error("found " + std::to_string(f.arguments.size()) +
                " arguments of '" + f.name +
                "', expected at most 30 with its "
                "results: check a part of it");
  HostMemory before(layout.total()), host(hostLayout.total());
  std::seed_seq seed{uint32_t(o.seed), uint32_t(o.seed >> 32), uint32_t(index)};
  std::mt19937_64 random(seed);
  int64_t key = int64_t(random() >> 20);
  for (size_t i = 0; i < f.arguments.size(); ++i) {
    const Value &a = f.arguments[i];
    if (a.isKey) {
      std::memcpy(before.data + places[i], &key, sizeof key);
      continue;
    }
    const bool isFloat = a.type[0] != 'i';
    for (uint64_t j = 0; j < a.elements; ++j) {
      double x = double(random() >> 11) / double(1ull << 53);
      store(before.data + places[i], a.type, j, isFloat ? 2 * x - 1 : 5 * x);
      // The same number, whatever the type here has kept of it.
      store(host.data + hostPlaces[i], a.hostType, j,
            load(before.data + places[i], a.type, j));
    }
  }
  std::memcpy(pinned, before.data, layout.total());
  device.upload(0, memory, pinned, layout.total());
  waitForDevice(device, o.timeout);
  call(pprt_check_functions[2 * index], context,
       argumentsOf(f, memory, places));
  if (context.failure)
    std::rethrow_exception(context.failure);
  device.download(0, pinned, memory, layout.total());
  waitForDevice(device, o.timeout);

  std::vector<void *> arguments = argumentsOf(f, host.data, hostPlaces);
  for (size_t i = 0; i < f.arguments.size(); ++i)
    if (f.arguments[i].isKey)
      arguments[i] = reinterpret_cast<void *>(key);
  call(pprt_check_functions[2 * index + 1], context, arguments);

  std::string stray = strayWrite(f, layout, places, before.data, pinned);
  bool good = true;
  for (size_t r = 0; r < f.results.size(); ++r) {
    const Value &value = f.results[r];
    const uint8_t *x = pinned + places[f.arguments.size() + r];
    const uint8_t *y = host.data + hostPlaces[f.arguments.size() + r];
    double error = 0, largest = 0;
    for (uint64_t j = 0; j < value.elements; ++j) {
      double mine = load(x, value.type, j), theirs = load(y, value.hostType, j);
      double difference = std::fabs(mine - theirs);
      // Not a number counts as the largest error.
      error =
          std::isfinite(difference) ? std::max(error, difference) : INFINITY;
      if (!std::isfinite(error))
        break;
      largest = std::max(largest, std::fabs(theirs));
    }
    double relative = largest > 0 ? error / largest : error;
    bool within = relative <= o.tolerance && stray.empty();
    good &= within;
    std::printf("{\"function\": \"%s\", \"result\": %zu",
                escapeJson(f.name).c_str(), r);
    printNumber("error", relative);
    printNumber("largest", largest);
    if (!stray.empty())
      std::printf(", \"stray\": \"%s\"", stray.c_str());
    std::printf(", \"pass\": %s}\n", within ? "true" : "false");
  }
  std::fflush(stdout);
  return good;
}

//===----------------------------------------------------------------------===//
// The program
//===----------------------------------------------------------------------===//

static const char usage[] =
    "Checks functions on a device against f64 on the host.\n"
    "  --device cuda|emulated   where they run (default cuda)\n"
    "  --attention auto|cudnn|generated\n"
    "                           what attention runs by: cuDNN where it has a\n"
    "                           plan, and a note where not (default auto); "
    "cuDNN,\n"
    "                           or an error that says why not; kernels\n"
    "  --seed N                 of the random inputs (default 1)\n"
    "  --tolerance X            error allowed, relative to the largest number\n"
    "                           of a result (default 1e-5)\n"
    "  --start I                leave out the first I functions\n"
    "  --timeout SECONDS        for the work of one function (default 60)\n";

static double numberOf(const std::string &option, const std::string &text) {
  char *end = nullptr;
  errno = 0;
  double value = std::strtod(text.c_str(), &end);
  if (text.empty() || *end || errno || !(value >= 0))
    throw Error("found " + option + " " + text +
                ", expected a number of at least 0: see --help");
  return value;
}

/// To the last digit.
static uint64_t wholeOf(const std::string &option, const std::string &text) {
  uint64_t value = 0;
  const char *end = text.data() + text.size();
  auto [rest, status] = std::from_chars(text.data(), end, value);
  if (status != std::errc() || rest != end)
    throw Error("found " + option + " " + text +
                ", expected a whole number from 0 to 18446744073709551615: "
                "see --help");
  return value;
}

static Options parse(int argc, char **argv) {
  Options o;
  for (int i = 1; i < argc; ++i) {
    std::string option = argv[i];
    if (option == "--help") {
      std::fputs(usage, stdout);
      std::exit(0);
    }
    if (option != "--device" && option != "--attention" && option != "--seed" &&
        option != "--tolerance" && option != "--start" && option != "--timeout")
      throw Error("found the option " + option +
                  ", expected one that --help lists");
    if (++i == argc)
      throw Error("found no value for " + option +
                  ", expected one: see --help");
    std::string text = argv[i];
    if (option == "--device") {
      o.device = text;
      if (text != "cuda" && text != "emulated")
        throw Error("found --device " + text +
                    ", expected cuda or emulated: choose one of them");
    } else if (option == "--attention") {
      auto named = AttentionChoice::named(text);
      if (!named)
        throw Error("found --attention " + text +
                    ", expected auto, cudnn or generated: choose one of them");
      o.attention = *named;
    } else if (option == "--seed") {
      o.seed = wholeOf(option, text);
    } else if (option == "--tolerance") {
      o.tolerance = numberOf(option, text);
    } else if (option == "--start") {
      o.start = wholeOf(option, text);
    } else {
      o.timeout = numberOf(option, text);
    }
  }
  if (o.device == "emulated" && o.attention == AttentionChoice::Cudnn)
    throw Error("found --attention cudnn with --device emulated, expected "
                "--device cuda: cuDNN needs a GPU");
  return o;
}

/// A line {"note": TEXT}.
static void printNote(const std::string &text) {
  std::printf("{\"note\": \"%s\"}\n", escapeJson(text).c_str());
  std::fflush(stdout);
}

int main(int argc, char **argv) {
  try {
    Options o = parse(argc, argv);
    std::vector<Function> functions = readTable();
    pprt_context context;
    context.device = o.device == "cuda"
                         ? createCudaDevice(pprt_gpu_program_code, 0,
                                            {o.attention, printNote})
                         : createEmulatedDevice(pprt_gpu_program_code);
    Device &device = *context.device;
    std::printf("{\"device\": \"%s\", \"functions\": %zu}\n",
                escapeJson(device.description()).c_str(), functions.size());
    uint64_t most = 0;
    for (const Function &f : functions) {
      std::vector<uint64_t> places;
      most = std::max(most, layoutOf(f, true, places).total());
    }
    uint8_t *memory = device.allocate(most),
            *pinned = device.allocateHost(most);
    bool good = true;
    if (o.start >= functions.size())
      throw Error("found --start " + std::to_string(o.start) +
                  ", expected less than the " +
                  std::to_string(functions.size()) +
                  " functions of this program");
    for (size_t i = o.start; i < functions.size(); ++i) {
      std::printf("{\"begin\": %zu, \"function\": \"%s\"}\n", i,
                  escapeJson(functions[i].name).c_str());
      std::fflush(stdout);
      good &= check(i, functions[i], context, memory, pinned, o);
    }
    std::printf("{\"done\": true}\n");
    return good ? 0 : 1;
  } catch (const std::exception &error) {
    std::fflush(stdout);
    std::fprintf(stderr, "error: %s\n", error.what());
    return 2;
  }
}
