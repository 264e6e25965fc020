//===- pp-compile.cpp - From a model to a training program ----------------===//

#include "pp/Driver/Compile.h"
#include "pp/Driver/Options.h"

#include "llvm/Support/InitLLVM.h"

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  pp::driver::ParsedCommandLine parsed = pp::driver::parseCommandLine(
      llvm::ArrayRef<const char *>(argv, argc));
  if (!parsed.options)
    return parsed.exitStatus;
  return pp::driver::compile(*parsed.options, argv[0]);
}
