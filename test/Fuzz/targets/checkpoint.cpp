//===- checkpoint.cpp - Checkpoints of any bytes --------------------------===//
//
// An input is the length of the index, the index, and the file of slices that
// it names. A run of another mesh resumes from it: what is read without an
// error has each element once, and an index that can be read is one that can be
// written and read again.
//
//===----------------------------------------------------------------------===//
#include "FuzzFiles.h"

#include "Error.h"
#include "Resume.h"

using namespace pp::fuzz;
using namespace pprt;

// What of Description.cpp a resumed run asks.
bool Description::uses(const Optimizer &, const State &) const { return true; }
std::vector<HeldState> Description::statesOf(const Program &program,
                                             const Optimizer &) const {
  return program.states;
}

/// A matrix of 4 x 6, cut over two replicas and two parts, and its moment.
static Description describe() {
  Description d;
  d.mesh = Mesh({{"pipe", 1}, {"data", 2}, {"tensor", 2}});
  Parameter w;
  w.name = "w";
  w.shape = {4, 6};
  w.sharding = {{}, {"tensor"}};
  w.elements = 12;
  w.piece = 7;
  w.isCut = true;
  d.parameters = {w};
  State m;
  m.name = "w.m";
  m.kind = "m";
  m.init = Initializer();
  d.states = {m};
  d.optimizers = {{"lion", {"m"}}};
  d.programs.resize(1);
  d.programs[0].states = {{0, 64}};
  return d;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const Description description = describe();
  Bytes bytes(data, size);
  Directory &directory = Directory::get();
  directory.write("checkpoint.json", bytes.take(bytes.number(2)));
  directory.write("optimizer-00000.safetensors", bytes.take(bytes.size()));
  try {
    const Resume resume(directory.file(""));
    const std::string text = resume.index().text();
    directory.write("checkpoint.json", text);
    require(readCheckpointIndex(directory.file("")).text() == text,
            "an index that is written again is the same");
    CheckpointIndex run = resume.index();
    resume.check(description, &description.optimizers[0], run);
    for (int rank = 0; rank < description.ranks(); ++rank) {
      alignas(float) uint8_t arena[64 + 7 * sizeof(float)];
      resume.readStates(description, description.optimizers[0], rank, arena);
    }
  } catch (const Error &) {
  }
  directory.clear();
  return 0;
}
