//===- WeightWriter.cpp - Slices of weights into files --------------------===//
//
// Every rank knows from the description alone which elements any rank has, and
// from the layout where they go. So slices travel without words about them, and
// nobody holds more than a block of what is not its own.
//
//===----------------------------------------------------------------------===//

#include "WeightWriter.h"

#include "Error.h"
#include "Slices.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace pprt;

/// Bytes that are converted, sent and written at once.
static constexpr uint64_t blockBytes = 4 << 20;

WeightWriter::~WeightWriter() {
  for (int descriptor : descriptors)
    if (descriptor >= 0)
      close(descriptor);
}

int WeightWriter::open(size_t file, int flags) {
  int &descriptor = descriptors[file];
  if (descriptor >= 0)
    return descriptor;
  const std::string path = folder + "/" + layout.files[file].name;
  descriptor = ::open(path.c_str(), O_WRONLY | O_CLOEXEC | flags, 0666);
  if (descriptor < 0)
    throw Error("cannot write '" + path + "': " + systemError());
  return descriptor;
}

void WeightWriter::writeAt(size_t file, uint64_t at, const char *bytes,
                           uint64_t count) {
  const int descriptor = open(file, 0);
  while (count > 0) {
    const ssize_t written = pwrite(descriptor, bytes, count, off_t(at));
    if (written < 0 && errno == EINTR)
      continue;
    if (written <= 0)
      throw Error("cannot write '" + folder + "/" + layout.files[file].name +
                  "': " + systemError());
    bytes += written;
    at += uint64_t(written);
    count -= uint64_t(written);
  }
}

void WeightWriter::create() {
  for (size_t i = 0; i < layout.files.size(); ++i) {
    const WeightLayout::File &file = layout.files[i];
    const int descriptor = open(i, O_CREAT | O_EXCL);
    // Not all file systems can set blocks aside.
    if (fallocate(descriptor, 0, 0, off_t(file.bytes)) != 0 &&
        (errno != EOPNOTSUPP || ftruncate(descriptor, off_t(file.bytes)) != 0))
      throw Error("cannot write '" + folder + "/" + file.name + "' of " +
                  std::to_string(file.bytes) + " bytes: " + systemError());
    writeAt(i, 0, file.header.data(), file.header.size());
  }
}

void WeightWriter::write(size_t parameter, uint64_t first, const char *bytes,
                         uint64_t count) {
  const WeightLayout::Place &place = layout.places[parameter];
  writeAt(place.file, place.begin + first * bytesOfValue(layout.type), bytes,
          count);
}

void WeightWriter::flush() {
  for (size_t i = 0; i < descriptors.size(); ++i)
    if (descriptors[i] >= 0 && fsync(descriptors[i]) != 0)
      throw Error("cannot write '" + folder + "/" + layout.files[i].name +
                  "': " + systemError());
}

const float *pprt::updatedValues(const Description &description, int rank,
                                 size_t index, const uint8_t *arena) {
  for (const HeldParameter &held :
       description.programOf(size_t(rank)).parameters)
    if (held.index == int(index) && held.owned)
      return reinterpret_cast<const float *>(
          arena + description.updatedBy(rank, held).offset);
  return nullptr;
}

void pprt::forEachSavedRun(
    const Description &description, int rank, size_t index,
    const std::function<void(uint64_t, uint64_t, uint64_t)> &visit) {
  const Parameter &parameter = description.parameters[index];
  const Mesh &mesh = description.mesh;
  if (mesh.pipeOf(rank) != parameter.owner)
    return;
  const uint64_t begin =
      parameter.updatedBy(mesh.coordinate(rank, "data")).begin;
  for (const Slice &slice :
       slicesOf(parameter, mesh, rank, writtenBy(parameter, mesh, rank)))
    slice.forEachRun(slice.box, slice.box, Slice::Rows::OfPartAndWhole,
                     [&](const Slice::Run &run) {
                       visit(run.whole, run.part - begin, run.count);
                     });
}

void pprt::writeOwnRuns(WeightWriter &writer, const WeightLayout &layout,
                        const Description &description, int rank,
                        const uint8_t *arena) {
  const uint64_t most = blockBytes / bytesOfValue(layout.type);
  std::vector<char> block;
  for (size_t i = 0; i < description.parameters.size(); ++i) {
    const float *values = updatedValues(description, rank, i, arena);
    forEachSavedRun(
        description, rank, i, [&](uint64_t to, uint64_t from, uint64_t count) {
          if (layout.type == ValueType::F32)
            return writer.write(i, to,
                                reinterpret_cast<const char *>(values + from),
                                count * sizeof(float));
          for (uint64_t at = 0; at < count; at += most) {
            const uint64_t n = std::min(most, count - at);
            block.resize(n * bytesOfValue(layout.type));
            narrow(values + from + at, n, layout.type, block.data());
            writer.write(i, to + at, block.data(), block.size());
          }
        });
  }
}

namespace {
/// The values of a rank's runs of a parameter, one after another, in blocks.
class BlockStream {
public:
  BlockStream(ValueType type) : type(type) {}

  /// On the sending rank: converts and sends.
  void send(const float *values, uint64_t count, Bootstrap &bootstrap) {
    const uint64_t size = bytesOfValue(type);
    while (count > 0) {
      const uint64_t n = std::min(count, (blockBytes - block.size()) / size);
      const size_t filled = block.size();
      block.resize(filled + n * size);
      narrow(values, n, type, block.data() + filled);
      values += n;
      count -= n;
      if (block.size() == blockBytes)
        finish(bootstrap);
    }
  }
  /// Sends what is left.
  void finish(Bootstrap &bootstrap) {
    if (!block.empty())
      bootstrap.send(0, block.data(), block.size());
    block.clear();
  }

  /// On rank 0: hands out the next `count` values of `rank`, of which `left`
  /// bytes are to come, piece by piece.
  template <typename Take>
  void receive(int rank, uint64_t count, uint64_t &left, Bootstrap &bootstrap,
               Take take) {
    uint64_t bytes = count * bytesOfValue(type);
    while (bytes > 0) {
      if (at == block.size()) {
        block.resize(std::min(left, blockBytes));
        bootstrap.receive(rank, block.data(), block.size());
        left -= block.size();
        at = 0;
      }
      const uint64_t n = std::min<uint64_t>(bytes, block.size() - at);
      take(block.data() + at, n);
      at += n;
      bytes -= n;
    }
  }

private:
  ValueType type;
  std::vector<char> block;
  size_t at = 0;
};
} // namespace

void pprt::collectRuns(WeightWriter *writer, const WeightLayout &layout,
                       const Description &description, const uint8_t *arena,
                       Bootstrap &bootstrap) {
  const int me = bootstrap.rank();
  std::string error;
  // A disk that is full must not leave the other ranks waiting.
  auto attempt = [&](auto action) {
    if (!error.empty())
      return;
    try {
      action();
    } catch (const Error &e) {
      error = e.what();
    }
  };
  if (me == 0)
    attempt([&] { writeOwnRuns(*writer, layout, description, 0, arena); });
  for (size_t i = 0; i < description.parameters.size(); ++i) {
    if (me != 0) {
      BlockStream stream(layout.type);
      const float *values = updatedValues(description, me, i, arena);
      forEachSavedRun(description, me, i,
                      [&](uint64_t, uint64_t from, uint64_t count) {
                        stream.send(values + from, count, bootstrap);
                      });
      stream.finish(bootstrap);
      continue;
    }
    for (int rank = 1; rank < bootstrap.size(); ++rank) {
      const uint64_t size = bytesOfValue(layout.type);
      uint64_t left = 0;
      forEachSavedRun(
          description, rank, i,
          [&](uint64_t, uint64_t, uint64_t count) { left += count * size; });
      BlockStream stream(layout.type);
      forEachSavedRun(
          description, rank, i, [&](uint64_t to, uint64_t, uint64_t count) {
            stream.receive(rank, count, left, bootstrap,
                           [&](const char *bytes, uint64_t n) {
                             attempt([&] { writer->write(i, to, bytes, n); });
                             to += n / size;
                           });
          });
    }
  }
  if (!error.empty())
    throw Error(error);
}
