#include "Resume.h"

#include "Error.h"
#include "InputFile.h"
#include "pp/Safetensors/Safetensors.h"

#include <algorithm>
#include <filesystem>
#include <memory>

using namespace pprt;
namespace fs = std::filesystem;

Resume::Resume(const std::string &directory)
    : path(directory), found(readCheckpointIndex(directory)) {}

static std::string shapeText(const std::vector<uint64_t> &shape) {
  return pp::safetensors::shapeText({shape.begin(), shape.end()});
}

void Resume::check(const Description &description, const Optimizer *optimizer,
                   const CheckpointIndex &run) const {
  std::string lines;
  auto compare = [&](const std::string &what, const std::string &mine,
                     const std::string &theirs) {
    if (mine != theirs)
      lines +=
          "\n  " + what + ": found " + mine + ", the checkpoint has " + theirs;
  };
  compare("vocabulary", std::to_string(run.vocabulary),
          std::to_string(found.vocabulary));
  compare("sequence length", std::to_string(run.sequence),
          std::to_string(found.sequence));
  compare("--seed", std::to_string(run.seed), std::to_string(found.seed));
  compare("--optimizer", run.optimizer, found.optimizer);
  compare("data", run.data, found.data);
  if (run.modelHash != found.modelHash)
    lines += "\n  model: found '" + run.model + "' (" + run.modelHash +
             "), the checkpoint has '" + found.model + "' (" + found.modelHash +
             "), of other layers";
  if (optimizer && run.optimizer == found.optimizer)
    for (const State &state : description.states) {
      if (state.isMaster() || !description.uses(*optimizer, state))
        continue;
      const std::vector<int64_t> &shape =
          description.parameters[size_t(state.parameter)].shape;
      const auto stored = found.states.find(state.name);
      compare("state '" + state.name + "'", pp::safetensors::shapeText(shape),
              stored == found.states.end() ? "none"
                                           : shapeText(stored->second.shape));
    }
  if (!lines.empty())
    throw Error("found a run that is not the one of '" + path +
                "', expected the same model, data, seed and optimizer: give "
                "what the checkpoint has, or begin anew from its weights with "
                "--resume-weights-only" +
                lines);
}

std::vector<std::string> Resume::notes(const CheckpointIndex &run) const {
  std::vector<std::string> lines;
  for (const auto &[name, value] : run.options)
    if (auto it = found.options.find(name);
        it != found.options.end() && it->second != value)
      lines.push_back("goes on with " + name + " " + value + ", " + it->second +
                      " before");
  return lines;
}

namespace {
/// The files of slices, each opened where it is needed first.
class SliceFiles {
public:
  explicit SliceFiles(const std::string &directory) : directory(directory) {}

  /// Reads from the data of a slice, which has to be there as the index says.
  void read(const StoredSlice &slice, uint64_t at, float *to, uint64_t count) {
    File &file = open(slice.file);
    auto it = file.tensors.find(slice.tensor);
    const uint64_t bytes = slice.box.elements() * sizeof(float);
    if (it == file.tensors.end() || it->second.dtype != "F32" ||
        it->second.bytes != bytes)
      throw Error("found " +
                  (it == file.tensors.end()
                       ? std::string("no tensor")
                       : "a tensor of " + std::to_string(it->second.bytes) +
                             " bytes of " + it->second.dtype) +
                  " '" + slice.tensor + "' in '" + file.content->path() +
                  "', expected " + std::to_string(bytes) +
                  " bytes of F32 as the index says: the checkpoint is "
                  "damaged; resume from another one");
    file.content->read(it->second.begin + at * sizeof(float), to,
                       count * sizeof(float));
  }

private:
  struct File {
    std::unique_ptr<InputFile> content;
    std::map<std::string, pp::safetensors::Tensor> tensors;
  };
  File &open(const std::string &name) {
    File &file = files[name];
    if (file.content)
      return file;
    const std::string path = (fs::path(directory) / name).string();
    try {
      for (pp::safetensors::Tensor &each :
           pp::safetensors::readFile(path).tensors)
        file.tensors.emplace(each.name, each);
    } catch (const pp::safetensors::Error &error) {
      throw Error(error.what());
    }
    file.content = std::make_unique<InputFile>(
        path, "file of a checkpoint", "resume from another checkpoint");
    return file;
  }

  std::string directory;
  std::map<std::string, File> files;
};
} // namespace

void Resume::readStates(const Description &description,
                        const Optimizer &optimizer, int rank,
                        uint8_t *arena) const {
  SliceFiles files(path);
  const Mesh &mesh = description.mesh;
  for (const HeldState &held :
       description.statesOf(description.programOf(size_t(rank)), optimizer)) {
    const State &state = description.states[size_t(held.index)];
    const Parameter &parameter =
        description.parameters[size_t(state.parameter)];
    const StoredState &stored = found.states.at(state.name);
    const Parameter::Range own =
        parameter.updatedBy(mesh.coordinate(rank, "data"));
    float *values = reinterpret_cast<float *>(arena + held.offset);
    for (const Slice &slice : slicesOf(parameter, mesh, rank, own)) {
      std::vector<std::pair<const StoredSlice *, Box>> met;
      uint64_t elements = 0;
      bool isTwice = false;
      for (const StoredSlice &each : stored.slices) {
        Box common = intersect(slice.box, each.box);
        if (!common.elements())
          continue;
        elements += common.elements();
        for (const auto &[other, box] : met)
          isTwice |= intersect(box, common).elements() > 0;
        met.emplace_back(&each, std::move(common));
      }
      if (isTwice || elements != slice.box.elements())
        throw Error("found " +
                    std::string(isTwice ? "slices that overlap"
                                        : "slices with gaps between") +
                    " of state '" + state.name + "' in " +
                    slice.box.describe() + " in the index of '" + path +
                    "', expected each element once: the checkpoint is "
                    "damaged; resume from another one");
      for (const auto &each : met)
        slice.forEachRun(each.second, each.first->box, Slice::Rows::OfPart,
                         [&](const Slice::Run &run) {
                           files.read(*each.first, run.box,
                                      values + (run.part - own.begin),
                                      run.count);
                         });
    }
  }
}
