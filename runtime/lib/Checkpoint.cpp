#include "Checkpoint.h"

#include "AtomicFile.h"
#include "Error.h"
#include "WeightLayout.h"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <optional>
#include <unistd.h>

using namespace pprt;

std::string pprt::checkpointPath(const std::string &directory) {
  return (std::filesystem::path(directory) / "model.safetensors").string();
}

void pprt::checkCanSave(const std::string &directory) {
  PreparedDirectory prepared(directory);
}

PreparedDirectory::PreparedDirectory(const std::string &directory) {
  std::error_code error;
  // Another run that only tries may remove a parent that it has made.
  for (int tries = 0; tries < 10; ++tries) {
    made.clear();
    // Those that do not exist yet, the deepest first.
    std::filesystem::path missing = directory;
    if (!missing.has_filename())
      missing = missing.parent_path(); // `DIR/`
    while (!missing.empty() && !std::filesystem::exists(missing, error)) {
      made.push_back(missing.string());
      missing = missing.parent_path();
    }
    error.clear();
    std::filesystem::create_directories(directory, error);
    if (error != std::errc::no_such_file_or_directory)
      break;
  }
  std::string wrong;
  if (error || !std::filesystem::is_directory(directory))
    wrong = "cannot make the directory '" + directory +
            "' of --save: " + (error ? error.message() : "a file is there");
  else if (access(directory.c_str(), W_OK | X_OK) != 0)
    wrong = "cannot write to the directory '" + directory +
            "' of --save: " + systemError();
  if (wrong.empty())
    return;
  removeEmpty();
  throw Error(wrong);
}

PreparedDirectory::~PreparedDirectory() { removeEmpty(); }

void PreparedDirectory::removeEmpty() {
  for (const std::string &directory : made)
    if (rmdir(directory.c_str()) != 0 &&
        (errno == ENOTEMPTY || errno == EEXIST))
      break; // there is something in it
}

/// The f32 values of an own parameter that the rank updates: its master's, if
/// it is bf16.
static const float *ownValues(const Description &description, int rank,
                              int index, const uint8_t *arena) {
  for (const HeldParameter &held :
       description.programOf(size_t(rank)).parameters)
    if (held.index == index && held.owned)
      return reinterpret_cast<const float *>(
          arena + description.updatedBy(rank, held).offset);
  return nullptr;
}

/// What is wrong with the own parameters, if anything is.
static std::string firstNonFinite(const Description &description, int rank,
                                  const uint8_t *arena) {
  for (const HeldParameter &held :
       description.programOf(size_t(rank)).parameters) {
    if (!held.owned)
      continue;
    const Parameter &parameter = description.parameters[size_t(held.index)];
    const float *values = ownValues(description, rank, held.index, arena);
    const uint64_t count =
        parameter.updatedBy(description.mesh.coordinate(rank, "data")).count;
    for (uint64_t i = 0; i < count; ++i)
      if (!std::isfinite(values[i]))
        return "found " + std::to_string(values[i]) + " in parameter '" +
               parameter.name +
               "' after the last step, expected finite numbers: lower --lr; "
               "nothing was saved";
  }
  return "";
}

void pprt::saveCheckpoint(const std::string &directory,
                          const Description &description, const uint8_t *arena,
                          Bootstrap &bootstrap) {
  constexpr uint64_t block = 4 << 20;
  std::string error;
  std::unique_ptr<AtomicFile> file;
  // A disk that is full must not leave the other ranks waiting: rank 0 goes on
  // receiving, and the agreement at the end tells everybody.
  auto attempt = [&](auto action) {
    if (!error.empty())
      return;
    try {
      action();
    } catch (const std::exception &e) {
      error = e.what();
    }
  };
  // What the last step has made infinite, nobody has seen so far.
  bootstrap.agree(firstNonFinite(description, bootstrap.rank(), arena));
  std::vector<char> buffer;
  std::optional<PreparedDirectory> prepared;
  if (bootstrap.rank() == 0)
    attempt([&] {
      prepared.emplace(directory);
      file = std::make_unique<AtomicFile>(checkpointPath(directory));
      file->write(
          layOutWeights(description.parameters, WeightType::F32, ~uint64_t(0))
              .files.front()
              .header);
    });
  // Hands what `owner` has updated of a parameter to `take` on rank 0, piece by
  // piece.
  auto collect = [&](int index, int owner, uint64_t bytes, auto take) {
    if (owner == bootstrap.rank()) {
      const char *values = reinterpret_cast<const char *>(
          ownValues(description, owner, index, arena));
      if (bootstrap.rank() == 0)
        take(values, bytes);
      else
        for (uint64_t at = 0; at < bytes; at += block)
          bootstrap.send(0, values + at, std::min(block, bytes - at));
    } else if (bootstrap.rank() == 0) {
      buffer.resize(block);
      for (uint64_t at = 0; at < bytes; at += block) {
        uint64_t part = std::min(block, bytes - at);
        bootstrap.receive(owner, buffer.data(), part);
        take(buffer.data(), part);
      }
    }
  };
  auto append = [&](const char *data, uint64_t bytes) {
    attempt([&] { file->write(data, bytes); });
  };
  for (size_t i = 0; i < description.parameters.size(); ++i) {
    const Parameter &parameter = description.parameters[i];
    const Mesh &mesh = description.mesh;
    const int first = mesh.rankWith(0, "pipe", parameter.owner);
    // Pieces in order, or all of it from the first replica.
    auto collectPart = [&](int owner, auto take) {
      for (int replica = 0;
           replica < (parameter.isCut ? description.replicas() : 1); ++replica)
        collect(int(i), mesh.rankWith(owner, "data", replica),
                parameter.updatedBy(replica).count * sizeof(float), take);
    };
    std::vector<std::string> axes;
    for (const std::vector<std::string> &each : parameter.sharding)
      axes.insert(axes.end(), each.begin(), each.end());
    if (axes.empty()) {
      collectPart(first, append);
      continue;
    }
    // Of parts the whole is put together first.
    std::vector<float> whole, part;
    if (bootstrap.rank() == 0) {
      whole.resize(parameter.wholeElements());
      part.resize(parameter.elements);
    }
    for (int owner : mesh.group(first, axes)) {
      char *at = reinterpret_cast<char *>(part.data());
      collectPart(owner, [&](const char *data, uint64_t bytes) {
        std::memcpy(at, data, bytes);
        at += bytes;
      });
      if (bootstrap.rank() == 0)
        forEachRun(parameter, mesh, owner,
                   [&](uint64_t to, uint64_t from, uint64_t count) {
                     std::copy_n(part.data() + from, count, whole.data() + to);
                   });
    }
    if (bootstrap.rank() == 0)
      append(reinterpret_cast<const char *>(whole.data()),
             whole.size() * sizeof(float));
  }
  if (file)
    attempt([&] { file->commit(); });
  bootstrap.agree(error);
}
