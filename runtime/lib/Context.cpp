#include "Context.h"

#include "Checkpoints.h"
#include "Clock.h"
#include "Error.h"
#include "Initialization.h"
#include "Interrupt.h"
#include "LearningRate.h"
#include "Philox.h"
#include "PortableMath.h"

#include <cmath>
#include <utility>

using namespace pprt;

static const char *const compileAgain = ": compile the program again";

pprt_context::pprt_context(const BackendSetup &setup, Backend &backend,
                           const pprt_function *functions)
    : pprt_context_head{!backend.computes()}, description(setup.description),
      options(setup.options), bootstrap(setup.bootstrap),
      recorder(setup.recorder), backend(backend),
      dropoutKey(streamKey(options.seed, "dropout")), report(description),
      replica(description.mesh.coordinate(setup.bootstrap.rank(), "data")),
      functions(functions),
      optimizer(description.findOptimizer(options.optimizer)),
      states(findStates(description, program(), optimizer)) {
  requests.resize(size_t(program().requests));
  bootstrap.setTimeout(options.timeout);
  world = createHostCommunicator(
      bootstrap, Group::all(description.mesh, bootstrap.rank()), 1);
  const Collective sum{
      Collective::AllReduce, ElementType::F64, {report.size()}};
  world->prepare(0, sum);
  worldWorkspace.resize(sum.workspaceBytes(world->size()));
  if (auto axes = description.axesOfEqualSamples(); !axes.empty()) {
    parts = createHostCommunicator(
        bootstrap,
        Group::along(description.mesh, bootstrap.rank(), std::move(axes)), 1);
    parts->prepare(0, sum);
    worldWorkspace.resize(std::max(worldWorkspace.size(),
                                   size_t(sum.workspaceBytes(parts->size()))));
  }
  collectives.resize(program().collectives.size());
  for (const OwnStates &each : states)
    operands.reserve(each.offsets.size() + 5);
}

pprt_context::~pprt_context() {
  // After a failure others may still read the report.
  bool isFree = world->abort();
  isFree &= !parts || parts->abort();
  if (!isFree)
    bootstrap.keepUntilEnd(
        std::make_shared<std::pair<StepReport, std::vector<char>>>(
            std::move(report), std::move(worldWorkspace)));
}

std::vector<pprt_context::OwnStates>
pprt_context::findStates(const Description &description, const Program &program,
                         size_t optimizer) {
  std::vector<OwnStates> result(description.parameters.size());
  for (const HeldParameter &held : program.parameters) {
    if (!held.owned)
      continue;
    OwnStates &own = result[size_t(held.index)];
    own.isOwn = true;
    if (description.parameters[size_t(held.index)].isBF16)
      own.master = held.masterOffset;
  }
  if (description.optimizers.empty())
    return result;
  for (const std::string &kind : description.optimizers[optimizer].states)
    for (const HeldState &held : program.states) {
      const State &state = description.states[size_t(held.index)];
      if (state.kind == kind)
        result[size_t(state.parameter)].offsets.push_back(held.offset);
    }
  return result;
}

void pprt_context::beginStep(int64_t number) {
  step = number;
  reportReduced = false;
  report.clear();
  learningRate = pprt::learningRate(options, step);
  setScalars();
  recorder.beginStep(step);
}

void pprt_context::endStep() {
  recorder.endStep();
  checkDone();
}

void pprt_context::runEvaluation(pprt_step_fn function, LossSum &sum) {
  const double lossOfStep = loss, normOfStep = gradientNorm;
  LayerTimes *const layers = std::exchange(layerTimes, nullptr);
  recorder.pause();
  isEvaluating = true;
  reportReduced = false;
  report.clear();
  runStep(function);
  checkDone();
  isEvaluating = false;
  recorder.resume();
  layerTimes = layers;
  loss = lossOfStep;
  gradientNorm = normOfStep;
  for (int m = 0; m < description.allMicrobatches(); ++m) {
    const double weight =
        description.hasLossWeights ? report.data()[report.weightAt(m)] : 1;
    sum.losses += weight * report.data()[m];
    sum.count += weight;
  }
}

void pprt_context::checkDone() const {
  if (activeRequests)
    throw Error("found " + std::to_string(activeRequests) +
                " transfers without a wait at the end of a step, expected "
                "none" +
                compileAgain);
  if (activeCollectives)
    throw Error("found " + std::to_string(activeCollectives) +
                " collectives under way at the end of a step, expected none" +
                compileAgain);
  if (!reportReduced)
    throw Error(std::string("found a step without an all-reduce of loss and "
                            "norms, expected one") +
                compileAgain);
}

int64_t pprt_context::keyOf(int microbatch) const {
  if (isEvaluating)
    return 0; // under which nothing is dropped
  uint64_t index = uint64_t(step) * uint64_t(description.allMicrobatches()) +
                   uint64_t(numberOf(microbatch));
  return int64_t(philox64(dropoutKey, index, 0));
}

/// The corrections are of the betas as they are in f32: near 1 the difference
/// to what the user wrote is as large as 1 - beta.
void pprt_context::setScalars() {
  const uint64_t t = uint64_t(step) + 1;
  pprt_scalars &scalars = numbers.scalars;
  scalars.learning_rate = float(learningRate);
  scalars.weight_decay = float(options.weightDecay);
  scalars.beta1 = float(options.beta1);
  scalars.beta2 = float(options.beta2);
  scalars.epsilon = float(options.epsilon);
  scalars.correction1 = float(1 - portablePower(scalars.beta1, t));
  scalars.correction2 = float(1 - portablePower(scalars.beta2, t));
  numbers.clip = options.clip;
}

void pprt_context::runStep(pprt_step_fn function) {
  backend.runStep(*this, function);
  if (failure)
    std::rethrow_exception(failure);
}

/// Errors of a step get the place where they were found, if the backend says
/// one.
void pprt_context::keepFailure() {
  try {
    throw;
  } catch (const TimeoutError &) {
    failure = std::current_exception();
  } catch (const Error &error) {
    failure =
        std::make_exception_ptr(Error(error.what() + backend.place(*this)));
  } catch (...) {
    failure = std::current_exception();
  }
}

//===----------------------------------------------------------------------===//
// Actions and data
//===----------------------------------------------------------------------===//

void pprt_context::checkAction(int action) const {
  const size_t count = program().allActions();
  if (action < 0 || size_t(action) >= count)
    throw Error("found action " + std::to_string(action) +
                ", expected one of " + std::to_string(count) + compileAgain);
}

void pprt_context::actionBegin(int action) {
  checkAction(action);
  backend.actionBegin(action);
}

void pprt_context::actionEnd(int action) {
  checkAction(action);
  backend.actionEnd(action);
}

const void *pprt_context::data(int input, int microbatch) {
  if (input < 0 || size_t(input) >= description.inputs.size() ||
      microbatch < 0 || microbatch >= description.microbatches)
    throw Error("found input " + std::to_string(input) + " of micro-batch " +
                std::to_string(microbatch) +
                ", which the program does not have: compile it again");
  return backend.data(input, microbatch);
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
  const int own = bootstrap.rank();
  if ((isReceive ? edge.destination : edge.source) !=
      description.mesh.pipeOf(own))
    throw Error("found a transfer on channel " + std::to_string(channel) +
                ", which is not an edge of this rank" + compileAgain);
  if (tag < 0)
    throw Error("found the tag " + std::to_string(tag) +
                ", expected one that MPI can carry" + compileAgain);
  // Channels join coordinates on pipe: members of the rank's group along it.
  const int peer = isReceive ? edge.source : edge.destination;
  Request &info = requests[request];
  if (info.active)
    throw Error("found request " + std::to_string(request) +
                " started twice without a wait" + compileAgain);
  info = {channel, tag, recorder.currentAction(), bytes, isReceive, true};
  if (layerTimes)
    layerTimes->noteBytes(info.action, bytes);
  ++activeRequests;
  Transfer transfer;
  transfer.channel = channel;
  transfer.peer = peer;
  transfer.tag = tag;
  transfer.action = info.action;
  transfer.isReceive = isReceive;
  transfer.data =
      static_cast<uint8_t *>(isReceive ? buffer : const_cast<void *>(data));
  transfer.bytes = bytes;
  backend.start(request, transfer);
}

void pprt_context::wait(int request) {
  if (request < 0 || size_t(request) >= requests.size() ||
      !requests[request].active)
    throw Error("found a wait for request " + std::to_string(request) +
                ", which was not started" + compileAgain);
  Request &info = requests[request];
  try {
    backend.wait(request, info.action);
  } catch (const TimeoutError &) {
    throwTimeout(request);
  }
  info.active = false;
  --activeRequests;
}

pprt_context::StartedCollective &pprt_context::collectiveAt(int collective,
                                                            bool isActive) {
  if (collective >= 0 && size_t(collective) < collectives.size() &&
      collectives[size_t(collective)].isActive == isActive)
    return collectives[size_t(collective)];
  throw Error("found " + std::string(isActive ? "an end" : "a start") +
              " of collective " + std::to_string(collective) +
              ", expected one of the program's " +
              std::to_string(collectives.size()) + " that is " +
              (isActive ? "" : "not ") + "under way" + compileAgain);
}

void pprt_context::startCollective(int collective, const void *in, void *out,
                                   void *workspace) {
  StartedCollective &started = collectiveAt(collective, /*isActive=*/false);
  started.isActive = true;
  started.action = recorder.currentAction();
  ++activeCollectives;
  backend.startCollective(collective, in, out, workspace);
}

void pprt_context::finishCollective(int collective) {
  StartedCollective &started = collectiveAt(collective, /*isActive=*/true);
  try {
    backend.finishCollective(collective, started.action);
  } catch (const TimeoutError &error) {
    throw TimeoutError(error.what() + std::string("; ") +
                       program().collectives[size_t(collective)].describe() +
                       " in step " + std::to_string(step));
  }
  started.isActive = false;
  --activeCollectives;
}

static const ProgramCollective &layerCollective(const Description &description,
                                                int collective) {
  const std::vector<ProgramCollective> &all = description.layerCollectives;
  if (collective < 0 || size_t(collective) >= all.size())
    throw Error("found collective " + std::to_string(collective) +
                " in a layer, expected one of the program's " +
                std::to_string(all.size()) + compileAgain);
  return all[size_t(collective)];
}

void pprt_context::startLayerCollective(int collective, const void *in,
                                        void *out, void *workspace) {
  layerCollective(description, collective);
  backend.startLayerCollective(collective, in, out, workspace);
}

void pprt_context::finishLayerCollective(int collective) {
  const ProgramCollective &finished = layerCollective(description, collective);
  try {
    backend.finishLayerCollective(collective);
  } catch (const TimeoutError &error) {
    throw TimeoutError(error.what() + std::string("; ") + finished.describe() +
                       " in step " + std::to_string(step));
  }
}

int64_t pprt_context::coordinateOn(const char *axes) const {
  int64_t number = 0;
  for (std::string_view rest = axes; !rest.empty();) {
    const size_t end = std::min(rest.find(','), rest.size());
    const std::string_view axis = rest.substr(0, end);
    number = number * description.mesh.sizeOf(axis) +
             description.mesh.coordinate(bootstrap.rank(), axis);
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return number;
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
    const Action &action = program().actionAt(size_t(info.action));
    if (!action.name.empty())
      what += " of '" + action.name + "'";
    if (action.stage >= 0)
      what += ", stage " + std::to_string(action.stage);
    if (action.microbatch >= 0)
      what += ", micro-batch " + std::to_string(action.microbatch);
  }
  const int own = bootstrap.rank();
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

bool pprt_context::reportsLoss(int microbatch) const {
  if (microbatch < 0 || microbatch >= description.microbatches)
    throw Error("found a loss of micro-batch " + std::to_string(microbatch) +
                ", expected one of " +
                std::to_string(description.microbatches) + compileAgain);
  return description.isFirstOfEqual(bootstrap.rank(), nullptr);
}

void pprt_context::reportValue(size_t place, const float *value) {
  backend.report(*this, place, value);
  report.timesReported()[place] += 1;
}

void pprt_context::reportLoss(int microbatch, const float *value) {
  if (reportsLoss(microbatch))
    reportValue(size_t(numberOf(microbatch)), value);
}

void pprt_context::reportLossWeight(int microbatch, const float *value) {
  if (!description.hasLossWeights)
    throw Error(std::string("found the weight of a loss in a program whose "
                            "losses have none") +
                compileAgain);
  if (reportsLoss(microbatch))
    reportValue(report.weightAt(numberOf(microbatch)), value);
}

const Parameter &pprt_context::parameterAt(int parameter) const {
  if (parameter >= 0 && size_t(parameter) < description.parameters.size())
    return description.parameters[size_t(parameter)];
  throw Error("found parameter " + std::to_string(parameter) +
              ", expected one of the model's " +
              std::to_string(description.parameters.size()) + compileAgain);
}

void pprt_context::call(int function, const void *const *operands) {
  if (!emulating)
    functions[function](this, operands);
}

void pprt_context::call(int function,
                        std::initializer_list<const void *> operands) {
  call(function, operands.begin());
}

void pprt_context::addGradient(int parameter, float *sum, const float *gradient,
                               int pieces, void *workspace) {
  const Parameter &described = parameterAt(parameter);
  for (int i = 0; i < pieces; ++i) {
    const uint64_t at = described.piece * uint64_t(i);
    call(described.add, {sum + at, gradient + at, workspace});
  }
}

void pprt_context::reportSquareNorm(int parameter, const float *gradient,
                                    void *workspace) {
  const Parameter &described = parameterAt(parameter);
  if (!description.isFirstOfEqual(bootstrap.rank(), &described))
    return;
  // Of a parameter in parts each adds its own; the report counts one.
  const bool counts = description.isFirstOfEqual(bootstrap.rank(), nullptr);
  // The blocks of this replica's piece.
  const int blocks = description.groups / description.replicas();
  for (int i = 0; i < blocks; ++i) {
    const int block = replica * blocks + i;
    const float *of =
        gradient + described.piece / uint64_t(blocks) * uint64_t(i);
    double *norm =
        backend.memory(*this).values + report.normAt(parameter, block);
    call(described.norm, {of, norm, workspace});
    report.timesNormReported(parameter, block) += counts;
  }
}

void pprt_context::allReduceReport(void *workspace) {
  backend.allReduceReport(*this, workspace);
  reportReduced = true;
}

void pprt_context::callConclude(void *workspace) {
  const StepMemory memory = backend.memory(*this);
  call(description.conclude,
       {memory.values, &memory.numbers->clip, memory.summary,
        &memory.numbers->scalars, workspace});
}

void pprt_context::sumReport() {
  try {
    // Norms of parts first, in the order of coordinates whatever that of ranks;
    // then one rank has what all of its group have.
    if (parts) {
      parts->start(0, report.data(), report.data(), worldWorkspace.data());
      parts->wait(0);
      if (!description.isFirstOfEqual(bootstrap.rank(), nullptr))
        std::fill_n(report.data(), report.size(), 0.0);
    }
    world->start(0, report.data(), report.data(), worldWorkspace.data());
    world->wait(0);
  } catch (const TimeoutError &) {
    throw TimeoutError("found an all-reduce of loss and norms that took longer "
                       "than " +
                       seconds(options.timeout) + " s in step " +
                       std::to_string(step) +
                       ", expected all ranks to take part: see what they do, "
                       "or raise --timeout");
  }
}

void pprt_context::conclude(const double *summary) {
  loss = summary[PPRT_SUMMARY_LOSS];
  gradientNorm = summary[PPRT_SUMMARY_NORM];
}

void pprt_context::vote(double *flags) const {
  flags[PPRT_FLAG_VOTES] = interruptVote();
  if (checkpoints)
    checkpoints->vote(flags);
}

void pprt_context::check() {
  const size_t losses = report.normAt(0, 0); // and their weights
  for (size_t i = 0; i < report.values(); ++i) {
    const int expected = i < losses || !isEvaluating ? 1 : 0;
    if (report.timesReported()[i] != expected)
      throw Error("found a loss or gradient norm reported " +
                  std::to_string(int(report.timesReported()[i])) +
                  " times in " + (isEvaluating ? "an evaluation" : "a step") +
                  ", expected " + (expected ? "once" : "none") + compileAgain);
  }
  checkIds();
  // What an evaluation finds says nothing of the step, nor when it ends.
  if (isEvaluating)
    return;
  checkFinite();
  std::copy_n(report.flags(), PPRT_NUM_FLAGS, flags);
  endingSignal = signalOfVotes(flags[PPRT_FLAG_VOTES]);
}

/// All ranks know that one of them has found an id out of range; that one says
/// which.
void pprt_context::checkIds() {
  if (report.idsOutOfRange() == 0)
    return;
  const char *after =
      isEvaluating ? " of an evaluation" : "; nothing was updated";
  bootstrap.agree(report.idError.empty() ? "" : report.idError + after);
}

void pprt_context::checkWeights() const {
  for (int m = 0; m < description.allMicrobatches(); ++m) {
    const double weight = report.data()[report.weightAt(m)];
    if (!std::isfinite(weight) || weight < 0)
      throw Error("found the weight " + std::to_string(weight) +
                  " of the loss in micro-batch " + std::to_string(m) +
                  " of step " + std::to_string(step) +
                  ", expected a finite number of at least 0: correct the "
                  "second result of the model; nothing was updated");
  }
}

/// Runs on the same numbers on every rank, so that all of them stop.
void pprt_context::checkFinite() const {
  const double *losses = report.data();
  const int microbatches = description.allMicrobatches();
  const char *remedy = ", expected a finite number: lower --lr, lengthen "
                       "--warmup or set --clip; nothing was updated";
  auto text = [](double value) {
    return std::isnan(value) ? std::string("nan")
                             : std::string(value < 0 ? "-inf" : "inf");
  };
  for (int m = 0; m < microbatches; ++m)
    if (!std::isfinite(losses[m]))
      throw Error("found the loss " + text(losses[m]) + " in micro-batch " +
                  std::to_string(m) + " of step " + std::to_string(step) +
                  remedy);
  if (description.hasLossWeights)
    checkWeights();
  const size_t firstNorm = report.normAt(0, 0);
  for (size_t i = firstNorm; i < description.reportedValues(); ++i)
    if (!std::isfinite(losses[i]))
      throw Error(
          "found the gradient norm " + text(losses[i]) + " of parameter '" +
          description.parameters[(i - firstNorm) / size_t(description.groups)]
              .name +
          "' in step " + std::to_string(step) + remedy);
}

void pprt_context::update(int parameter, void *p, const float *gradient,
                          void *workspace) {
  const int function = parameterAt(parameter).updates[optimizer];
  const OwnStates &own = states[size_t(parameter)];
  if (!own.isOwn)
    throw Error("found an update of parameter '" +
                description.parameters[size_t(parameter)].name +
                "' on another rank than its owner" + compileAgain);
  if (!reportReduced)
    throw Error(std::string("found an update before the all-reduce of norms") +
                compileAgain);
  const Parameter &described = description.parameters[size_t(parameter)];
  if (described.isCut)
    p = pieceAt(p, described.piece * (described.isBF16 ? 2 : 4));
  const StepMemory memory = backend.memory(*this);
  operands.clear();
  operands.push_back(own.master ? memory.arena + *own.master : p);
  operands.push_back(gradient);
  for (uint64_t offset : own.offsets)
    operands.push_back(memory.arena + offset);
  operands.push_back(&memory.numbers->scalars);
  if (own.master)
    operands.push_back(p);
  operands.push_back(workspace);
  call(function, operands.data());
}
