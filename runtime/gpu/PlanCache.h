//===- PlanCache.h - Plans of libraries, kept in files --------------------===//
//
// A library takes long to choose a plan, and chooses the same one each time.
// With PPRT_CACHE_DIR a plan is a file of that folder, which later programs
// read.
//
// A plan is kept under a key, a text with all that the choice depends on:
// library, device and driver, problem, and the sources that ask the library.
// The file is named by a hash of the key and has the key in it, so another
// key's plan is never taken. A plan has a file of its own: ranks and programs
// write theirs without a lock, and the last of several writers of a plan wins.
//
//===----------------------------------------------------------------------===//
#ifndef PPRT_GPU_PLANCACHE_H
#define PPRT_GPU_PLANCACHE_H

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace pprt {

class PlanCache {
public:
  using Note = std::function<void(const std::string &)>;

  /// Of the files in `folder`, which is made if it is missing; without a name
  /// nothing is kept. `machine` is the device and its driver. Never throws, as
  /// all that follows: a cache that does not work is a note, and plans are
  /// made.
  PlanCache(std::string folder, std::string machine, Note note);

  bool isOn() const { return !folder.empty(); }
  /// What was kept for `problem`, which names the library with its version and
  /// all that it is asked; nothing, with a note, where the file is not whole.
  std::optional<std::string> find(const std::string &problem) const;
  void keep(const std::string &problem, const std::string &plan);
  /// Notes that what was found is of no use: it is to be made anew.
  void reject(const std::string &problem, const std::string &why) const;
  /// The file of `problem`.
  std::string pathOf(const std::string &problem) const;

private:
  std::string keyOf(const std::string &problem) const;

  std::string folder, machine;
  Note note;
  bool canWrite = true;
};

} // namespace pprt

#endif // PPRT_GPU_PLANCACHE_H
