//===- DeviceProgram.cpp - A rank's program on a device -------------------===//
#include "DeviceProgram.h"

#include "Error.h"
#include "Parallel.h"
#include "Wait.h"

#include <algorithm>
#include <cstring>

using namespace pprt;

static uint64_t align(uint64_t bytes) { return (bytes + 255) / 256 * 256; }

// Blocks of the first stage of a sum: what the second stage adds. How a sum is
// cut depends on its length alone, so that no GPU gives other bits.
static constexpr int32_t threads = 256, maxBlocks = 1024;

DeviceProgram::DeviceProgram(Device &device, const Description &description,
                             const Options &options, Transport &transport,
                             Collectives &collectives, Recorder &recorder)
    : device(device), program_description(description), options(options),
      transport(transport), collectives(collectives), recorder(recorder),
      program(description.programOf(size_t(transport.rank()))), keys(device),
      requests(size_t(program.requests)) {}

uint8_t *DeviceProgram::allocateArena(uint64_t bytes) {
  const uint64_t microbatches = uint64_t(program_description.microbatches);
  numSums = microbatches + program_description.parameters.size() + kFlags;
  for (const Input &input : program_description.inputs)
    slotBytes = std::max(slotBytes, align(uint64_t(input.rows * input.length) *
                                          sizeof(int32_t)));
  scalarsOffset = slotBytes * microbatches * program_description.inputs.size();
  inputBytes = scalarsOffset + align(sizeof(UpdateScalars));

  uint64_t needed = align(bytes) + inputBytes +
                    align(numResults() * sizeof(double)) +
                    align(maxBlocks * sizeof(double));
  uint64_t available = device.availableBytes();
  if (needed > available)
    throw Error("found " + std::to_string(available) +
                " bytes free on the device (" + device.description() +
                "), expected the " + std::to_string(needed) +
                " that this rank needs (planned " + std::to_string(bytes) +
                "): end other programs on it, compile for more ranks or with "
                "--recompute=full");
  // One allocation: what the compiler has planned, then what the runtime needs.
  arena = device.allocate(needed);
  deviceInputs = arena + align(bytes);
  deviceScalars =
      reinterpret_cast<UpdateScalars *>(deviceInputs + scalarsOffset);
  deviceResults = reinterpret_cast<double *>(deviceInputs + inputBytes);
  devicePartials = reinterpret_cast<double *>(
      deviceInputs + inputBytes + align(numResults() * sizeof(double)));
  hostInputs = device.allocateHost(inputBytes);
  // The vote of this rank lies behind the results of all.
  hostResults = reinterpret_cast<double *>(
      device.allocateHost((numResults() + 1) * sizeof(double)));
  hostVote = hostResults + numResults();
  return arena;
}

void DeviceProgram::connect() {
  std::string transportName = options.transport;
  if (transport.size() == 1)
    transportName = "mpi";
  if (transportName == "auto") {
    // NCCL refuses ranks that share a GPU. All ranks choose the same.
    double sharing = transport.nodeRanks() > device.deviceCount();
    collectives.sum(&sharing, 1);
    transportName = options.device == "cuda" && sharing == 0 ? "nccl" : "mpi";
  }
  if (transportName == "mpi")
    links = createStagedLinks(device, transport, collectives, program.requests);
  else
    collectives.agreeAfter([&] {
      links = createNcclLinks(device, program_description, transport,
                              program.requests);
    });
  // Not agreed on: who fails here may do so while others still wait for it.
  links->connect(collectives);
}

std::string DeviceProgram::description() const {
  std::string text = device.description();
  if (transport.size() > 1)
    text += std::string(", transfers by ") + links->name();
  if (device.hasGraphs())
    text += options.graph && (transport.size() == 1 || links->canCapture())
                ? ", steps as graphs"
                : ", steps without graphs";
  return text;
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
  PinnedUpload(Device &device, Transport &transport, uint64_t largest)
      : device(device), transport(transport),
        size(std::min<uint64_t>(largest, 16 << 20)),
        blocks{device.allocateHost(size), device.allocateHost(size)},
        streams{0, device.addStream()} {}

  void add(uint8_t *to, const uint8_t *from, uint64_t bytes) {
    for (uint64_t done = 0; done < bytes; done += size, turn = 1 - turn) {
      uint8_t *block = blocks[turn];
      const uint8_t *part = from + done;
      uint64_t count = std::min(size, bytes - done);
      waitForStream(device, streams[turn], transport);
      inParallel(count, [=](uint64_t begin, uint64_t end) {
        std::memcpy(block + begin, part + begin, end - begin);
      });
      device.upload(streams[turn], to + done, block, count);
    }
  }
  void finish() {
    for (int stream : streams)
      waitForStream(device, stream, transport);
  }

private:
  Device &device;
  Transport &transport;
  uint64_t size;
  uint8_t *blocks[2];
  int streams[2];
  int turn = 0;
};
} // namespace

void DeviceProgram::uploadParameters(const uint8_t *host) {
  uint64_t largest = 0;
  for (const HeldParameter &held : program.parameters)
    largest = std::max(
        largest, program_description.parameters[size_t(held.index)].elements);
  PinnedUpload upload(device, transport, 4 * largest);
  for (const HeldParameter &held : program.parameters) {
    const Parameter &parameter =
        program_description.parameters[size_t(held.index)];
    upload.add(arena + held.offset, host + held.offset,
               parameter.elements * (parameter.isBF16 ? 2 : 4));
    if (!parameter.isBF16 || !held.owned)
      continue;
    const uint64_t master = program.optimizerOffset + held.masterOffset;
    upload.add(arena + master, host + master, parameter.elements * 4);
  }
  upload.finish();
}

void DeviceProgram::downloadParameters(uint8_t *host) {
  for (const HeldParameter &held : program.parameters) {
    if (!held.owned)
      continue;
    const Parameter &parameter =
        program_description.parameters[size_t(held.index)];
    const uint64_t place = parameter.isBF16
                               ? program.optimizerOffset + held.masterOffset
                               : held.offset;
    device.download(0, host + place, arena + place, parameter.elements * 4);
  }
  waitForStream(device, 0, transport);
}

//===----------------------------------------------------------------------===//
// Steps
//===----------------------------------------------------------------------===//

void DeviceProgram::uploadStep(const Batches &batches,
                               const std::vector<int64_t> &microbatchKeys,
                               const UpdateScalars &scalars) {
  const int microbatches = program_description.microbatches;
  for (size_t i = 0; i < program_description.inputs.size(); ++i) {
    const Input &input = program_description.inputs[i];
    for (int m = 0; m < microbatches; ++m)
      std::memcpy(hostInputs +
                      slotBytes * (i * size_t(microbatches) + size_t(m)),
                  batches.input(int(i), m),
                  size_t(input.rows * input.length) * sizeof(int32_t));
  }
  std::memcpy(hostInputs + scalarsOffset, &scalars, sizeof scalars);
  device.upload(0, deviceInputs, hostInputs, inputBytes);
  keys.beginStep(microbatchKeys);
}

bool DeviceProgram::run(pprt_step_fn function, pprt_context *context,
                        const Batches &batches,
                        const std::vector<int64_t> &microbatchKeys,
                        const UpdateScalars &scalars, double vote) {
  const bool graphs = options.graph && device.hasGraphs() &&
                      (transport.size() == 1 || links->canCapture());
  mode = !graphs || stepsDone == 0 ? Mode::Direct
         : stepsDone == 1          ? Mode::Record
                                   : Mode::Replay;
  guarded([&] {
    links->beginStep(mode == Mode::Replay);
    uploadStep(batches, microbatchKeys, scalars);
    *hostVote = vote;
    device.startClock();
    if (mode != Mode::Replay) {
      spans.clear();
      usedMarks = 0;
    }
    if (mode == Mode::Record)
      device.beginCapture();
    if (mode != Mode::Replay) {
      device.zero(0, deviceResults, numResults() * sizeof(double));
      // A graph reads it anew in each step.
      device.upload(0, deviceResults + numSums - 1, hostVote, sizeof *hostVote);
      if (function(context, arena) != PPRT_OK && !failure)
        throw Error("found a step that ends with an error and says none, "
                    "expected a reason: compile the program again");
      if (!failure)
        device.download(0, hostResults, deviceResults,
                        numResults() * sizeof(double));
    }
  });
  if (mode == Mode::Record) {
    std::exception_ptr first = failure;
    failure = nullptr;
    guarded([&] { device.endCapture(); });
    if (first)
      failure = first;
  }
  if (mode != Mode::Direct)
    guarded([&] { device.launchGraph(); });
  guarded([&] { finish(); });
  ++stepsDone;
  return mode != Mode::Replay;
}

void DeviceProgram::finish() {
  try {
    waitForStream(device, 0, transport, [&] { links->poll(); });
  } catch (const TimeoutError &) {
    throwStuck();
  }
  recordEvents();
  device.endStep();
}

void DeviceProgram::recordEvents() {
  for (const Span &span : spans)
    recorder.add(span.kind, device.timeOf(span.begin), device.timeOf(span.end),
                 span.action);
}

//===----------------------------------------------------------------------===//
// Failures
//===----------------------------------------------------------------------===//

std::string DeviceProgram::where() const {
  return " in step " + std::to_string(stepsDone) +
         describeAction(program, recorder.currentAction());
}

void DeviceProgram::keepFailure() {
  try {
    throw;
  } catch (const TimeoutError &) {
    failure = std::current_exception();
  } catch (const Error &error) {
    failure = std::make_exception_ptr(Error(error.what() + where()));
  } catch (...) {
    failure = std::current_exception();
  }
}

void DeviceProgram::throwFailure() {
  if (failure)
    std::rethrow_exception(failure);
}

void DeviceProgram::throwStuck() {
  char limit[32];
  std::snprintf(limit, sizeof limit, "%g", options.timeout);
  std::string text = "found a step that takes longer than " +
                     std::string(limit) + " s on the device, step " +
                     std::to_string(stepsDone);
  std::vector<Transfer> stuck = links->unfinished();
  for (const Transfer &transfer : stuck) {
    const Channel &edge =
        program_description.channels[size_t(transfer.channel)];
    text += std::string("; unfinished: ") +
            (transfer.isReceive ? "receive" : "send") +
            describeAction(program, transfer.action) +
            " on the edge from rank " + std::to_string(edge.source) +
            " to rank " + std::to_string(edge.destination);
  }
  throw TimeoutError(text +
                     (stuck.empty() ? ", expected it to end: "
                                    : ", expected the peer to take part: ") +
                     "see what the ranks do, or raise --timeout");
}

void DeviceProgram::abort() {
  if (links)
    links->abort();
}

//===----------------------------------------------------------------------===//
// Kernels of the runtime
//===----------------------------------------------------------------------===//

int32_t DeviceProgram::kernel(const char *name) const {
  auto known = kernels.find(name);
  if (known != kernels.end())
    return known->second;
  for (int32_t i = 0; i < pprt_gpu_program_code.num_kernels; ++i)
    if (!std::strcmp(pprt_gpu_program_code.kernels[i].name, name))
      return kernels[name] = i;
  throw Error(std::string("found no kernel '") + name +
              "' in the program, expected it: compile the program again");
}

void DeviceProgram::launch(const char *name, int64_t blocks, int32_t perBlock,
                           std::initializer_list<void *> arguments) {
  std::vector<void *> list(arguments);
  device.launch(kernel(name), {int32_t(blocks), 1, 1}, {perBlock, 1, 1},
                list.data());
}

/// Blocks for n elements, four to a thread.
static int64_t blocksFor(uint64_t n) {
  return std::max<int64_t>(int64_t((n + 4 * threads - 1) / (4 * threads)), 1);
}

void DeviceProgram::loss(int microbatch, const float *value) {
  double *slot = deviceResults + microbatch;
  launch("pprt_kernel_widen", 1, 1, {&value, &slot});
}

void DeviceProgram::squareNorm(int parameter, const float *gradient,
                               uint64_t n) {
  int64_t count = int64_t(n);
  int64_t blocks = std::min<int64_t>(blocksFor(n), maxBlocks);
  device.setTraffic(4 * n);
  launch("pprt_kernel_square_norm", blocks, threads,
         {&gradient, &count, &devicePartials});
  double *slot = deviceResults + program_description.microbatches + parameter;
  launch("pprt_kernel_sum", 1, threads, {&devicePartials, &blocks, &slot});
}

void DeviceProgram::add(float *to, const float *from, uint64_t n) {
  int64_t count = int64_t(n);
  device.setTraffic(12 * n);
  launch("pprt_kernel_add", blocksFor(n), threads, {&to, &from, &count});
}

void DeviceProgram::checkIds(const IdRange &range, const void *ids,
                             int64_t count, int64_t stride, int32_t bits) {
  // Numbers that stay the same when a step is recorded and done again.
  auto [entry, isNew] = idChecks.try_emplace(
      {range.reader, recorder.currentAction()}, int64_t(idRanges.size()) + 1);
  if (isNew)
    idRanges.push_back({range, recorder.currentAction()});
  int64_t number = entry->second, size = range.size, ignored = range.ignored;
  double *failures = deviceResults + program_description.microbatches +
                     program_description.parameters.size();
  double *record = deviceResults + numSums;
  device.setTraffic(uint64_t(count * bits / 8));
  launch("pprt_kernel_check_ids", 1, threads,
         {&ids, &count, &stride, &bits, &size, &ignored, &number, &failures,
          &record});
}

std::string DeviceProgram::idError(int64_t step) const {
  int64_t record[2]; // number of the check and the id
  std::memcpy(record, hostResults + numSums, sizeof record);
  if (record[0] < 1 || size_t(record[0]) > idRanges.size())
    return "";
  const auto &[range, action] = idRanges[size_t(record[0]) - 1];
  return describeIdOutOf(range, record[1],
                         " in step " + std::to_string(step) +
                             describeAction(program, action));
}

void DeviceProgram::exchange() {
  int64_t microbatches = program_description.microbatches;
  int64_t parameters = int64_t(program_description.parameters.size());
  int begin = mark(0);
  if (transport.size() > 1)
    links->sum(deviceResults, numSums);
  launch("pprt_kernel_conclude", 1, 1,
         {&deviceResults, &microbatches, &parameters, &deviceScalars});
  spans.push_back({Event::Exchange, recorder.currentAction(), begin, mark(0)});
}

void DeviceProgram::update(float *p, const float *g, float *m, float *v,
                           float decay, uint64_t n, uint16_t *copy) {
  int64_t count = int64_t(n);
  // p, and m and v of AdamW, are read and written; g is read, the copy written.
  uint64_t bytes = options.optimizer == Optimizer::Sgd ? 12 : 28;
  device.setTraffic((bytes + (copy ? 2 : 0)) * n);
  if (options.optimizer == Optimizer::Sgd)
    launch("pprt_kernel_sgd", blocksFor(n), threads,
           {&p, &g, &deviceScalars, &decay, &count, &copy});
  else
    launch("pprt_kernel_adamw", blocksFor(n), threads,
           {&p, &g, &m, &v, &deviceScalars, &decay, &count, &copy});
}

//===----------------------------------------------------------------------===//
// Data, transfers, trace
//===----------------------------------------------------------------------===//

const void *DeviceProgram::data(int input, int microbatch) const {
  return deviceInputs +
         slotBytes *
             uint64_t(input * program_description.microbatches + microbatch);
}

int64_t DeviceProgram::key(int microbatch) {
  return keys.addressOf(microbatch);
}

void *DeviceProgram::constant(const void *host, uint64_t bytes) {
  void *&copy = constants[host];
  if (!copy) {
    uint8_t *pinned = device.allocateHost(bytes);
    std::memcpy(pinned, host, bytes);
    copy = device.allocate(bytes);
    device.upload(0, copy, pinned, bytes);
  }
  return copy;
}

int DeviceProgram::mark(int stream) {
  if (usedMarks == marks.size())
    marks.push_back(device.addMark());
  int number = marks[usedMarks++];
  device.mark(number, stream);
  return number;
}

void DeviceProgram::actionBegin(int action) {
  recorder.enter(action);
  guarded([&] { spans.push_back({Event::Run, action, mark(0), -1}); });
}

void DeviceProgram::actionEnd(int) {
  guarded([&] { spans.back().end = mark(0); });
  recorder.leave();
}

void DeviceProgram::start(int request, const Transfer &transfer) {
  requests[size_t(request)] = transfer;
  links->start(request, transfer);
}

void DeviceProgram::wait(int request, int action) {
  int begin = mark(0);
  links->wait(request);
  spans.push_back({Event::Wait, action, begin, mark(0)});
}
