//===- TensorBoard.h - Event files ----------------------------------------===//
//
// What TensorBoard shows are files events.out.tfevents.* in a directory. A file
// is a row of TFRecords (tensorflow/core/lib/io/record_writer.h):
//
//   u64 length | u32 masked CRC-32C of these 8 bytes | length bytes | u32 of
//   them
//
// little-endian, where masked is ((crc >> 15) | (crc << 17)) + 0xa282ead8. A
// record is an Event in the wire format of protocol buffers
// (tensorflow/core/util/event.proto):
//
//   double wall_time = 1; int64 step = 2; string file_version = 3;
//   Summary summary = 5 { repeated Value value = 1 { string tag = 1;
//   float simple_value = 2; } }; SessionLog session_log = 7 { status = 1; }
//
// The first one has file_version "brain.Event:2" alone. A run that goes on has
// a file of its own, which begins with session_log START at its first step:
// what older files have from there on does not count.
//
//===----------------------------------------------------------------------===//
#ifndef PPRT_TENSORBOARD_H
#define PPRT_TENSORBOARD_H

#include "Progress.h"

#include <cstdint>
#include <string>

namespace pprt {

/// CRC-32C (Castagnoli; RFC 3720, B.4).
uint32_t crc32c(const void *data, uint64_t bytes);

/// `data` as a TFRecord.
std::string tensorBoardRecord(const std::string &data);

/// --tensorboard: the numbers of each step as scalars train/loss,
/// train/grad_norm, train/learning_rate, train/tokens_per_second, those that
/// are numbers. A disk that is full does not leave half a record.
class TensorBoard {
public:
  /// Makes `directory` and a file in it, which is removed if no step is
  /// written; an empty path writes nothing. Throws Error.
  explicit TensorBoard(const std::string &directory);
  ~TensorBoard();
  TensorBoard(const TensorBoard &) = delete;
  TensorBoard &operator=(const TensorBoard &) = delete;
  /// Throws Error.
  void write(const StepResult &result);
  /// Of the file, empty where nothing is written.
  const std::string &path() const { return file; }

private:
  void append(const std::string &records);

  std::string file;
  int fd = -1;
  uint64_t bytes = 0; ///< of whole records
};

} // namespace pprt

#endif // PPRT_TENSORBOARD_H
