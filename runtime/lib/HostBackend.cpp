//===- HostBackend.cpp - Programs that compute on this CPU ----------------===//
#include "HostBackend.h"

#include "Clock.h"
#include "Context.h"
#include "Error.h"

#include <cstring>

using namespace pprt;

HostBackend::HostBackend(const BackendSetup &setup)
    : Backend(setup), idChecks(setup.program(), setup.recorder) {}

void HostBackend::prepare(std::shared_ptr<Arena> memory) {
  Backend::prepare(std::move(memory));
  const Group group =
      Group::along(setup.description.mesh, setup.bootstrap.rank(), {"pipe"});
  pipe =
      createHostCommunicator(setup.bootstrap, group, setup.program().requests);
  const auto create = [&](Group group, int requests) {
    return createHostCommunicator(setup.bootstrap, std::move(group), requests);
  };
  const Description &all = setup.description;
  groups.emplace(all.mesh, setup.bootstrap.rank(), all.groupsOfPrograms(),
                 setup.program().collectives, create);
  layerGroups.emplace(all.mesh, setup.bootstrap.rank(),
                      groupsOf(all.layerCollectives), all.layerCollectives,
                      create);
  layerBegins.resize(all.layerCollectives.size());
}

void HostBackend::keepMemory() { setup.bootstrap.keepUntilEnd(arena); }

void HostBackend::teardown(bool) {
  bool isFree = !pipe || pipe->abort();
  isFree &= !groups || groups->abort();
  isFree &= !layerGroups || layerGroups->abort();
  if (!isFree)
    keepMemory();
  pipe.reset();
  groups.reset();
  layerGroups.reset();
  arena.reset();
}

void HostBackend::runStep(pprt_context &context, pprt_step_fn function) {
  idChecks.beginStep(context.step);
  int32_t status = function(&context, arena->base());
  if (status != PPRT_OK && !context.failure)
    throw Error("found the status " + std::to_string(status) +
                " of a step, expected 0: compile the program again");
}

void HostBackend::actionBegin(int action) {
  setup.recorder.actionBegin(action);
}
void HostBackend::actionEnd(int action) { setup.recorder.actionEnd(action); }

const void *HostBackend::data(int input, int microbatch) {
  return batches->input(input, microbatch);
}
int64_t HostBackend::key(int, int64_t key) { return key; }

void HostBackend::zero(void *data, uint64_t bytes) {
  std::memset(data, 0, bytes);
}
void HostBackend::checkIds(const pprt_context &, const IdRange &range,
                           const void *ids, int64_t count, int64_t stride,
                           int32_t bits) {
  idChecks.note(range, ids, count, stride, bits);
}

void HostBackend::report(pprt_context &context, size_t place,
                         const float *value) {
  context.report.data()[place] = *value;
}
StepMemory HostBackend::memory(pprt_context &context) {
  return {arena->base(), context.report.data(), &context.numbers, summary};
}

void HostBackend::allReduceReport(pprt_context &context, void *workspace) {
  StepReport &report = context.report;
  report.idError = idChecks.take();
  report.idsOutOfRange() = report.idError.empty() ? 0 : 1;
  context.vote(report.flags());
  const uint64_t begin = nowNs();
  context.sumReport();
  setup.recorder.add(Event::Report, begin, nowNs(),
                     setup.recorder.currentAction());
  context.check();
  context.callConclude(workspace);
  context.conclude(summary);
}

void HostBackend::start(int request, const Transfer &transfer) {
  transfer.post(*pipe, request);
}

void HostBackend::wait(int request, int action) {
  const uint64_t begin = nowNs();
  TransferTimes times = pipe->wait(request);
  setup.recorder.add(Event::Wait, begin, nowNs(), action);
  setup.recorder.add(Event::Transfer, times.posted, times.completed, action);
}

void HostBackend::startCollective(int collective, const void *in, void *out,
                                  void *workspace) {
  groups->start(collective, in, out, workspace);
}

void HostBackend::finishCollective(int collective, int action) {
  const uint64_t begin = nowNs();
  TransferTimes times = groups->wait(collective);
  setup.recorder.add(Event::Wait, begin, nowNs(), action);
  setup.recorder.add(Event::Transfer, times.posted, times.completed, action);
}

void HostBackend::startLayerCollective(int collective, const void *in,
                                       void *out, void *workspace) {
  if (setup.recorder.timesCollectives())
    layerBegins[size_t(collective)] = nowNs();
  layerGroups->start(collective, in, out, workspace);
}

void HostBackend::finishLayerCollective(int collective) {
  layerGroups->wait(collective);
  // A part of the action, as what the layer computes is.
  if (setup.recorder.timesCollectives())
    setup.recorder.addCollective(collective, layerBegins[size_t(collective)],
                                 nowNs(), setup.recorder.currentAction());
}

//===----------------------------------------------------------------------===//
// --emulate
//===----------------------------------------------------------------------===//

EmulationBackend::EmulationBackend(const BackendSetup &setup)
    : HostBackend(setup), emulation(setup.program(), *setup.options.emulate) {}

void EmulationBackend::prepare(std::shared_ptr<Arena> memory) {
  HostBackend::prepare(std::move(memory));
  uint64_t in = 0, out = 0, workspace = 0;
  for (const ProgramCollective &each : setup.description.layerCollectives) {
    const Group group =
        Group::along(setup.description.mesh, setup.bootstrap.rank(), each.axes);
    const Collective collective = each.over(group.size());
    const uint64_t bytes = sizeOf(collective.type);
    in = std::max(in, bytes * collective.elementsIn(group.member));
    out = std::max(out, bytes * collective.elementsOut(group.member));
    workspace = std::max(workspace, collective.workspaceBytes(group.size()));
  }
  auto aligned = [](uint64_t bytes) { return (bytes + 63) / 64 * 64; };
  outOffset = aligned(in);
  workspaceOffset = outOffset + aligned(out);
  if (!setup.description.stageCollectives.empty())
    operands = std::make_shared<Arena>(workspaceOffset +
                                       std::max<uint64_t>(workspace, 1));
  Emulation::start();
}
void EmulationBackend::keepMemory() {
  HostBackend::keepMemory();
  setup.bootstrap.keepUntilEnd(operands);
}
void EmulationBackend::actionEnd(int action) {
  const std::vector<int> &collectives =
      setup.description.collectivesOf(setup.program().actions[size_t(action)]);
  const uint64_t parts = collectives.size() + 1;
  uint64_t begin = setup.recorder.currentActionBegin();
  for (int collective : collectives) {
    emulation.finish(action, begin, parts);
    const uint64_t start = nowNs();
    startLayerCollective(collective, operands->base(),
                         operands->base() + outOffset,
                         operands->base() + workspaceOffset);
    finishLayerCollective(collective);
    begin = nowNs();
    emulation.noteWait(begin - start);
  }
  emulation.finish(action, begin, parts);
  HostBackend::actionEnd(action);
}
const void *EmulationBackend::data(int, int) {
  // A dummy buffer, which is never read.
  alignas(64) static const int32_t nothing[16] = {};
  return nothing;
}
void EmulationBackend::zero(void *, uint64_t) {}
void EmulationBackend::report(pprt_context &, size_t, const float *) {}
void EmulationBackend::wait(int request, int action) {
  const uint64_t begin = nowNs();
  HostBackend::wait(request, action);
  emulation.noteWait(nowNs() - begin);
}
void EmulationBackend::finishCollective(int collective, int action) {
  const uint64_t begin = nowNs();
  HostBackend::finishCollective(collective, action);
  emulation.noteWait(nowNs() - begin);
}
