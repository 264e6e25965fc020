//===- Link.cpp - Object file to program ----------------------------------===//
//
// The runtime lies beside the tool, as it is built and as it is installed; what
// it depends on (MPI) lies where CMake found it. All of this is looked
// for before the compilation starts.
//
//===----------------------------------------------------------------------===//

#include "Link.h"
#include "Config.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;
using namespace pp::driver;

static Expected<std::string> findLinker(const CompileOptions &options) {
  if (!options.linker.empty()) {
    if (ErrorOr<std::string> path = sys::findProgramByName(options.linker))
      return *path;
    return createStringError("found no program '" + options.linker +
                             "', expected a C++ compiler driver such as "
                             "clang++-22 in --linker");
  }
  for (StringRef name : {PP_LINKER, "clang++-22", "clang++", "c++"})
    if (ErrorOr<std::string> path = sys::findProgramByName(name))
      return *path;
  return createStringError("found no C++ compiler driver to link with (looked "
                           "for " PP_LINKER ", clang++-22, clang++, c++), "
                           "install clang-22 or name one with --linker");
}

Expected<Toolchain> pp::driver::findToolchain(const CompileOptions &options,
                                              const char *toolPath) {
  Toolchain result;
  Expected<std::string> linker = findLinker(options);
  if (!linker)
    return linker.takeError();
  result.linker = *linker;

  SmallString<128> directory(options.runtimeDir);
  if (directory.empty()) {
    // Any address in this program helps the search for its path.
    directory = sys::fs::getMainExecutable(
        toolPath, reinterpret_cast<void *>(&findToolchain));
    sys::path::remove_filename(directory);
    sys::path::append(directory, "..", "lib");
    sys::path::remove_dots(directory, /*remove_dot_dot=*/true);
  }
  for (StringRef name : {"libpprt.a", "libpprt_kernels.a"}) {
    SmallString<128> path(directory);
    sys::path::append(path, name);
    if (!sys::fs::exists(path))
      return createStringError("found no '" + path +
                               "', expected the runtime; build it (ninja pprt "
                               "pprt_kernels) or name its directory with "
                               "--runtime-dir");
    result.libraries.push_back(std::string(path));
  }
  SmallVector<StringRef> others;
  StringRef(PP_LINK_LIBRARIES).split(others, ';', -1, /*KeepEmpty=*/false);
  for (StringRef path : others) {
    if (!sys::fs::exists(path))
      return createStringError("found no '" + path +
                               "', expected the library that pp was "
                               "configured with; install libopenmpi-dev or "
                               "configure pp again");
    result.libraries.push_back(path.str());
  }
  return result;
}

Error pp::driver::link(const Toolchain &toolchain, StringRef object,
                       StringRef output, bool verbose) {
  SmallVector<StringRef> arguments = {toolchain.linker, object, "-o", output};
  // lld is several times faster than the default linker.
  if (StringRef(toolchain.linker).contains("clang"))
    arguments.push_back("-fuse-ld=lld");
  StringRef(PP_LINK_FLAGS).split(arguments, ';', -1, /*KeepEmpty=*/false);
  arguments.append(toolchain.libraries.begin(), toolchain.libraries.end());
  arguments.append({"-lpthread", "-ldl", "-lm"});
  if (verbose)
    errs() << "link: " << join(arguments, " ") << "\n";
  std::string message;
  int status = sys::ExecuteAndWait(toolchain.linker, arguments, std::nullopt,
                                   {}, 0, 0, &message);
  if (status == 0)
    return Error::success();
  if (!message.empty())
    return createStringError("cannot run '" + toolchain.linker +
                             "': " + message);
  return createStringError("'" + toolchain.linker + "' failed with status " +
                           Twine(status) +
                           ", expected it to link the program; -v shows its "
                           "command line");
}
