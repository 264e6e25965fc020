//===- OutputFile.cpp - Files that appear whole ---------------------------===//

#include "OutputFile.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/Signals.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;
using namespace pp::driver;

static Error cannotWrite(StringRef path, StringRef why) {
  return createStringError("cannot write '" + path + "': " + why +
                           ", expected a path that can be written; choose "
                           "another with -o");
}

/// The directory a file at `path` is in.
static StringRef parentOf(StringRef path) {
  StringRef parent = sys::path::parent_path(path);
  return parent.empty() ? "." : parent;
}

Error pp::driver::checkWritable(StringRef path) {
  if (path == "-")
    return Error::success();
  if (sys::fs::is_directory(path))
    return cannotWrite(path, "found a directory");
  // A rename would put a file in the place of a device such as /dev/null.
  if (sys::fs::exists(path) && !sys::fs::is_regular_file(path))
    return cannotWrite(path, "found a device or a pipe");
  StringRef parent = parentOf(path);
  if (!sys::fs::is_directory(parent))
    return cannotWrite(path, ("found no directory '" + parent + "'").str());
  if (std::error_code error =
          sys::fs::access(parent, sys::fs::AccessMode::Write))
    return cannotWrite(
        path, ("directory '" + parent + "': " + error.message()).str());
  return Error::success();
}

Error pp::driver::writeFile(StringRef path,
                            function_ref<void(raw_ostream &)> write) {
  if (path == "-") {
    write(outs());
    outs().flush();
    return Error::success();
  }
  Expected<TemporaryFile> temporary = TemporaryFile::createBeside(path, "");
  if (!temporary)
    return temporary.takeError();
  std::error_code error;
  raw_fd_ostream os(temporary->getPath(), error);
  if (error)
    return cannotWrite(path, error.message());
  write(os);
  os.close();
  if (os.has_error()) {
    std::string why = os.error().message();
    os.clear_error();
    return cannotWrite(path, why);
  }
  return temporary->renameTo(path);
}

Expected<TemporaryFile> TemporaryFile::createBeside(StringRef path,
                                                    StringRef suffix) {
  SmallString<128> model(parentOf(path));
  sys::path::append(model,
                    "." + sys::path::filename(path) + ".%%%%%%%%" + suffix);
  SmallString<128> name;
  int descriptor;
  if (std::error_code error =
          sys::fs::createUniqueFile(model, descriptor, name))
    return cannotWrite(path, error.message());
  sys::Process::SafelyCloseFileDescriptor(descriptor);
  sys::RemoveFileOnSignal(name);
  return TemporaryFile(std::string(name));
}

Error TemporaryFile::renameTo(StringRef path) {
  if (std::error_code error = sys::fs::rename(name, path))
    return cannotWrite(path, error.message());
  sys::DontRemoveFileOnSignal(name);
  name.clear();
  return Error::success();
}

TemporaryFile::~TemporaryFile() {
  if (name.empty())
    return;
  sys::fs::remove(name);
  sys::DontRemoveFileOnSignal(name);
}
