//===- ModelDirectory.cpp - The trained model as --save writes it ---------===//
//
// All that can go wrong for reasons of the numbers is found before a file is
// made; what is left are errors of the disk, upon which the folder goes away
// and the directory is as it was.
//
//===----------------------------------------------------------------------===//

#include "ModelDirectory.h"

#include "AtomicDirectory.h"
#include "AtomicFile.h"
#include "Error.h"
#include "InputFile.h"
#include "WeightWriter.h"

#include <cmath>
#include <filesystem>
#include <optional>
#include <random>

using namespace pprt;

ModelDirectory::ModelDirectory(const Options &options,
                               const Description &description,
                               const ModelFiles *files)
    : directory(options.save), description(description),
      layout(layOutWeights(description.parameters, options.saveType,
                           options.maxShardBytes)),
      files(files) {
  if (!files)
    return;
  // It can be made, and goes away again.
  AtomicDirectory prepared(directory, "--save");
}

std::string ModelDirectory::path() const {
  return (std::filesystem::path(directory) /
          (layout.index.empty() ? layout.files[0].name
                                : std::string(WeightLayout::indexName)))
      .string();
}

/// What is wrong with the values that this rank updates, if anything is.
static std::string firstWrong(const Description &description, int rank,
                              ValueType type, const uint8_t *arena) {
  const int replica = description.mesh.coordinate(rank, "data");
  for (size_t i = 0; i < description.parameters.size(); ++i) {
    const float *values = updatedValues(description, rank, i, arena);
    if (!values)
      continue;
    const Parameter &parameter = description.parameters[i];
    const uint64_t count = parameter.updatedBy(replica).count;
    for (uint64_t at = 0; at < count; ++at)
      if (!std::isfinite(values[at]))
        return "found " + std::to_string(values[at]) + " in parameter '" +
               parameter.name +
               "' after the last step, expected finite numbers: lower --lr; "
               "nothing was saved";
    const uint64_t at = firstInfiniteAs(type, values, count);
    if (at != count)
      return "found " + std::to_string(values[at]) + " in parameter '" +
             parameter.name + "', which is infinite in " + torchNameOf(type) +
             ", expected values that --save-dtype can hold: choose f32; "
             "nothing was saved";
  }
  return "";
}

/// Whether every rank sees rank 0's folder: a file of random bytes in it.
static bool allSee(const std::string &folder, Bootstrap &bootstrap) {
  const std::string path = folder + "/probe";
  char token[16] = {};
  bool isWritten = false;
  if (bootstrap.rank() == 0) {
    std::random_device random;
    for (char &byte : token)
      byte = char(random());
    try {
      AtomicFile probe(path);
      probe.write(token, sizeof token);
      probe.commit();
      isWritten = true;
    } catch (const Error &) { // then nobody sees it
    }
  }
  bootstrap.broadcast(token, sizeof token);
  bool sees = isWritten || bootstrap.rank() != 0;
  if (bootstrap.rank() != 0)
    try {
      char found[sizeof token] = {};
      InputFile(path, "", "").read(0, found, sizeof found);
      sees = std::equal(token, token + sizeof token, found);
    } catch (const Error &) {
      sees = false;
    }
  const bool all = !bootstrap.any(!sees);
  if (isWritten)
    std::filesystem::remove(path);
  return all;
}

namespace {
/// A longer limit of waits: others flush what they have written.
class PatientWaits {
public:
  PatientWaits(Bootstrap &bootstrap, uint64_t bytes)
      : bootstrap(bootstrap), before(bootstrap.timeout()) {
    constexpr double slowest = 1e7; // bytes a second
    bootstrap.setTimeout(before + double(bytes) / slowest);
  }
  ~PatientWaits() { bootstrap.setTimeout(before); }

private:
  Bootstrap &bootstrap;
  double before;
};
} // namespace

void ModelDirectory::write(const uint8_t *arena, Bootstrap &bootstrap) const {
  const int rank = bootstrap.rank();
  // What the last step has made infinite, nobody has seen so far.
  bootstrap.agree(firstWrong(description, rank, layout.type, arena));
  const PatientWaits patient(bootstrap, layout.totalBytes());
  std::optional<AtomicDirectory> target;
  std::optional<WeightWriter> writer;
  std::string folder;
  bootstrap.agreeAfter([&] {
    if (rank != 0)
      return;
    target.emplace(directory, "--save");
    // Other processes may work elsewhere.
    folder = std::filesystem::absolute(target->folder()).string();
    writer.emplace(layout, folder);
    writer->create();
  });
  uint64_t length = folder.size();
  bootstrap.broadcast(&length, sizeof length);
  folder.resize(length);
  bootstrap.broadcast(folder.data(), length);
  const bool sideBySide = allSee(folder, bootstrap);
  if (sideBySide && rank != 0)
    writer.emplace(layout, folder);
  bootstrap.agreeAfter([&] {
    if (sideBySide)
      writeOwnRuns(*writer, layout, description, rank, arena);
    else
      collectRuns(writer ? &*writer : nullptr, layout, description, arena,
                  bootstrap);
    if (writer)
      writer->flush();
  });
  bootstrap.agreeAfter([&] {
    if (rank != 0)
      return;
    writer.reset();
    if (!layout.index.empty()) {
      AtomicFile index(folder + "/" + WeightLayout::indexName);
      index.write(layout.index);
      index.commit();
    }
    files->write(folder, layout.type);
    target->commit();
  });
}
