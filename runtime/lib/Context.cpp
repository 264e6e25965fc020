#include "Context.h"

#include "Clock.h"
#include "DeviceProgram.h"
#include "Error.h"
#include "Initialization.h"
#include "Interrupt.h"
#include "LearningRate.h"
#include "Philox.h"
#include "PortableMath.h"

#include <cmath>

using namespace pprt;

static const char *const compileAgain = ": compile the program again";

pprt_context::pprt_context(const Description &description,
                           const Options &options, Transport &transport,
                           Collectives &collectives, Batches *batches,
                           Recorder &recorder)
    : pprt_context_head{options.emulate.has_value()}, description(description),
      options(options), transport(transport), collectives(collectives),
      batches(batches), recorder(recorder), idChecks(program(), recorder),
      dropoutKey(streamKey(options.seed, "dropout")) {
  if (options.emulate)
    emulation.emplace(program(), *options.emulate);
  requests.resize(size_t(program().requests));
  transport.reserve(program().requests);
  transport.setTimeout(options.timeout);
  reported.resize(2 * values() + 2);
  collectives.reserve(reported.size());
}

void pprt_context::beginStep(int64_t number) {
  step = number;
  exchanged = false;
  std::fill(reported.begin(), reported.end(), 0.0);
  learningRate = pprt::learningRate(options, step);
  recorder.beginStep(step);
  idChecks.beginStep(step);
}

void pprt_context::endStep() {
  recorder.endStep();
  if (activeRequests)
    throw Error("found " + std::to_string(activeRequests) +
                " transfers without a wait at the end of a step, expected "
                "none" +
                compileAgain);
  if (!exchanged)
    throw Error(std::string("found a step without an exchange of loss and "
                            "norms, expected one") +
                compileAgain);
}

int64_t pprt_context::keyOf(int microbatch) const {
  uint64_t index = uint64_t(step) * uint64_t(description.microbatches) +
                   uint64_t(microbatch);
  return int64_t(philox64(dropoutKey, index, 0));
}

/// The corrections are of the betas as they are in f32: near 1 the difference
/// to what the user wrote is as large as 1 - beta.
template <typename Scalars>
void pprt_context::setAdamW(Scalars &scalars) const {
  const uint64_t t = uint64_t(step) + 1;
  scalars.learningRate = float(learningRate);
  scalars.beta1 = float(options.beta1);
  scalars.beta2 = float(options.beta2);
  scalars.epsilon = float(options.epsilon);
  scalars.correction1 = float(1 - portablePower(scalars.beta1, t));
  scalars.correction2 = float(1 - portablePower(scalars.beta2, t));
}

void pprt_context::runStep(pprt_step_fn function, uint8_t *arena) {
  if (device) {
    runOnDevice(function);
    return;
  }
  int32_t status = function(this, arena);
  if (failure)
    std::rethrow_exception(failure);
  if (status != PPRT_OK)
    throw Error("found the status " + std::to_string(status) +
                " of a step, expected 0" + compileAgain);
}

void pprt_context::runOnDevice(pprt_step_fn function) {
  UpdateScalars scalars;
  setAdamW(scalars);
  scalars.clip = options.clip;
  std::vector<int64_t> keys;
  for (int m = 0; m < description.microbatches; ++m)
    keys.push_back(keyOf(m));
  bool isEnqueued =
      device->run(function, this, *batches, keys, scalars, interruptVote());
  device->throwFailure();
  if (isEnqueued && countsAgree.empty()) {
    // What a step reports is the same in all steps: one look suffices.
    collectives.sum(reported.data(), reported.size());
    countsAgree.assign(reported.begin() + long(values()),
                       reported.begin() + 2 * long(values()));
  }
  exchanged = true;
  std::copy_n(device->results(), values(), reported.begin());
  std::copy(countsAgree.begin(), countsAgree.end(),
            reported.begin() + long(values()));
  idsOutOfRange() = device->results()[values()];
  votes() = device->results()[values() + 1];
  idError = device->idError(step);
  conclude();
}

//===----------------------------------------------------------------------===//
// Transfers
//===----------------------------------------------------------------------===//

void pprt_context::post(int channel, int tag, const void *data, void *buffer,
                        uint64_t bytes, int request) {
  bool isReceive = buffer != nullptr;
  if (channel < 0 || size_t(channel) >= description.channels.size() ||
      request < 0 || size_t(request) >= requests.size())
    throw Error("found a transfer on channel " + std::to_string(channel) +
                " with request " + std::to_string(request) + ", expected " +
                std::to_string(description.channels.size()) + " channels and " +
                std::to_string(requests.size()) + " requests" + compileAgain);
  const Channel &edge = description.channels[channel];
  const int own = transport.rank();
  if ((isReceive ? edge.destination : edge.source) !=
      description.mesh.pipeOf(own))
    throw Error("found a transfer on channel " + std::to_string(channel) +
                ", which is not an edge of this rank" + compileAgain);
  if (tag < 0)
    throw Error("found the tag " + std::to_string(tag) +
                ", expected one that MPI can carry" + compileAgain);
  // Channels join coordinates; those on other axes are the rank's own.
  const int peer = description.mesh.rankWith(
      own, "pipe", isReceive ? edge.source : edge.destination);
  Request &info = requests[request];
  if (info.active)
    throw Error("found request " + std::to_string(request) +
                " started twice without a wait" + compileAgain);
  info = {channel, tag, recorder.currentAction(), bytes, isReceive, true};
  if (layerTimes)
    layerTimes->noteBytes(info.action, bytes);
  ++activeRequests;
  if (device) {
    Transfer transfer;
    transfer.channel = channel;
    transfer.peer = peer;
    transfer.tag = tag;
    transfer.action = info.action;
    transfer.isReceive = isReceive;
    transfer.data =
        static_cast<uint8_t *>(isReceive ? buffer : const_cast<void *>(data));
    transfer.bytes = bytes;
    device->start(request, transfer);
    return;
  }
  if (isReceive)
    transport.irecv(request, peer, tag, buffer, bytes);
  else
    transport.isend(request, peer, tag, data, bytes);
}

void pprt_context::wait(int request) {
  if (request < 0 || size_t(request) >= requests.size() ||
      !requests[request].active)
    throw Error("found a wait for request " + std::to_string(request) +
                ", which was not started" + compileAgain);
  uint64_t begin = nowNs();
  TransferTimes times;
  Request &info = requests[request];
  try {
    if (device)
      device->wait(request, info.action);
    else
      times = transport.wait(request);
  } catch (const TimeoutError &) {
    throwTimeout(request);
  }
  info.active = false;
  --activeRequests;
  if (device)
    return;
  const uint64_t end = nowNs();
  if (emulation)
    emulation->noteWait(end - begin);
  recorder.add(Event::Wait, begin, end, info.action);
  recorder.add(Event::Transfer, times.posted, times.completed, info.action);
}

static std::string seconds(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%g", value);
  return text;
}

void pprt_context::throwTimeout(int request) const {
  const Request &info = requests[request];
  const Channel &edge = description.channels[info.channel];
  std::string what = info.isReceive ? "receive" : "send";
  if (info.action >= 0) {
    const Action &action = program().actions[info.action];
    if (!action.name.empty())
      what += " of '" + action.name + "'";
    if (action.stage >= 0)
      what += ", stage " + std::to_string(action.stage);
    if (action.microbatch >= 0)
      what += ", micro-batch " + std::to_string(action.microbatch);
  }
  const int own = transport.rank();
  const Mesh &mesh = description.mesh;
  const int source = mesh.rankWith(own, "pipe", edge.source);
  const int destination = mesh.rankWith(own, "pipe", edge.destination);
  throw TimeoutError(
      "found a transfer that took longer than " + seconds(options.timeout) +
      " s in step " + std::to_string(step) + ": " + what + " (" +
      std::to_string(info.bytes) + " bytes, tag " + std::to_string(info.tag) +
      ") on the edge from " + mesh.describe(source) + " to " +
      mesh.describe(destination) + ", expected rank " +
      std::to_string(info.isReceive ? source : destination) +
      " to take part: see what it does, or raise "
      "--timeout");
}

//===----------------------------------------------------------------------===//
// Loss, norms, update
//===----------------------------------------------------------------------===//

void pprt_context::reportLoss(int microbatch, const float *value) {
  if (microbatch < 0 || microbatch >= description.microbatches)
    throw Error("found a loss of micro-batch " + std::to_string(microbatch) +
                ", expected one of " +
                std::to_string(description.microbatches) + compileAgain);
  if (device)
    device->loss(microbatch, value);
  else
    reported[size_t(microbatch)] = emulation ? 0 : *value;
  reported[values() + size_t(microbatch)] += 1;
}

void pprt_context::checkParameter(int parameter, uint64_t n) const {
  if (parameter < 0 || size_t(parameter) >= description.parameters.size() ||
      description.parameters[parameter].elements != n)
    throw Error("found parameter " + std::to_string(parameter) + " with " +
                std::to_string(n) + " elements, expected one of the model's" +
                compileAgain);
}

void pprt_context::reportSquareNorm(int parameter, const float *gradient,
                                    uint64_t n) {
  checkParameter(parameter, n);
  size_t slot = size_t(description.microbatches) + size_t(parameter);
  if (device)
    device->squareNorm(parameter, gradient, n);
  else
    reported[slot] = emulation ? 0 : sumOfSquares(gradient, n);
  reported[values() + slot] += 1;
}

void pprt_context::exchange() {
  if (device) {
    device->exchange();
    exchanged = true;
    return;
  }
  idError = idChecks.take();
  idsOutOfRange() = idError.empty() ? 0 : 1;
  votes() = interruptVote();
  uint64_t begin = nowNs();
  try {
    collectives.sum(reported.data(), reported.size());
  } catch (const TimeoutError &) {
    throw TimeoutError("found an exchange of loss and norms that took longer "
                       "than " +
                       seconds(options.timeout) + " s in step " +
                       std::to_string(step) +
                       ", expected all ranks to take part: see what they do, "
                       "or raise --timeout");
  }
  recorder.add(Event::Exchange, begin, nowNs(), recorder.currentAction());
  exchanged = true;
  conclude();

  setAdamW(adamWStep);
}

/// What follows from the losses and norms of all ranks.
void pprt_context::conclude() {
  const double *losses = reported.data();
  const double *norms = losses + description.microbatches;
  const double *times = reported.data() + values();
  for (size_t i = 0; i < values(); ++i)
    if (times[i] != 1)
      throw Error("found a loss or gradient norm reported " +
                  std::to_string(int(times[i])) +
                  " times in a step, expected once" + compileAgain);
  checkIds();
  checkFinite(losses, norms);
  endingSignal = signalOfVotes(votes());

  const int microbatches = description.microbatches;
  double lossSum = 0, normSum = 0;
  for (int m = 0; m < microbatches; ++m)
    lossSum += losses[m];
  for (size_t i = 0; i < description.parameters.size(); ++i)
    normSum += norms[i];
  loss = lossSum / microbatches;
  gradientNorm = std::sqrt(normSum) / microbatches;

  double clip = options.clip > 0 && gradientNorm > options.clip
                    ? options.clip / gradientNorm
                    : 1.0;
  adamWStep.gradientScale = float(clip / microbatches);
}

/// All ranks know that one of them has found an id out of range; that one says
/// which.
void pprt_context::checkIds() {
  if (idsOutOfRange() == 0)
    return;
  collectives.agree(idError.empty() ? idError
                                    : idError + "; nothing was updated");
}

/// Runs on the same numbers on every rank, so that all of them stop.
void pprt_context::checkFinite(const double *losses,
                               const double *norms) const {
  const char *remedy = ", expected a finite number: lower --lr, lengthen "
                       "--warmup or set --clip; nothing was updated";
  auto text = [](double value) {
    return std::isnan(value) ? std::string("nan")
                             : std::string(value < 0 ? "-inf" : "inf");
  };
  for (int m = 0; m < description.microbatches; ++m)
    if (!std::isfinite(losses[m]))
      throw Error("found the loss " + text(losses[m]) + " in micro-batch " +
                  std::to_string(m) + " of step " + std::to_string(step) +
                  remedy);
  for (size_t i = 0; i < description.parameters.size(); ++i)
    if (!std::isfinite(norms[i]))
      throw Error("found the gradient norm " + text(norms[i]) +
                  " of parameter '" + description.parameters[i].name +
                  "' in step " + std::to_string(step) + remedy);
}

void pprt_context::update(int parameter, float *p, const float *g, float *m,
                          float *v, uint64_t n, uint16_t *copy) {
  checkParameter(parameter, n);
  if (!exchanged)
    throw Error(std::string("found an update before the exchange of norms") +
                compileAgain);
  if (emulation)
    return;
  float decay = description.parameters[parameter].decay
                    ? float(options.weightDecay)
                    : 0.0f;
  if (device) {
    device->update(p, g, m, v, decay, n, copy);
    return;
  }
  if (options.optimizer == Optimizer::Sgd) {
    sgd(adamWStep.gradientScale, adamWStep.learningRate, decay, p, g, n);
    return;
  }
  AdamWStep own = adamWStep;
  own.weightDecay = decay;
  adamW(own, p, g, m, v, n);
}
