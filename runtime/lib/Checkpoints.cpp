//===- Checkpoints.cpp - All of a run on disk, now and then ---------------===//
#include "Checkpoints.h"

#include "Allocations.h"
#include "AtomicFile.h"
#include "Clock.h"
#include "Error.h"
#include "Safetensors.h"
#include "WeightWriter.h"

#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <filesystem>

using namespace pprt;
namespace fs = std::filesystem;

std::string pprt::stateFileOf(int rank) {
  char name[64];
  std::snprintf(name, sizeof name, "optimizer-%05d.safetensors", rank);
  return name;
}

std::vector<StateSlice> pprt::stateSlicesOf(const Description &description,
                                            const Optimizer &optimizer,
                                            int rank) {
  std::vector<StateSlice> slices;
  for (const HeldState &held :
       description.statesOf(description.programOf(size_t(rank)), optimizer)) {
    const State &state = description.states[size_t(held.index)];
    const Parameter &parameter =
        description.parameters[size_t(state.parameter)];
    for (Slice &slice :
         slicesOf(parameter, description.mesh, rank,
                  writtenBy(parameter, description.mesh, rank))) {
      const bool isWhole = slice.box.elements() == parameter.wholeElements();
      std::string name = state.name + (isWhole ? "" : slice.box.describe());
      slices.push_back({held.index, std::move(slice), std::move(name)});
    }
  }
  return slices;
}

Checkpoints::Checkpoints(const Description &description, const Options &options,
                         Bootstrap &bootstrap, size_t optimizer,
                         std::function<void(const std::string &)> carry)
    : description(description), options(options), bootstrap(bootstrap),
      program(description.programOf(size_t(bootstrap.rank()))),
      optimizer(description.optimizers.empty()
                    ? nullptr
                    : &description.optimizers[optimizer]),
      carry(std::move(carry)),
      layout(layOutWeights(description.parameters, ValueType::F32,
                           options.maxShardBytes)),
      lastBegin(nowNs()) {
  const int rank = bootstrap.rank();
  const Mesh &mesh = description.mesh;
  for (const HeldParameter &held : program.parameters) {
    if (!held.owned)
      continue;
    const Parameter &parameter = description.parameters[size_t(held.index)];
    const Description::Updated own = description.updatedBy(rank, held);
    for (Slice &slice :
         slicesOf(parameter, mesh, rank, writtenBy(parameter, mesh, rank))) {
      const uint64_t bytes = slice.box.elements() * sizeof(float);
      weights.push_back(
          {std::move(slice), own.offset, own.first, plannedBytes, held.index});
      plannedBytes += bytes;
    }
  }
  if (this->optimizer) {
    std::vector<TensorEntry> entries;
    std::vector<uint64_t> offsets(description.states.size());
    for (const HeldState &held : program.states)
      offsets[size_t(held.index)] = held.offset;
    for (StateSlice &each :
         stateSlicesOf(description, *this->optimizer, rank)) {
      const Parameter &parameter = description.parameters[size_t(
          description.states[size_t(each.state)].parameter)];
      const uint64_t bytes = each.slice.box.elements() * sizeof(float);
      entries.push_back(
          {each.name,
           "F32",
           {each.slice.box.size.begin(), each.slice.box.size.end()},
           bytes});
      const uint64_t first =
          parameter.updatedBy(mesh.coordinate(rank, "data")).begin;
      states.push_back({std::move(each.slice), offsets[size_t(each.state)],
                        first, plannedBytes});
      plannedBytes += bytes;
    }
    stateHeader = safetensorsHeader(entries);
  }
  if (rank == 0)
    directory.emplace(options.checkpoint);
}

Checkpoints::~Checkpoints() { join(); }

void Checkpoints::describeRun(CheckpointIndex index) {
  common = std::move(index);
  // Where slices are follows from the mesh: nobody has to be asked.
  if (!directory || !optimizer)
    return;
  for (int rank = 0; rank < description.ranks(); ++rank)
    for (StateSlice &each : stateSlicesOf(description, *optimizer, rank)) {
      StoredState &state =
          common.states[description.states[size_t(each.state)].name];
      state.shape = each.slice.whole;
      state.slices.push_back(
          {stateFileOf(rank), std::move(each.name), std::move(each.slice.box)});
    }
}

void Checkpoints::prepare() {
  copy.emplace(std::max<uint64_t>(plannedBytes, 1));
}

//===----------------------------------------------------------------------===//
// The thread that writes
//===----------------------------------------------------------------------===//

void Checkpoints::launch(std::function<void()> job) {
  join();
  isDone = false;
  error.clear();
  thread = std::thread([this, job = std::move(job)] {
    ignoreAllocations();
    std::string wrong;
    try {
      job();
    } catch (const std::exception &e) {
      wrong = e.what();
    }
    std::lock_guard lock(mutex);
    error = std::move(wrong);
    isDone = true;
    changed.notify_all();
  });
}

bool Checkpoints::isJobDone() const {
  std::lock_guard lock(mutex);
  return isDone;
}

void Checkpoints::join() {
  if (thread.joinable())
    thread.join();
}

/// Copies what this rank writes; what is wrong with it, if anything is: an
/// infinite weight, which the last step has made, nobody has seen so far.
std::string Checkpoints::copyOut(const uint8_t *arena) {
  std::string wrong;
  for (const std::vector<Piece> *pieces : {&weights, &states})
    for (const Piece &piece : *pieces) {
      const float *from = reinterpret_cast<const float *>(arena + piece.from);
      float *to = reinterpret_cast<float *>(copy->base() + piece.to);
      bool isFinite = true;
      const Box &box = piece.slice.box;
      piece.slice.forEachRun(
          box, box, Slice::Rows::OfPart, [&](const Slice::Run &run) {
            const float *values = from + (run.part - piece.first);
            for (uint64_t i = 0; i < run.count; ++i) {
              to[run.box + i] = values[i];
              isFinite &= std::isfinite(values[i]);
            }
          });
      if (!isFinite && piece.parameter >= 0 && wrong.empty())
        wrong = "found a value in parameter '" +
                description.parameters[size_t(piece.parameter)].name +
                "' that is not finite, expected finite numbers: lower --lr";
    }
  return wrong;
}

/// Weights are whole tensors, in files that all ranks write to and rank 0 has
/// made.
void Checkpoints::writeWeights() {
  WeightWriter writer(layout, partial);
  for (const Piece &piece : weights) {
    const char *from = reinterpret_cast<const char *>(copy->base() + piece.to);
    const Box &box = piece.slice.box;
    piece.slice.forEachRun(box, box, Slice::Rows::OfPartAndWhole,
                           [&](const Slice::Run &run) {
                             writer.write(size_t(piece.parameter), run.whole,
                                          from + run.box * sizeof(float),
                                          run.count * sizeof(float));
                           });
  }
  writer.flush();
}

void Checkpoints::writeStates() {
  if (states.empty())
    return;
  AtomicFile file((fs::path(partial) / stateFileOf(bootstrap.rank())).string());
  file.write(stateHeader);
  // They lie in a row, as in the file.
  file.write(copy->base() + states.front().to,
             plannedBytes - states.front().to);
  file.commit();
}

void Checkpoints::write() {
  writeWeights();
  writeStates();
  if (bootstrap.rank() != 0)
    return;
  if (!layout.index.empty()) {
    AtomicFile index((fs::path(partial) / WeightLayout::indexName).string());
    index.write(layout.index);
    index.commit();
  }
  carry(partial);
}

void Checkpoints::commit() {
  AtomicFile index((fs::path(partial) / CheckpointIndex::fileName).string());
  index.write(common.text());
  index.commit();
  directory->commit(partial, step);
  directory->prune(options.keep);
}

//===----------------------------------------------------------------------===//
// Between steps
//===----------------------------------------------------------------------===//

void Checkpoints::vote(double *flags) const {
  const bool isFirst = bootstrap.rank() == 0;
  const bool done = isJobDone();
  flags[PPRT_FLAG_WRITTEN] = phase == Phase::Writing && done;
  flags[PPRT_FLAG_COMMITTED] = phase == Phase::Committing && isFirst && done;
  flags[PPRT_FLAG_WRITE_FAILED] =
      phase != Phase::Idle && done && !error.empty();
  flags[PPRT_FLAG_CHECKPOINT_DUE] =
      isFirst && options.everyMinutes > 0 &&
      toSeconds(nowNs() - lastBegin) >= 60 * options.everyMinutes;
}

void Checkpoints::afterStep(int64_t done, uint64_t samples, const double *flags,
                            bool isLast, const uint8_t *arena,
                            Backend &backend) {
  const bool failed = flags[PPRT_FLAG_WRITE_FAILED] > 0;
  if (phase == Phase::Writing && flags[PPRT_FLAG_WRITTEN] == bootstrap.size()) {
    join();
    if (failed) {
      fail();
    } else {
      phase = Phase::Committing;
      if (directory)
        launch([this] { commit(); });
    }
  } else if (phase == Phase::Committing && flags[PPRT_FLAG_COMMITTED] > 0) {
    join();
    settle();
  }
  const bool isDue = isLast || flags[PPRT_FLAG_CHECKPOINT_DUE] > 0 ||
                     (options.every > 0 && done % options.every == 0);
  if (!isDue)
    return;
  settle();
  if (lastStep != done)
    start(done, samples, arena, backend);
  if (isLast || options.checkpointSync)
    settle();
}

void Checkpoints::start(int64_t done, uint64_t samples, const uint8_t *arena,
                        Backend &backend) {
  lastBegin = nowNs();
  step = lastStep = done;
  common.step = done;
  common.samples = samples;
  error.clear();
  partial.clear();
  if (directory) {
    try {
      partial = directory->begin(done);
      // Where the disk has no room for them, it says so here.
      WeightWriter(layout, partial).create();
    } catch (const std::exception &e) {
      error = e.what();
    }
  }
  // All ranks learn its name.
  uint64_t length = partial.size();
  bootstrap.broadcast(&length, sizeof length);
  partial.resize(length);
  bootstrap.broadcast(partial.data(), length);
  std::error_code isUnseen;
  if (!partial.empty() && !fs::is_directory(partial, isUnseen))
    error = "found no directory '" + partial +
            "', which rank 0 has made, expected to see it: --checkpoint has to "
            "be on a file system that all ranks share";
  backend.download(Backend::Copied::WeightsAndStates);
  if (error.empty())
    error = copyOut(arena);
  if (bootstrap.any(!error.empty()))
    return fail();
  phase = Phase::Writing;
  launch([this] { write(); });
}

void Checkpoints::settle() {
  // A disk may take longer than a rank waits for another: they meet now and
  // then.
  auto waitForAll = [&] {
    bool isWaiting;
    do {
      std::unique_lock lock(mutex);
      changed.wait_for(
          lock,
          std::chrono::duration<double>(std::min(1.0, bootstrap.timeout() / 4)),
          [&] { return isDone; });
      isWaiting = !isDone;
      lock.unlock();
    } while (bootstrap.any(isWaiting));
    join();
    return bootstrap.any(!error.empty());
  };
  if (phase == Phase::Writing) {
    if (waitForAll())
      return fail();
    phase = Phase::Committing;
    if (directory)
      launch([this] { commit(); });
  }
  if (phase == Phase::Committing) {
    if (waitForAll())
      return fail();
    phase = Phase::Idle;
    newestPath =
        (fs::path(options.checkpoint) / CheckpointDirectory::nameOf(step))
            .string();
  }
}

void Checkpoints::fail() {
  phase = Phase::Idle;
  if (directory && !partial.empty())
    removeDirectory(partial);
  if (options.checkpointErrors == "fail") {
    bootstrap.agree(error.empty() ? ""
                                  : "no checkpoint after step " +
                                        std::to_string(step) + ": " + error);
    return;
  }
  const std::vector<std::string> errors = bootstrap.gather(error);
  error.clear();
  if (!directory)
    return;
  std::string text;
  for (size_t rank = 0; rank < errors.size(); ++rank)
    if (!errors[rank].empty() && text.find(errors[rank]) == std::string::npos)
      text += (text.empty() ? "" : "; ") +
              description.mesh.describe(int(rank)) + ": " + errors[rank];
  std::fprintf(stderr,
               "warning: no checkpoint after step %lld: %s; the training goes "
               "on, %s\n",
               static_cast<long long>(step), text.c_str(),
               newestPath.empty()
                   ? "there is none so far"
                   : ("the newest one is " + newestPath).c_str());
}
