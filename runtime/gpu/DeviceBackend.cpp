//===- DeviceBackend.cpp - Programs that compute on a device --------------===//
#include "DeviceBackend.h"

#include "CompareLibraries.h"
#include "Context.h"
#include "Error.h"
#include "Parallel.h"
#include "Wait.h"

#include <algorithm>
#include <cstring>

using namespace pprt;

static uint64_t align(uint64_t bytes) { return (bytes + 255) / 256 * 256; }

static constexpr int32_t threads = 256;
/// How long work may go on after a failure.
static constexpr double drainSeconds = 2;

DeviceBackend::DeviceBackend(const BackendSetup &setup)
    : Backend(setup), description(setup.description), program(setup.program()),
      recorder(setup.recorder) {}

//===----------------------------------------------------------------------===//
// Before the steps
//===----------------------------------------------------------------------===//

void DeviceBackend::prepare(std::shared_ptr<Arena> memory) {
  Backend::prepare(std::move(memory));
  DeviceLibraries libraries;
  setup.bootstrap.agreeAfter([&] {
    libraries = open();
    allocate(arena->bytes());
  });
  if (!compareLibraries(libraries, setup.bootstrap))
    device->actual().leaveAttention();
  sayNotes();
  connect();
}

/// Opens the device, and the libraries that the program calls.
DeviceLibraries DeviceBackend::open() {
  const Options &options = setup.options;
  if (!&pprt_gpu_program_code)
    throw Error("found a program for GPUs without code for them, expected "
                "some: compile the program again");
  AttentionChoice attention;
  attention.mode =
      AttentionChoice::named(options.attention).value_or(AttentionChoice::Auto);
  attention.note = [this](const std::string &text) { notes.add(text); };
  device = options.device == "cuda"
               ? createCudaDevice(pprt_gpu_program_code,
                                  setup.bootstrap.nodeRank(), attention)
               : createEmulatedDevice(pprt_gpu_program_code);
  DeviceLibraries libraries = device->openLibraries();
  if (!options.kernelTimes.empty()) {
    auto timed =
        std::make_unique<TimedDevice>(std::move(device), pprt_gpu_program_code);
    timedDevice = timed.get();
    device = std::move(timed);
  }
  keys.emplace(*device);
  return libraries;
}

/// The arena, checked against what is free, and what the runtime needs.
void DeviceBackend::allocate(uint64_t bytes) {
  const uint64_t microbatches = uint64_t(description.microbatches);
  numSums = description.reportedValues() + PPRT_NUM_FLAGS;
  for (const Input &input : description.inputs)
    slotBytes = std::max(slotBytes, align(uint64_t(input.rows * input.length) *
                                          sizeof(int32_t)));
  numbersOffset = slotBytes * microbatches * description.inputs.size();
  inputBytes = numbersOffset + align(sizeof(StepNumbers));

  const uint64_t resultBytes = align(numResults() * sizeof(double));
  int sharing = 1; // ranks with the same samples
  for (const std::string &axis : description.axesOfEqualSamples())
    sharing *= description.mesh.sizeOf(axis);
  uint64_t needed = align(bytes) + inputBytes + resultBytes +
                    std::max(reports().workspaceBytes(description.mesh.size()),
                             reports().workspaceBytes(sharing));
  uint64_t available = device->availableBytes();
  if (needed > available)
    throw Error("found " + std::to_string(available) +
                " bytes free on the device (" + device->description() +
                "), expected the " + std::to_string(needed) +
                " that this rank needs (planned " + std::to_string(bytes) +
                "): end other programs on it, compile for more ranks or with "
                "--recompute=full");
  // One allocation: what the compiler has planned, then what the runtime needs.
  deviceArena = device->allocate(needed);
  deviceInputs = deviceArena + align(bytes);
  deviceNumbers = reinterpret_cast<StepNumbers *>(deviceInputs + numbersOffset);
  deviceResults = reinterpret_cast<double *>(deviceInputs + inputBytes);
  deviceWorkspace = deviceInputs + inputBytes + resultBytes;
  hostInputs = device->allocateHost(inputBytes);
  // The votes of this rank lie behind the results of all.
  hostResults = reinterpret_cast<double *>(
      device->allocateHost((numResults() + PPRT_NUM_FLAGS) * sizeof(double)));
  hostVotes = hostResults + numResults();
}

/// Makes the communicators, together with all other ranks.
void DeviceBackend::connect() {
  Bootstrap &bootstrap = setup.bootstrap;
  std::string name = setup.options.transport;
  if (bootstrap.size() == 1)
    name = "mpi";
  if (name == "auto") {
    // NCCL refuses ranks that share a GPU. All ranks choose the same.
    const bool isShared =
        bootstrap.any(bootstrap.nodeRanks() > device->deviceCount());
    name = setup.options.device == "cuda" && !isShared ? "nccl" : "mpi";
  }
  bootstrap.agree(
      sumsByNccl() && name == "mpi" && bootstrap.size() > 1
          ? "found --collectives=nccl with ranks that share a GPU, which NCCL "
            "refuses, expected a GPU for each: leave it out"
          : "");
  const auto makeGroups = [&](const auto &create) {
    groups.emplace(description.mesh, rank(), description.groupsOfPrograms(),
                   setup.program().collectives, create);
    layerGroups.emplace(description.mesh, rank(),
                        groupsOf(description.layerCollectives),
                        description.layerCollectives, create);
  };
  layerBegins.resize(description.layerCollectives.size());
  const Group ofPipe = Group::along(description.mesh, rank(), {"pipe"});
  const std::vector<std::string> equal = description.axesOfEqualSamples();
  const Group ofAll = Group::all(description.mesh, rank());
  if (name == "mpi") {
    pipe =
        createStagedCommunicator(*device, bootstrap, ofPipe, program.requests);
    world = createStagedCommunicator(*device, bootstrap, ofAll, 1);
    world->prepare(0, reports());
    if (!equal.empty()) {
      parts = createStagedCommunicator(
          *device, bootstrap, Group::along(description.mesh, rank(), equal), 1);
      parts->prepare(0, reports());
    }
    makeGroups([&](Group group, int requests) {
      return createStagedCommunicator(*device, bootstrap, std::move(group),
                                      requests);
    });
  } else {
    bootstrap.agreeAfter([&] {
      std::vector<MemberEdge> edges;
      for (const Channel &channel : description.channels)
        edges.push_back({channel.source, channel.destination});
      size_t messages = 0;
      // As many as both programs together have, and more than either.
      for (size_t i = 0; i < program.allActions(); ++i) {
        const ActionKind kind = program.actionAt(i).kind;
        messages += kind == ActionKind::Send || kind == ActionKind::Receive;
      }
      pipe = createNcclCommunicator(*device, bootstrap, ofPipe,
                                    program.requests, edges, messages);
      world = createNcclCommunicator(*device, bootstrap, ofAll, 1, {}, 0);
      world->prepare(0, reports());
      if (!equal.empty()) {
        parts = createNcclCommunicator(
            *device, bootstrap, Group::along(description.mesh, rank(), equal),
            1, {}, 0);
        parts->prepare(0, reports());
      }
      makeGroups([&](Group group, int requests) {
        return createNcclCommunicator(*device, bootstrap, std::move(group),
                                      requests, {}, 0, sumsByNccl());
      });
    });
  }
  // Not agreed on: who fails here may do so while others still wait for it.
  for (DeviceCommunicator *each : communicators())
    each->connect();
}

bool DeviceBackend::usesGraphs() const {
  return setup.options.graph && device->hasGraphs() &&
         (setup.bootstrap.size() == 1 || pipe->canCapture());
}

std::string DeviceBackend::describe() const {
  std::string text = "device: " + device->description();
  if (setup.bootstrap.size() > 1)
    text += std::string(", transfers by ") + pipe->name() +
            (sumsByNccl() ? ", sums over replicas in its own order" : "");
  if (device->hasGraphs())
    text += usesGraphs() ? ", steps as graphs" : ", steps without graphs";
  return text;
}

std::string DeviceBackend::kernelTimes() {
  return timedDevice ? timedDevice->report() : "";
}

//===----------------------------------------------------------------------===//
// Parameters
//===----------------------------------------------------------------------===//

namespace {
/// Uploads by way of two blocks of pinned memory, from which the device reads
/// at full speed and while the other one is filled. Each has a stream. What
/// stream 0 has to do before, such as zeros in the arena, is done by then.
class PinnedUpload {
public:
  PinnedUpload(Device &device, Bootstrap &bootstrap, uint64_t largest)
      : device(device), bootstrap(bootstrap),
        size(std::min<uint64_t>(largest, 16 << 20)),
        blocks{device.allocateHost(size), device.allocateHost(size)},
        streams{0, device.addStream()} {}

  void add(uint8_t *to, const uint8_t *from, uint64_t bytes) {
    for (uint64_t done = 0; done < bytes; done += size, turn = 1 - turn) {
      uint8_t *block = blocks[turn];
      const uint8_t *part = from + done;
      uint64_t count = std::min(size, bytes - done);
      waitForStream(device, streams[turn], bootstrap);
      inParallel(count, [=](uint64_t begin, uint64_t end) {
        std::memcpy(block + begin, part + begin, end - begin);
      });
      device.upload(streams[turn], to + done, block, count);
    }
  }
  void finish() {
    for (int stream : streams)
      waitForStream(device, stream, bootstrap);
  }

private:
  Device &device;
  Bootstrap &bootstrap;
  uint64_t size;
  uint8_t *blocks[2];
  int streams[2];
  int turn = 0;
};
} // namespace

void DeviceBackend::upload(Copied what) {
  const uint8_t *host = arena->base();
  uint64_t largest = 0;
  for (const HeldParameter &held : program.parameters)
    largest =
        std::max(largest, description.parameters[size_t(held.index)].elements);
  PinnedUpload upload(*device, setup.bootstrap, 4 * largest);
  for (const HeldParameter &held : program.parameters) {
    const Parameter &parameter = description.parameters[size_t(held.index)];
    upload.add(deviceArena + held.offset, host + held.offset,
               parameter.elements * (parameter.isBF16 ? 2 : 4));
    if (!parameter.isBF16 || !held.owned)
      continue;
    upload.add(deviceArena + held.masterOffset, host + held.masterOffset,
               parameter.stateElements() * 4);
  }
  if (what == Copied::WeightsAndStates)
    forEachState([&](uint64_t offset, uint64_t bytes) {
      upload.add(deviceArena + offset, host + offset, bytes);
    });
  upload.finish();
}

void DeviceBackend::forEachState(
    const std::function<void(uint64_t, uint64_t)> &visit) const {
  if (description.optimizers.empty())
    return;
  const size_t optimizer = description.findOptimizer(setup.options.optimizer);
  for (const HeldState &held :
       description.statesOf(program, description.optimizers[optimizer])) {
    const State &state = description.states[size_t(held.index)];
    visit(held.offset,
          description.parameters[size_t(state.parameter)].stateElements() *
              sizeof(float));
  }
}

void DeviceBackend::download(Copied what) {
  uint8_t *host = arena->base();
  for (const HeldParameter &held : program.parameters) {
    if (!held.owned)
      continue;
    const Description::Updated own = description.updatedBy(rank(), held);
    if (own.bytes)
      device->download(0, host + own.offset, deviceArena + own.offset,
                       own.bytes);
  }
  if (what == Copied::WeightsAndStates)
    forEachState([&](uint64_t offset, uint64_t bytes) {
      device->download(0, host + offset, deviceArena + offset, bytes);
    });
  waitForStream(*device, 0, setup.bootstrap);
}

//===----------------------------------------------------------------------===//
// Steps
//===----------------------------------------------------------------------===//

void DeviceBackend::uploadStep(const pprt_context &context) {
  const int microbatches = description.microbatches;
  for (size_t i = 0; i < description.inputs.size(); ++i) {
    const Input &input = description.inputs[i];
    for (int m = 0; m < microbatches; ++m)
      std::memcpy(hostInputs +
                      slotBytes * (i * size_t(microbatches) + size_t(m)),
                  batches->input(int(i), m),
                  size_t(input.rows * input.length) * sizeof(int32_t));
  }
  std::memcpy(hostInputs + numbersOffset, &context.numbers,
              sizeof context.numbers);
  device->upload(0, deviceInputs, hostInputs, inputBytes);
  std::vector<int64_t> values;
  for (int m = 0; m < microbatches; ++m)
    values.push_back(context.keyOf(m));
  keys->beginStep(values);
}

/// What a step enqueues, directly or into a graph.
void DeviceBackend::enqueueStep(pprt_context &context, pprt_step_fn function) {
  device->zero(0, deviceResults, numResults() * sizeof(double));
  // A graph reads them anew in each step.
  device->upload(0, deviceResults + numSums - PPRT_NUM_FLAGS + PPRT_FLAG_VOTES,
                 hostVotes,
                 (PPRT_NUM_FLAGS - PPRT_FLAG_VOTES) * sizeof(double));
  if (function(&context, deviceArena) != PPRT_OK && !context.failure)
    throw Error("found a step that ends with an error and says none, "
                "expected a reason: compile the program again");
  if (!context.failure)
    device->download(0, hostResults, deviceResults,
                     numResults() * sizeof(double));
}

void DeviceBackend::runStep(pprt_context &context, pprt_step_fn function) {
  graph = context.isEvaluating ? Device::EvaluationGraph : Device::StepGraph;
  const int64_t stepsDone = now().stepsDone;
  mode = !usesGraphs() || stepsDone == 0 ? Mode::Direct
         : stepsDone == 1                ? Mode::Record
                                         : Mode::Replay;
  context.guarded([&] {
    for (DeviceCommunicator *each : communicators())
      each->beginStep(mode == Mode::Replay, graph);
    if (mode != Mode::Replay)
      now().transfers.clear();
    uploadStep(context);
    double flags[PPRT_NUM_FLAGS] = {};
    context.vote(flags);
    std::copy(flags + PPRT_FLAG_VOTES, flags + PPRT_NUM_FLAGS, hostVotes);
    device->startClock();
    if (mode == Mode::Replay)
      return;
    now().spans.clear();
    now().collectiveSpans.clear();
    usedMarks = 0;
    if (mode == Mode::Record)
      device->beginCapture();
    enqueueStep(context, function);
  });
  if (mode == Mode::Record) {
    // A capture has to be ended before anything else, whatever went wrong.
    std::exception_ptr first = std::exchange(context.failure, nullptr);
    context.guarded([&] { device->endCapture(graph); });
    if (first)
      context.failure = first;
  }
  if (mode != Mode::Direct)
    context.guarded([&] { device->launchGraph(graph); });
  context.guarded([&] { finish(context.step); });
  ++now().stepsDone;
  if (!context.failure)
    takeResults(context, /*isEnqueued=*/mode != Mode::Replay);
}

/// The report of the step, which the device has summed over all ranks.
void DeviceBackend::takeResults(pprt_context &context, bool isEnqueued) {
  StepReport &report = context.report;
  std::vector<double> &timesReported = now().timesReported;
  if (isEnqueued && timesReported.empty()) {
    // What a step reports is the same in all steps: one look suffices.
    context.sumReport();
    timesReported.assign(report.timesReported(),
                         report.timesReported() + report.values());
  }
  std::copy_n(hostResults, report.values(), report.data());
  std::copy(timesReported.begin(), timesReported.end(), report.timesReported());
  std::copy_n(hostResults + report.values(), PPRT_NUM_FLAGS, report.flags());
  report.idError = idError(context.step);
  context.reportReduced = true;
  context.check();
  context.conclude(hostResults + summaryAt());
}

void DeviceBackend::finish(int64_t step) {
  try {
    waitForStream(*device, 0, setup.bootstrap, [&] { poll(); });
  } catch (const TimeoutError &) {
    throwStuck(step);
  }
  recordEvents();
  device->endStep(/*counts=*/graph == Device::StepGraph);
}

void DeviceBackend::poll() {
  for (DeviceCommunicator *each : communicators())
    each->poll();
}

void DeviceBackend::recordEvents() {
  if (graph == Device::EvaluationGraph)
    return; // no part of a step
  for (const Span &span : now().spans)
    recorder.add(span.kind, device->timeOf(span.begin),
                 device->timeOf(span.end), span.action);
  for (const CollectiveSpan &span : now().collectiveSpans)
    recorder.addCollective(span.collective, device->timeOf(span.begin),
                           device->timeOf(span.end), span.action);
}

//===----------------------------------------------------------------------===//
// Failures
//===----------------------------------------------------------------------===//

std::string DeviceBackend::place(const pprt_context &context) const {
  return " in step " + std::to_string(context.step) +
         describeAction(program, recorder.currentAction());
}

void DeviceBackend::throwStuck(int64_t step) {
  char limit[32];
  std::snprintf(limit, sizeof limit, "%g", setup.options.timeout);
  std::string text = "found a step that takes longer than " +
                     std::string(limit) + " s on the device, step " +
                     std::to_string(step);
  const std::vector<size_t> stuck = pipe->unfinished();
  const Mesh &mesh = description.mesh;
  for (size_t number : stuck) {
    const Transfer &transfer = now().transfers[number];
    const Channel &edge = description.channels[size_t(transfer.channel)];
    text += std::string("; unfinished: ") +
            (transfer.isReceive ? "receive" : "send") +
            describeAction(program, transfer.action) + " on the edge from " +
            mesh.describe(mesh.rankWith(rank(), "pipe", edge.source)) + " to " +
            mesh.describe(mesh.rankWith(rank(), "pipe", edge.destination));
  }
  bool isCollective = false;
  for (DeviceCommunicator *each : communicators())
    if (std::string collective = each->unfinishedCollective();
        !collective.empty()) {
      text += "; unfinished: " + collective + " on " + mesh.describe(rank());
      isCollective = true;
    }
  throw TimeoutError(text +
                     (stuck.empty() && !isCollective
                          ? ", expected it to end: "
                          : ", expected the peer to take part: ") +
                     "see what the ranks do, or raise --timeout");
}

namespace {
/// What work that does not end may still use. Never freed.
struct Abandoned {
  std::unique_ptr<Device> device;
  std::unique_ptr<DeviceCommunicator> pipe, world, parts;
  std::optional<ProgramCollectives<DeviceCommunicator>> groups, layerGroups;
};
} // namespace

void DeviceBackend::teardown(bool hasFailed) {
  bool isFree = true;
  if (hasFailed) {
    for (DeviceCommunicator *each : communicators())
      isFree &= each->abort();
    isFree &= !device || device->drain(drainSeconds) != Device::State::Busy;
  }
  if (!isFree)
    setup.bootstrap.keepUntilEnd(std::shared_ptr<void>(
        new Abandoned{std::move(device), std::move(pipe), std::move(world),
                      std::move(parts), std::move(groups),
                      std::move(layerGroups)},
        [](void *) {}));
  keys.reset();
  pipe.reset();
  world.reset();
  parts.reset();
  groups.reset();
  layerGroups.reset();
  device.reset();
  timedDevice = nullptr;
  arena.reset();
}

//===----------------------------------------------------------------------===//
// Kernels of the runtime
//===----------------------------------------------------------------------===//

int32_t DeviceBackend::kernel(const char *name) const {
  auto [known, isNew] = kernels.try_emplace(name, 0);
  if (isNew)
    known->second = findKernel(pprt_gpu_program_code, name);
  return known->second;
}

void DeviceBackend::launch(const char *name, int64_t blocks, int32_t perBlock,
                           std::initializer_list<void *> arguments) {
  std::vector<void *> list(arguments);
  device->launch(kernel(name), {int32_t(blocks), 1, 1}, {perBlock, 1, 1},
                 list.data());
}

void DeviceBackend::report(pprt_context &, size_t place, const float *value) {
  double *slot = deviceResults + place;
  launch("pprt_kernel_widen", 1, 1, {&value, &slot});
}

StepMemory DeviceBackend::memory(pprt_context &) {
  return {deviceArena, deviceResults, deviceNumbers,
          deviceResults + summaryAt()};
}

void DeviceBackend::checkIds(const pprt_context &, const IdRange &range,
                             const void *ids, int64_t count, int64_t stride,
                             int32_t bits) {
  // Numbers that stay the same when a step is recorded and done again.
  auto [entry, isNew] = idChecks.try_emplace(
      {range.reader, recorder.currentAction()}, int64_t(idRanges.size()) + 1);
  if (isNew)
    idRanges.push_back({range, recorder.currentAction()});
  int64_t number = entry->second, size = range.size, ignored = range.ignored;
  double *failures = deviceResults + numSums - PPRT_NUM_FLAGS + PPRT_FLAG_IDS;
  double *record = deviceResults + numSums;
  device->setTraffic(uint64_t(count * bits / 8));
  launch("pprt_kernel_check_ids", 1, threads,
         {&ids, &count, &stride, &bits, &size, &ignored, &number, &failures,
          &record});
}

std::string DeviceBackend::idError(int64_t step) const {
  int64_t record[2]; // number of the check and the id
  std::memcpy(record, hostResults + numSums, sizeof record);
  if (record[0] < 1 || size_t(record[0]) > idRanges.size())
    return "";
  const auto &[range, action] = idRanges[size_t(record[0]) - 1];
  return describeIdOutOf(range, record[1],
                         " in step " + std::to_string(step) +
                             describeAction(program, action));
}

void DeviceBackend::allReduceReport(pprt_context &context, void *workspace) {
  const int begin = mark(0);
  if (setup.bootstrap.size() > 1) {
    // As pprt_context::sumReport.
    if (parts) {
      parts->start(0, deviceResults, deviceResults, deviceWorkspace);
      parts->wait(0);
      if (!description.isFirstOfEqual(rank(), nullptr))
        device->zero(0, deviceResults, numSums * sizeof(double));
    }
    world->start(0, deviceResults, deviceResults, deviceWorkspace);
    world->wait(0);
  }
  context.callConclude(workspace);
  now().spans.push_back(
      {Event::Report, recorder.currentAction(), begin, mark(0)});
}

//===----------------------------------------------------------------------===//
// Data, transfers, trace
//===----------------------------------------------------------------------===//

const void *DeviceBackend::data(int input, int microbatch) {
  return deviceInputs +
         slotBytes * uint64_t(input * description.microbatches + microbatch);
}

/// The address, so that a graph holds no number that changes with the step.
int64_t DeviceBackend::key(int microbatch, int64_t) {
  return keys->addressOf(microbatch);
}

void DeviceBackend::zero(void *data, uint64_t bytes) {
  device->zero(0, data, bytes);
}

void *DeviceBackend::constant(const void *host, uint64_t bytes) {
  void *&copy = constants[host];
  if (!copy) {
    uint8_t *pinned = device->allocateHost(bytes);
    std::memcpy(pinned, host, bytes);
    copy = device->allocate(bytes);
    device->upload(0, copy, pinned, bytes);
  }
  return copy;
}

int DeviceBackend::mark(int stream) {
  if (usedMarks == marks.size())
    marks.push_back(device->addMark());
  int number = marks[usedMarks++];
  device->mark(number, stream);
  return number;
}

void DeviceBackend::actionBegin(int action) {
  recorder.enter(action);
  now().spans.push_back({Event::Run, action, mark(0), -1});
}

void DeviceBackend::actionEnd(int) {
  now().spans.back().end = mark(0);
  recorder.leave();
}

void DeviceBackend::start(int request, const Transfer &transfer) {
  now().transfers.push_back(transfer);
  transfer.post(*pipe, request);
}

void DeviceBackend::wait(int request, int action) {
  int begin = mark(0);
  pipe->wait(request);
  now().spans.push_back({Event::Wait, action, begin, mark(0)});
}

void DeviceBackend::startLayerCollective(int collective, const void *in,
                                         void *out, void *workspace) {
  if (recorder.timesCollectives())
    layerBegins[size_t(collective)] = mark(0);
  layerGroups->start(collective, in, out, workspace);
}

void DeviceBackend::finishLayerCollective(int collective) {
  layerGroups->wait(collective);
  if (recorder.timesCollectives())
    now().collectiveSpans.push_back({collective, recorder.currentAction(),
                                     layerBegins[size_t(collective)], mark(0)});
}

void DeviceBackend::write(pprt_context &context, int64_t *to, int64_t number) {
  context.guarded([&] {
    int64_t *&pinned = numbers[number];
    if (!pinned) {
      pinned = reinterpret_cast<int64_t *>(device->allocateHost(sizeof number));
      *pinned = number;
    }
    device->upload(0, to, pinned, sizeof number);
  });
}

void DeviceBackend::startCollective(int collective, const void *in, void *out,
                                    void *workspace) {
  groups->start(collective, in, out, workspace);
}

void DeviceBackend::finishCollective(int collective, int action) {
  const int begin = mark(0);
  groups->wait(collective);
  now().spans.push_back({Event::Wait, action, begin, mark(0)});
}
