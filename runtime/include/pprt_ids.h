//===- pprt_ids.h - Ids that an op cannot take ------------------*- C++ -*-===//
//
// What all that run ids checks share: compiled programs on any device, and the
// tools that compile in memory.
//
//===----------------------------------------------------------------------===//
#ifndef PPRT_IDS_H
#define PPRT_IDS_H

#include <cstdint>
#include <optional>
#include <string>

namespace pprt {

/// Ids in [0, size), and `ignored`, of an op that `reader` describes.
struct IdRange {
  const char *reader;
  int64_t size, ignored;
};

/// The first of `count` ids of 32 or 64 `bits`, `stride` elements apart, that
/// is out of range.
inline std::optional<int64_t> findIdOutOf(const IdRange &range, const void *ids,
                                          int64_t count, int64_t stride,
                                          int32_t bits) {
  for (int64_t i = 0; i < count; ++i) {
    int64_t id = bits == 32 ? static_cast<const int32_t *>(ids)[i * stride]
                            : static_cast<const int64_t *>(ids)[i * stride];
    if (uint64_t(id) >= uint64_t(range.size) && id != range.ignored)
      return id;
  }
  return std::nullopt;
}

/// `place` is where the op ran: text that follows its name.
inline std::string describeIdOutOf(const IdRange &range, int64_t id,
                                   const std::string &place) {
  std::string text = "found id " + std::to_string(id) + " in " + range.reader +
                     place + ", expected ids in [0, " +
                     std::to_string(range.size) + ")";
  if (uint64_t(range.ignored) >= uint64_t(range.size))
    text += " or ignore_index = " + std::to_string(range.ignored);
  return text;
}

} // namespace pprt

#endif // PPRT_IDS_H
