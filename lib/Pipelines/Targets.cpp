//===- Targets.cpp - What follows from where a program runs ---------------===//

#include "pp/Pipelines/Targets.h"

#include "pp/CodeGen/GPU/Chip.h"
#include "pp/Pipelines/Pipelines.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"

using namespace pp;
using llvm::StringRef;

/// Peaks of a family of GPUs, each of one GPU.
namespace {
struct Peaks {
  double bf16, f32;      ///< operations a second
  double memory, nvlink; ///< bytes a second
};
} // namespace

static constexpr Peaks kA100 = {312e12, 19.5e12, 2.04e12, 300e9};
static constexpr Peaks kH100 = {989e12, 67e12, 3.35e12, 450e9};
static constexpr Peaks kB200 = {2250e12, 75e12, 8e12, 900e9};

/// Of a message of the runtime between processes of a host with as many cores:
/// bench/collectives.py measures 7 us between two ranks and 14 us among four on
/// two cores, for pieces of 1 to 4 KB.
static constexpr double kHostLatency = 10e-6;

llvm::ArrayRef<StringRef> pp::targetNames() {
  static constexpr StringRef names[] = {"cpu", "cuda"};
  return names;
}

llvm::ArrayRef<StringRef> pp::semanticsOf(const PipelineOptions &options) {
  auto target = findTarget(options.target, options.chip, options.precision);
  return target ? target->semantics : llvm::ArrayRef<StringRef>();
}

std::optional<Target> pp::findTarget(StringRef name, StringRef chip,
                                     StringRef precision) {
  if (name == "cpu") {
    static constexpr StringRef semantics[] = {"rendezvous", "fifo-per-edge"};
    MachineRates rates;
    rates.latency = kHostLatency;
    return Target{semantics, rates};
  }
  if (name != "cuda")
    return std::nullopt;
  static constexpr StringRef semantics[] = {"fifo-per-edge"};
  auto found = findChip(chip.empty() ? StringRef(kUsualChip) : chip);
  if (!found)
    return std::nullopt;
  const Peaks &peaks = found->number < 90    ? kA100
                       : found->number < 100 ? kH100
                                             : kB200;
  MachineRates rates;
  rates.flops = 0.6 * (precision == "bf16" ? peaks.bf16 : peaks.f32);
  rates.bytes = 0.8 * peaks.memory;
  rates.transfer = 0.7 * peaks.nvlink;
  return Target{semantics, rates};
}

std::optional<int64_t> pp::readCudnnVersion(StringRef text) {
  llvm::SmallVector<StringRef> parts;
  text.split(parts, '.');
  int64_t numbers[3] = {};
  if (parts.size() < 2 || parts.size() > 3)
    return std::nullopt;
  for (auto [part, number] : llvm::zip(parts, numbers))
    if (part.getAsInteger(10, number) || number < 0 || number > 99)
      return std::nullopt;
  int64_t version = numbers[0] * 10000 + numbers[1] * 100 + numbers[2];
  return isCudnnVersion(version) ? std::optional(version) : std::nullopt;
}
