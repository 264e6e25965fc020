//===- HostBackend.h - Programs that compute on this CPU --------*- C++ -*-===//
//
// Calls do their work at once: the arena is the host's, transfers are those of
// the host's bootstrap, and events of the trace are taken as they happen.
//
//===----------------------------------------------------------------------===//
#ifndef PPRT_HOSTBACKEND_H
#define PPRT_HOSTBACKEND_H

#include "Backend.h"
#include "Communicator.h"
#include "Emulation.h"
#include "IdChecks.h"
#include "ProgramCollectives.h"

#include <optional>

namespace pprt {

class HostBackend : public Backend {
public:
  explicit HostBackend(const BackendSetup &setup);

  void prepare(std::shared_ptr<Arena> arena) override;
  void teardown(bool hasFailed) override;
  void runStep(pprt_context &context, pprt_step_fn function) override;
  void actionBegin(int action) override;
  void actionEnd(int action) override;
  const void *data(int input, int microbatch) override;
  int64_t key(int microbatch, int64_t key) override;
  void zero(void *data, uint64_t bytes) override;
  void checkIds(const pprt_context &context, const IdRange &range,
                const void *ids, int64_t count, int64_t stride,
                int32_t bits) override;
  void report(pprt_context &context, size_t place, const float *value) override;
  StepMemory memory(pprt_context &context) override;
  void allReduceReport(pprt_context &context, void *workspace) override;
  void start(int request, const Transfer &transfer) override;
  void wait(int request, int action) override;
  void startCollective(int collective, const void *in, void *out,
                       void *workspace) override;
  void finishCollective(int collective, int action) override;
  void startLayerCollective(int collective, const void *in, void *out,
                            void *workspace) override;
  void finishLayerCollective(int collective) override;
  void write(pprt_context &, int64_t *to, int64_t number) override {
    *to = number;
  }

protected:
  /// Leaves what other ranks may still read or write to the bootstrap.
  virtual void keepMemory();

private:
  IdChecks idChecks;
  alignas(64) double summary[PPRT_NUM_SUMMARY] = {};
  std::unique_ptr<Communicator> pipe; ///< for the program's messages
  std::optional<ProgramCollectives<Communicator>> groups, layerGroups;
  /// When each collective of layers was started, if it is timed.
  std::vector<uint64_t> layerBegins;
};

/// Actions take their planned time and compute nothing. Transfers, collectives
/// and the all-reduce of the report are those of the host; losses and norms are
/// 0, and no address that the program hands over is read or written but for
/// these. Layers, which do not run, hand over none: their collectives are made
/// on memory of the backend.
class EmulationBackend final : public HostBackend {
public:
  explicit EmulationBackend(const BackendSetup &setup);

  bool computes() const override { return false; }
  void prepare(std::shared_ptr<Arena> arena) override;
  void actionEnd(int action) override;
  const void *data(int input, int microbatch) override;
  void zero(void *data, uint64_t bytes) override;
  void report(pprt_context &context, size_t place, const float *value) override;
  void wait(int request, int action) override;
  void finishCollective(int collective, int action) override;

private:
  void keepMemory() override;

  Emulation emulation;
  /// What any collective of a layer reads, writes and works in; null for none.
  std::shared_ptr<Arena> operands;
  uint64_t outOffset = 0, workspaceOffset = 0;
};

} // namespace pprt

#endif // PPRT_HOSTBACKEND_H
