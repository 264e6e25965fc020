//===- OutputFile.h - Files that appear whole -------------------*- C++ -*-===//

#ifndef PP_LIB_DRIVER_OUTPUTFILE_H
#define PP_LIB_DRIVER_OUTPUTFILE_H

#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <string>

namespace pp::driver {

/// Nothing if a file can be made at `path`; else why not, with the remedy.
/// For the start of a compilation: to fail at its end would waste it.
llvm::Error checkWritable(llvm::StringRef path);

/// Writes `path` through a temporary file beside it and a rename ("-": straight
/// to standard output), so that there is never half a file under the name.
llvm::Error writeFile(llvm::StringRef path,
                      llvm::function_ref<void(llvm::raw_ostream &)> write);

/// A name beside `path` that is not in use, removed with this object unless it
/// was renamed to `path`.
class TemporaryFile {
public:
  static llvm::Expected<TemporaryFile> createBeside(llvm::StringRef path,
                                                    llvm::StringRef suffix);
  TemporaryFile(TemporaryFile &&other) : name(std::move(other.name)) {
    other.name.clear();
  }
  ~TemporaryFile();

  llvm::StringRef getPath() const { return name; }
  llvm::Error renameTo(llvm::StringRef path);

private:
  explicit TemporaryFile(std::string name) : name(std::move(name)) {}
  std::string name;
};

} // namespace pp::driver

#endif // PP_LIB_DRIVER_OUTPUTFILE_H
