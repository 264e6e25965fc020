//===- pp-compile.cpp - From a model to a training program ----------------===//

#include "pp/Driver/Compile.h"
#include "pp/Driver/Options.h"
#include "pp/InitAll.h"

#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/PrettyStackTrace.h"

int main(int argc, char **argv) {
  llvm::setBugReportMsg(pp::kBugReport);
  llvm::InitLLVM init(argc, argv);
  pp::driver::ParsedCommandLine parsed = pp::driver::parseCommandLine(
      llvm::ArrayRef<const char *>(argv, argc));
  if (!parsed.options)
    return parsed.exitStatus;
  return pp::driver::compile(*parsed.options, argv[0]);
}
