//===- Options.h - What a compilation is asked to do ------------*- C++ -*-===//

#ifndef PP_DRIVER_OPTIONS_H
#define PP_DRIVER_OPTIONS_H

#include "pp/Pipelines/Pipelines.h"

#include "llvm/ADT/ArrayRef.h"

#include <cstdint>
#include <optional>
#include <string>

namespace pp::driver {

/// What to write, in the order of the compilation.
enum class EmitKind {
  Plan,
  Rank,
  Roofline,
  LLVMDialect,
  LLVM,
  Object,
  Program
};

/// One compilation. The defaults are those of the command line.
struct CompileOptions {
  std::string input;  ///< path of the model; "-" is standard input
  std::string output; ///< path of the result; "-" is standard output
  EmitKind emit = EmitKind::Program;
  pp::PipelineOptions pipeline; ///< CPU and fingerprint are found later

#include "pp/Pipelines/CompileOptions.h.inc"
};

/// What the command line asks for: a compilation, or nothing more (help,
/// version or an error have been printed).
struct ParsedCommandLine {
  std::optional<CompileOptions> options;
  int exitStatus = 0; ///< if there are no options
};

/// Reads pp-compile's command line. Prints help, version and errors itself.
ParsedCommandLine parseCommandLine(llvm::ArrayRef<const char *> arguments);

} // namespace pp::driver

#endif // PP_DRIVER_OPTIONS_H
