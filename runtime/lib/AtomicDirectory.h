//===- AtomicDirectory.h - Files that are replaced together ---------------===//
#ifndef PPRT_ATOMICDIRECTORY_H
#define PPRT_ATOMICDIRECTORY_H

#include <string>
#include <vector>

namespace pprt {

/// The files of a model in a directory, which appear whole or not at all:
/// written into a folder of their own, flushed, put in place by `commit`.
/// Whatever ends the process before, the directory is as it was. Weights of an
/// earlier model and their index go; other files stay unless new ones have
/// their names.
///
/// Where the directory can be exchanged as a whole, it is. Where it cannot (a
/// mount point, the working directory, a parent that cannot be written to,
/// folders or links inside, a file system without renameat2), files are renamed
/// one by one, so that at each moment weights are all of one model; config.json
/// is renamed just before them.
class AtomicDirectory {
public:
  /// Makes the folder, and parents that are missing. Removes folders that
  /// processes which were killed have left. Throws Error that names `option`.
  AtomicDirectory(const std::string &directory, const std::string &option);
  /// Removes the folder, and parents that it has made and that are empty.
  ~AtomicDirectory();
  AtomicDirectory(const AtomicDirectory &) = delete;
  AtomicDirectory &operator=(const AtomicDirectory &) = delete;

  /// Where the files are written.
  const std::string &folder() const { return temporary; }
  /// All files of the folder have been flushed. Throws Error.
  void commit();

private:
  void makeParents(const std::string &option);
  bool canExchange() const;
  bool exchange();
  void replaceOneByOne();

  std::string directory; ///< links resolved
  std::string temporary;
  std::vector<std::string> made; ///< the deepest first
  int lock = -1;                 ///< the folder, locked while it is in use
  bool isNew = false;            ///< the directory is not there yet
};

} // namespace pprt

#endif // PPRT_ATOMICDIRECTORY_H
