//===- Trainer.cpp - A run from the command line to the last step ---------===//
//
// Before the first step all ranks agree, in this order, that their command
// lines can be read, that there are as many of them as the program was compiled
// for, that programs and options are equal, and that everybody can open what
// has to be read and written. After each of these, errors of any rank are
// printed by rank 0 and all leave.
//
//===----------------------------------------------------------------------===//
#include "Trainer.h"

#include "Arena.h"
#include "AtomicFile.h"
#include "Checkpoints.h"
#include "Clock.h"
#include "ClockSync.h"
#include "Context.h"
#include "Environment.h"
#include "Error.h"
#include "Evaluation.h"
#include "Initialization.h"
#include "Interrupt.h"
#include "ModelDirectory.h"
#include "Parallel.h"
#include "ProfileFile.h"
#include "Progress.h"
#include "Reports.h"
#include "Resume.h"
#include "ResumeOptions.h"
#include "RoundToBF16.h"
#include "TensorBoard.h"
#include "WeightFiles.h"

#include <cmath>
#include <csignal>
#include <cstring>
#include <optional>
#include <sys/resource.h>
#include <unistd.h>

using namespace pprt;

// Of libpprt_kernels; a program without matrix products is linked without it.
extern "C" int32_t pprt_set_kernel_threads(int32_t) __attribute__((weak));
extern "C" const char *pprt_kernels_error(void) __attribute__((weak));

static void checkWorldSize(const Description &description,
                           const Bootstrap &bootstrap) {
  if (bootstrap.size() == description.ranks())
    return;
  // The launcher knows processes.
  const int each = description.ranksPerProcess;
  const int found = bootstrap.size() / each;
  const int expected = description.ranks() / each;
  const std::string one = each == 1 ? "rank" : "process";
  const std::string several = each == 1 ? "ranks" : "processes";
  // The nearest mesh keeps all axes but pipe.
  const int otherAxes = expected / description.mesh.sizeOf("pipe");
  const int pipe = std::max(1, found / otherAxes);
  throw Error(
      "found " + std::to_string(found) + " " + (found == 1 ? one : several) +
      ", expected " + std::to_string(expected) +
      " as the program was compiled for (" + description.mesh.describe() +
      (each == 1 ? "" : ", " + std::to_string(each) + " ranks in a process") +
      "): start it " +
      (expected == 1 ? "without mpirun"
                     : "with mpirun -n " + std::to_string(expected)) +
      " or compile it with --pp=" + std::to_string(pipe) +
      (pipe * otherAxes == found
           ? ""
           : ", for " + std::to_string(pipe * otherAxes) + " " + several));
}

/// Compares `mine` (lines of name and value) with rank 0's.
static std::string
compareWithRank0(const std::vector<std::pair<std::string, std::string>> &mine,
                 Bootstrap &bootstrap, int rank) {
  std::string text;
  for (auto &[name, value] : mine)
    text += name + '\n' + value + '\n';
  uint64_t bytes = text.size();
  bootstrap.broadcast(&bytes, sizeof bytes);
  std::string theirs = text;
  theirs.resize(bytes);
  bootstrap.broadcast(theirs.data(), bytes);
  if (rank == 0 || theirs == text)
    return "";
  size_t at = 0;
  auto line = [&] {
    size_t end = std::min(theirs.find('\n', at), theirs.size());
    std::string result = theirs.substr(at, end - at);
    at = end + 1;
    return result;
  };
  for (auto &[name, value] : mine) {
    std::string theirName = at < theirs.size() ? line() : "";
    std::string theirValue = at < theirs.size() ? line() : "";
    if (theirName != name || theirValue != value)
      return "found " + name + " " + (value.empty() ? "unset" : value) +
             ", expected " + (theirValue.empty() ? "unset" : theirValue) +
             " as on rank 0: start all ranks with the same program, options "
             "and data";
  }
  return "found other options than on rank 0: start all ranks with the same "
         "program, options and data";
}

static std::string hexText(uint64_t value) {
  char text[32];
  std::snprintf(text, sizeof text, "%016llx",
                static_cast<unsigned long long>(value));
  return text;
}

namespace {
/// A run after the agreement on command lines.
class Run {
public:
  Run(const Description &description, const Options &options,
      Bootstrap &bootstrap, const BackendFactory &createBackend)
      : description(description), options(options), bootstrap(bootstrap),
        program(description.programOf(size_t(bootstrap.rank()))),
        optimizer(description.findOptimizer(options.optimizer)),
        recorder(program, /*keepAll=*/!options.trace.empty(),
                 /*keepLast=*/true),
        setup{description, options, bootstrap, recorder},
        backend(createBackend(setup)) {
    if (!description.layerCollectives.empty() &&
        (options.profile || !options.trace.empty() ||
         !options.timeline.empty()))
      recorder.timeCollectives();
  }
  ~Run();

  void prepare();
  void steps(const CompiledCode &compiled, InterruptWatch &watch);
  /// The signal that ended the steps early, 0 if none did.
  int signal() const { return endingSignal; }
  void sayEnd();
  void save() {
    if (!result)
      return;
    backend->download(Backend::Copied::Weights);
    result->write(arena->base(), bootstrap);
  }
  void report();
  int64_t stepsRun() const { return stepsDone - firstStep(); }
  void finish() { isFinished = true; }

private:
  void show(int64_t step, const pprt_context &context, double seconds);
  bool speaks() const { return bootstrap.rank() == 0 && !options.quiet; }
  Measurements gatherMeasurements(RankSteps steps);
  void findResume();
  void openFiles();
  void openCheckpoints();
  void fillPart(const Parameter &parameter, float *part,
                const std::function<void(float *)> &fill);
  void readPart(int index, float *part) const;
  void fillParameters();
  /// Whether any states do not start as zeros.
  bool fillStates();
  /// Of the arena and what the optimizer needs behind it.
  uint64_t plannedBytes() const;
  const Optimizer *chosenOptimizer() const {
    return description.optimizers.empty() ? nullptr
                                          : &description.optimizers[optimizer];
  }
  int64_t firstStep() const { return resume ? resume->index().step : 0; }
  void prepareKernels();
  void noteFewCores();
  void noteGuessedBytes();
  /// --kernel-times, of this rank.
  std::string kernelTimesPath() const {
    return options.kernelTimes +
           (bootstrap.rank() ? "." + std::to_string(bootstrap.rank()) : "");
  }

  const Description &description;
  const Options &options;
  Bootstrap &bootstrap;
  std::shared_ptr<Arena> arena;
  const Program &program;
  const size_t optimizer; ///< of the description's
  const Environment environment;

  Recorder recorder;
  const BackendSetup setup;
  std::unique_ptr<Backend> backend;
  bool isFinished = false;
  std::optional<DataSet> data;
  std::optional<WeightFiles> weights;
  std::optional<ModelFiles> modelFiles; ///< beside weights; on rank 0
  std::optional<ModelDirectory> result; ///< of --save
  std::optional<Batches> batches;
  std::optional<Evaluation> evaluation;
  std::optional<Metrics> metrics;
  std::optional<TensorBoard> tensorBoard;
  std::optional<Progress> progress;
  std::optional<Resume> resume;
  std::string loadedFrom; ///< a directory of weights, or empty
  std::optional<Checkpoints> checkpoints;
  std::optional<LayerTimes> layerTimes;
  ClockPoint clockBegin;
  AllocationCounts allocations;
  double lastLoss = 0, trainingSeconds = 0;
  int64_t stepsDone = 0;
  int endingSignal = 0;
};
} // namespace

/// What rank 0 finds is what all go on from.
void Run::findResume() {
  std::string path;
  bootstrap.agreeAfter([&] {
    if (bootstrap.rank() == 0)
      path = findCheckpoint(options);
  });
  uint64_t length = path.size();
  bootstrap.broadcast(&length, sizeof length);
  path.resize(length);
  bootstrap.broadcast(path.data(), length);
  loadedFrom = path.empty() ? options.load : path;
  if (!path.empty() && !options.resumeWeightsOnly)
    bootstrap.agreeAfter([&] {
      resume.emplace(path);
      if (resume->index().step > options.steps)
        throw Error("found the checkpoint '" + path + "' after " +
                    std::to_string(resume->index().step) +
                    " steps, expected at most the " +
                    std::to_string(options.steps) +
                    " of --steps: give a larger --steps");
    });
}

/// With the data open, which the checkpoints of a run belong to.
void Run::openCheckpoints() {
  const CheckpointIndex run =
      describeRun(description, options, batches ? batches->identity() : "");
  if (resume) {
    resume->check(description, chosenOptimizer(), run);
    batches->startAt(resume->index().step, resume->index().samples);
    if (bootstrap.rank() == 0)
      for (const std::string &line : resume->notes(run))
        std::fprintf(stderr, "note: %s\n", line.c_str());
  }
  if (options.checkpoint.empty())
    return;
  checkpoints.emplace(description, options, bootstrap, optimizer,
                      [this](const std::string &directory) {
                        modelFiles->write(directory, ValueType::F32);
                      });
  checkpoints->describeRun(run);
  checkpoints->prepare();
  if (resume)
    checkpoints->beginFrom(resume->index().step, resume->directory());
}

void Run::openFiles() {
  if (backend->computes()) {
    data.emplace(options.data);
    batches.emplace(*data, description, options.seed,
                    description.mesh.coordinate(bootstrap.rank(), "data"));
    backend->useData(*batches);
  }
  if (!options.evalData.empty())
    evaluation.emplace(description, options, bootstrap.rank());
  if (!options.kernelTimes.empty())
    checkCanCreate(kernelTimesPath());
  if (!loadedFrom.empty())
    weights.emplace(loadedFrom, description.parameters);
  if (bootstrap.rank() == 0 &&
      !(options.save.empty() && options.checkpoint.empty()))
    modelFiles.emplace(description.config, loadedFrom, options.tokenizer);
  if (!options.save.empty())
    result.emplace(options, description, modelFiles ? &*modelFiles : nullptr);
  openCheckpoints();
  if (bootstrap.rank() != 0)
    return;
  metrics.emplace(options.metrics, firstStep());
  tensorBoard.emplace(options.tensorBoard);
  if (!options.trace.empty())
    checkCanCreate(options.trace);
  if (!options.timeline.empty())
    checkCanCreate(options.timeline);
  if (!options.profileOut.empty()) {
    if (description.ranksPerProcess > 1)
      throw Error("found --profile-out with " +
                  std::to_string(description.ranksPerProcess) +
                  " ranks in a process, whose times have the others' turns in "
                  "them, expected one: compile with --tensor-groups of --tp");
    checkCanCreate(options.profileOut);
  }
  if (environment.countAllocations && !canCountAllocations())
    throw Error("found PPRT_COUNT_ALLOCATIONS in a build with a sanitizer, "
                "expected none: unset it");
}

/// Throws Error where a finite value is infinite in bf16.
static void roundParameter(const Parameter &parameter, const float *values,
                           uint16_t *rounded) {
  roundToBF16(values, rounded, parameter.elements);
  for (uint64_t i = 0; i < parameter.elements; ++i)
    if ((rounded[i] & 0x7fff) == 0x7f80 && std::isfinite(values[i]))
      throw Error("found the value " + std::to_string(values[i]) +
                  " in parameter '" + parameter.name +
                  "', which is infinite in bf16, expected at most 3.38e38: "
                  "start from smaller values, or compile with "
                  "--precision=f32");
}

/// Writes this rank's part of what `fill` makes of the whole: elements are what
/// they are wherever they are.
void Run::fillPart(const Parameter &parameter, float *part,
                   const std::function<void(float *)> &fill) {
  if (parameter.sharding.empty())
    return fill(part);
  std::vector<float> whole(parameter.wholeElements());
  fill(whole.data());
  std::fill_n(part, parameter.elements, 0.0f);
  forEachRun(parameter, description.mesh, bootstrap.rank(),
             [&](uint64_t from, uint64_t to, uint64_t count) {
               std::copy_n(whole.data() + from, count, part + to);
             });
}

/// Reads this rank's part of a parameter, and nothing else of it.
void Run::readPart(int index, float *part) const {
  const Parameter &parameter = description.parameters[size_t(index)];
  if (parameter.sharding.empty())
    return weights->read(index, 0, parameter.elements, part);
  std::fill_n(part, parameter.elements, 0.0f);
  forEachRun(parameter, description.mesh, bootstrap.rank(),
             [&](uint64_t from, uint64_t to, uint64_t count) {
               weights->read(index, from, count, part + to);
             });
}

/// A parameter of bf16 is its rounded master. Who does not own it has none, and
/// rounds the same values.
void Run::fillParameters() {
  for (const HeldParameter &held : program.parameters) {
    const Parameter &parameter = description.parameters[held.index];
    uint8_t *place = arena->base() + held.offset;
    std::vector<float> temporary;
    float *values = reinterpret_cast<float *>(place);
    if (parameter.isBF16 && held.owned && !parameter.isCut) {
      values = reinterpret_cast<float *>(arena->base() + held.masterOffset);
    } else if (parameter.isBF16) {
      temporary.resize(parameter.elements);
      values = temporary.data();
    }
    if (weights)
      readPart(held.index, values);
    else
      fillPart(parameter, values, [&](float *whole) {
        initialize(parameter.init, parameter.name, parameter.wholeElements(),
                   options.seed, whole);
      });
    if (parameter.isBF16)
      roundParameter(parameter, values, reinterpret_cast<uint16_t *>(place));
    if (parameter.isBF16 && held.owned && parameter.isCut) {
      const Description::Updated own =
          description.updatedBy(bootstrap.rank(), held);
      std::memcpy(arena->base() + own.offset, values + own.first, own.bytes);
    }
  }
  weights.reset();
}

/// Those of other optimizers have no place.
bool Run::fillStates() {
  if (resume) {
    if (const Optimizer *chosen = chosenOptimizer())
      resume->readStates(description, *chosen, bootstrap.rank(), arena->base());
    return true;
  }
  bool isAny = false;
  if (!chosenOptimizer())
    return isAny;
  for (const HeldState &held :
       description.statesOf(program, *chosenOptimizer())) {
    const State &state = description.states[size_t(held.index)];
    if (!state.init->isNotZero())
      continue;
    const Parameter &parameter =
        description.parameters[size_t(state.parameter)];
    std::vector<float> values(parameter.elements);
    fillPart(parameter, values.data(), [&](float *whole) {
      initialize(*state.init, state.name, parameter.wholeElements(),
                 options.seed, whole);
    });
    const Parameter::Range own = parameter.updatedBy(
        description.mesh.coordinate(bootstrap.rank(), "data"));
    std::copy_n(values.begin() + long(own.begin), own.count,
                reinterpret_cast<float *>(arena->base() + held.offset));
    isAny = true;
  }
  return isAny;
}

uint64_t Run::plannedBytes() const {
  const uint64_t states =
      description.stateBytes(program, description.optimizers[optimizer]);
  return states ? program.optimizerOffset + states : program.arenaBytes;
}

/// A model for tokens of a tokenizer rarely means bytes.
void Run::noteGuessedBytes() {
  if (bootstrap.rank() != 0 || description.vocabulary <= 256 ||
      description.vocabulary == Description::unbounded)
    return;
  for (size_t i = 0; data && i < data->size(); ++i)
    if (data->file(i).isGuessed())
      std::fprintf(stderr,
                   "note: found no header in '%s': its bytes are the tokens, "
                   "256 of the model's vocabulary of %lld; --token-format says "
                   "what else it holds\n",
                   data->file(i).path().c_str(),
                   static_cast<long long>(description.vocabulary));
}

/// mpirun binds few ranks to one core each, where more threads are no help.
void Run::noteFewCores() {
  const int cores = int(availableCores());
  if (bootstrap.rank() == 0 && cores < options.threads)
    std::fprintf(stderr,
                 "note: found %d threads on %d cores for each rank; mpirun's "
                 "--bind-to none gives a rank all cores\n",
                 options.threads, cores);
}

/// Instruction set and threads of the kernels on the host, which a program
/// without matrix products is linked without.
void Run::prepareKernels() {
  if (const char *error = pprt_kernels_error ? pprt_kernels_error() : nullptr)
    throw Error(error);
  if (!pprt_set_kernel_threads)
    return;
  if (int error = pprt_set_kernel_threads(options.threads))
    throw Error("cannot start " + std::to_string(options.threads) +
                " threads: " + std::strerror(error) +
                "; give a smaller --threads");
}

Run::~Run() { backend->teardown(/*hasFailed=*/!isFinished); }

void Run::prepare() {
  findResume();
  bootstrap.agreeAfter([&] { openFiles(); });
  if (data) {
    std::vector<std::pair<std::string, std::string>> mine;
    for (size_t i = 0; i < data->size(); ++i)
      mine.emplace_back("a data file with fingerprint",
                        hexText(data->file(i).fingerprint()));
    if (evaluation)
      mine.emplace_back("data to evaluate with fingerprint",
                        hexText(evaluation->fingerprint()));
    bootstrap.agree(compareWithRank0(mine, bootstrap, bootstrap.rank()));
  }
  bool hasStates = false;
  bootstrap.agreeAfter([&] {
    arena = std::make_shared<Arena>(plannedBytes());
    // Pages that nothing is written to take no memory.
    if (backend->computes()) {
      fillParameters();
      hasStates = fillStates();
    }
    if (!options.profileOut.empty())
      layerTimes.emplace(description, program, profileWarmUp, timelineWindow);
  });
  backend->prepare(arena);
  backend->upload(hasStates ? Backend::Copied::WeightsAndStates
                            : Backend::Copied::Weights);
  bootstrap.agreeAfter([&] { prepareKernels(); });
  noteFewCores();
  noteGuessedBytes();
  clockBegin = compareClocks(bootstrap);
  if (!speaks())
    return;
  uint64_t elements = 0;
  bool anyBF16 = false;
  for (const Parameter &parameter : description.parameters) {
    elements += parameter.wholeElements();
    anyBF16 |= parameter.isBF16;
  }
  // Ranks that are more than stages and replicas say.
  const bool isShared = !description.axesOfEqualSamples().empty();
  std::string mesh = isShared ? description.mesh.describe() : "";
  if (description.ranksPerProcess > 1)
    mesh +=
        ", " + std::to_string(description.ranksPerProcess) + " in each process";
  std::printf(
      "%s: %llu parameters%s, %d %s%s, %d stages, %s, %s%d micro-batches of "
      "%lld x %lld tokens\n",
      description.name.c_str(), static_cast<unsigned long long>(elements),
      anyBF16 ? " in bf16 with f32 masters" : "", description.ranks(),
      description.ranks() == 1 ? "rank" : "ranks",
      mesh.empty() ? "" : (" (" + mesh + ")").c_str(), description.stages,
      description.schedule.c_str(),
      description.replicas() == 1
          ? ""
          : (std::to_string(description.replicas()) + " replicas, each ")
                .c_str(),
      description.microbatches, static_cast<long long>(description.batch),
      static_cast<long long>(description.sequence));
  if (std::string device = backend->describe(); !device.empty())
    std::printf("%s\n", device.c_str());
  if (data)
    std::fputs(batches->summary().c_str(), stdout);
  if (evaluation)
    std::printf("evaluation: %s\n", evaluation->describe().c_str());
  if (!data)
    std::printf("emulated: actions sleep instead of computing; no data, no "
                "loss\n");
  if (resume)
    std::printf("goes on from %s, written by %s\n", resume->directory().c_str(),
                resume->index().mesh.c_str());
  else if (options.resume && options.resume->empty() &&
           !options.resumeWeightsOnly)
    std::printf("no checkpoint in %s so far: begins with the first step\n",
                options.checkpoint.c_str());
  std::fflush(stdout);
}

/// A step, on rank 0.
void Run::show(int64_t step, const pprt_context &context, double seconds) {
  StepResult result;
  result.step = step;
  const bool computes = backend->computes();
  result.loss = computes ? context.loss : NAN;
  result.gradientNorm = computes ? context.gradientNorm : NAN;
  result.learningRate = context.learningRate;
  result.seconds = seconds;
  result.evaluationLoss =
      evaluation ? evaluation->lossAfter(step) : std::nullopt;
  result.tokensPerSecond = double(description.tokensPerStep()) / result.seconds;
  metrics->write(result);
  tensorBoard->write(result);
  progress->show(result);
}

void Run::steps(const CompiledCode &compiled, InterruptWatch &watch) {
  pprt_context context(setup, *backend, compiled.functions);
  progress.emplace(options);
  // A launcher ends ranks by SIGTERM, too, when another one has failed.
  watch.begin(/*announce=*/bootstrap.rank() == 0 && isatty(STDERR_FILENO),
              findNodePeers(bootstrap, description.mesh));
  if (layerTimes) {
    recorder.timeLayers(*layerTimes);
    context.layerTimes = &*layerTimes;
  }
  if (checkpoints)
    context.checkpoints = &*checkpoints;
  pprt_step_fn function =
      compiled.steps[description.mesh.pipeOf(bootstrap.rank())];
  uint64_t begin = nowNs();
  try {
    stepsDone = firstStep();
    for (int64_t step = firstStep(); step < options.steps && !endingSignal;
         ++step) {
      uint64_t stepBegin = nowNs();
      if (batches)
        batches->load(step);
      context.beginStep(step);
      // The first step may make what later ones use again.
      bool count = environment.countAllocations && step > firstStep();
      countAllocations(count);
      context.runStep(function);
      if (count)
        countAllocations(false);
      context.endStep();
      stepsDone = step + 1;
      if (stepsDone < options.steps)
        endingSignal = context.endingSignal;
      // Plans are made in the first step.
      if (step == firstStep())
        backend->sayNotes();
      const double seconds = toSeconds(nowNs() - stepBegin);
      if (evaluation)
        evaluation->afterStep(step, context, *backend, *batches,
                              compiled.steps);
      if (bootstrap.rank() == 0)
        show(step, context, seconds);
      if (checkpoints)
        checkpoints->afterStep(stepsDone, batches->firstSampleOf(stepsDone),
                               context.flags,
                               endingSignal || stepsDone == options.steps,
                               arena->base(), *backend);
    }
  } catch (...) {
    countAllocations(false);
    progress->end();
    throw;
  }
  watch.end();
  progress->end();
  allocations = allocationCounts();
  lastLoss = context.loss;
  trainingSeconds =
      toSeconds(nowNs() - begin) - (evaluation ? evaluation->seconds() : 0);
}

/// Of a run without a report.
void Run::sayEnd() {
  if (bootstrap.rank() != 0)
    return;
  std::string wrote;
  for (const std::string &path :
       {result ? result->path() : "", checkpoints ? checkpoints->newest() : ""})
    if (!path.empty())
      wrote += (wrote.empty() ? ": wrote " : " and ") + path;
  if (endingSignal)
    std::fprintf(stderr, "interrupted by %s after %lld of %lld steps%s\n",
                 signalName(endingSignal), static_cast<long long>(stepsDone),
                 static_cast<long long>(options.steps), wrote.c_str());
  else
    std::printf("nothing left to train: the checkpoint is after all %lld "
                "steps%s\n",
                static_cast<long long>(options.steps),
                options.save.empty() ? "" : wrote.c_str());
}

static void writeFile(const std::string &path, const std::string &text) {
  AtomicFile file(path);
  file.write(text);
  file.commit();
}

/// Bytes of a plain struct, for gather.
template <typename T> static std::string bytesOf(const T &value) {
  return std::string(reinterpret_cast<const char *>(&value), sizeof value);
}

template <typename T>
static std::vector<T> gatherStructs(Bootstrap &bootstrap, const T &mine) {
  std::vector<T> all;
  for (const std::string &bytes : bootstrap.gather(bytesOf(mine))) {
    T value;
    std::memcpy(&value, bytes.data(), sizeof value);
    all.push_back(value);
  }
  return all;
}

template <typename T>
static std::vector<std::vector<T>> gatherLists(Bootstrap &bootstrap,
                                               const std::vector<T> &mine) {
  std::vector<std::vector<T>> all;
  for (const std::string &bytes :
       bootstrap.gather(std::string(reinterpret_cast<const char *>(mine.data()),
                                    mine.size() * sizeof(T)))) {
    all.emplace_back(bytes.size() / sizeof(T));
    if (!bytes.empty())
      std::memcpy(all.back().data(), bytes.data(), bytes.size());
  }
  return all;
}

Measurements Run::gatherMeasurements(RankSteps steps) {
  return {std::move(steps), gatherLists(bootstrap, layerTimes->measured()),
          gatherLists(bootstrap, layerTimes->transferBytes())};
}

void Run::report() {
  const bool first = bootstrap.rank() == 0;
  // Each rank moves its events to the common clock before it sends them.
  ClockPoint clockEnd = compareClocks(bootstrap);
  auto gatherSteps = [&](std::vector<StepEvents> steps, bool withEvents) {
    if (!withEvents)
      for (StepEvents &step : steps) {
        step.events.clear();
        step.collectives.clear();
      }
    alignSteps(steps, clockBegin, clockEnd);
    RankSteps ranks;
    for (const std::string &bytes : bootstrap.gather(packSteps(steps)))
      ranks.push_back(unpackSteps(bytes));
    return ranks;
  };
  std::string error;
  auto attempt = [&](auto action) {
    try {
      if (first && error.empty())
        action();
    } catch (const std::exception &e) {
      error = e.what();
    }
  };
  // The events of one step alone travel: all ranks must know which.
  RankSteps last = gatherSteps(recorder.lastSteps(), /*withEvents=*/false);
  int64_t chosen = first ? medianStep(last) : -1;
  bootstrap.broadcast(&chosen, sizeof chosen);
  const StepEvents *mineOfIt = findStep(recorder.lastSteps(), chosen);
  last = gatherSteps(mineOfIt ? std::vector<StepEvents>{*mineOfIt}
                              : std::vector<StepEvents>(),
                     /*withEvents=*/true);
  // A prediction is of one pipeline.
  std::vector<pp::schedule::Panel> panels;
  if (first) {
    last = firstPipeline(description, last);
    panels = timelinePanels(description, last, chosen, options.emulate);
  }
  if (!options.trace.empty()) {
    RankSteps ranks = gatherSteps(recorder.allSteps(), /*withEvents=*/true);
    attempt([&] {
      writeFile(options.trace, chromeTrace(description, ranks, panels, chosen));
    });
  }
  if (!options.profileOut.empty()) {
    Measurements measured = gatherMeasurements(
        gatherSteps(recorder.lastSteps(), /*withEvents=*/true));
    attempt([&] {
      writeFile(options.profileOut,
                profileJson(description, measured, options.threads));
    });
  }
  if (!options.timeline.empty())
    attempt([&] {
      writeFile(options.timeline,
                timelineSvg(description, last, chosen, panels));
    });
  bootstrap.agree(error);
  if (!options.kernelTimes.empty()) // as on all other ranks
    bootstrap.agreeAfter(
        [&] { writeFile(kernelTimesPath(), backend->kernelTimes()); });

  std::vector<Profile> profiles = gatherStructs(bootstrap, recorder.profile());
  MemoryUse mine;
  mine.planned = plannedBytes();
  mine.allocated = arena->bytes();
  mine.mapped = arena->mappedBytes();
  mine.checkpoint = checkpoints ? checkpoints->bytes() : 0;
  mine.allocations = allocations;
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  mine.peakResident = uint64_t(usage.ru_maxrss) * 1024;
  std::vector<MemoryUse> memory = gatherStructs(bootstrap, mine);
  if (!first)
    return;
  if (environment.countAllocations)
    std::fputs(allocationTable(memory, stepsRun()).c_str(), stdout);
  if (options.memoryReport)
    std::fputs(
        memoryTable(description, memory, description.optimizers[optimizer])
            .c_str(),
        stdout);
  if (speaks() || options.profile)
    std::fputs(profileTable(description, profiles, stepsRun(), options.profile)
                   .c_str(),
               stdout);
  if (speaks() || options.profile)
    std::fputs(bubbleTable(panels, chosen).c_str(), stdout);
  if (speaks()) {
    std::printf("%lld steps in %s, %.0f tokens/s%s\n",
                static_cast<long long>(stepsRun()),
                timeText(trainingSeconds).c_str(),
                double(description.tokensPerStep()) * double(stepsRun()) /
                    trainingSeconds,
                evaluation ? evaluation->summary().c_str() : "");
    for (const std::string &path :
         {options.trace, options.timeline, options.profileOut,
          options.kernelTimes, options.metrics, tensorBoard->path(),
          result ? result->path() : "",
          checkpoints ? checkpoints->newest() : ""})
      if (!path.empty())
        std::printf("wrote %s\n", path.c_str());
  }
  if (backend->computes())
    std::printf("final loss %.6f\n", lastLoss);
  if (evaluation && evaluation->count())
    std::printf("final eval loss %.6f\n", evaluation->loss());
  std::fflush(stdout);
}

int pprt::train(const Description &description, const Options &options,
                const std::string &optionError, Bootstrap &bootstrap,
                const CompiledCode &compiled,
                const BackendFactory &createBackend, InterruptWatch &watch) {
  bootstrap.setTimeout(options.timeout);
  bootstrap.agree(optionError);
  bootstrap.agreeAfter([&] { checkWorldSize(description, bootstrap); });
  bootstrap.nameRanks(
      [mesh = description.mesh](int rank) { return mesh.describe(rank); });
  auto identity = options.values();
  identity.insert(identity.begin(), {"a program with hash", description.hash});
  bootstrap.agree(compareWithRank0(identity, bootstrap, bootstrap.rank()));

  Run run(description, options, bootstrap, createBackend);
  run.prepare();
  run.steps(compiled, watch);
  run.save();
  if (run.signal() || !run.stepsRun())
    run.sayEnd();
  else
    run.report();
  run.finish();
  return run.signal();
}
