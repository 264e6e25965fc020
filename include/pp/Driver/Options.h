//===- Options.h - What a compilation is asked to do ------------*- C++ -*-===//

#ifndef PP_DRIVER_OPTIONS_H
#define PP_DRIVER_OPTIONS_H

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

  unsigned ranks = 1;
  std::string meshOrder = "pipe,data,tensor"; ///< axes, the slowest first
  unsigned microbatches = 8;
  std::string schedule = "1f1b";        ///< a name or a file
  unsigned virtualStages = 0;           ///< a rank; 0: as the schedule has
  std::optional<std::string> recompute; ///< nothing: as the model says
  std::string precision = "f32";        ///< what layers compute in
  bool splitBackward = false;
  bool unroll = false;   ///< programs without loops
  std::string semantics; ///< empty: what the target's transports give
  std::optional<uint64_t> memoryLimit; ///< bytes a rank may need

  std::string profile; ///< file of measured times; empty: none
  std::string machine; ///< file of rates, for Roofline

  std::string target = "cpu";        ///< cpu or cuda
  std::string chip;                  ///< of kernels; empty: PTX for sm_90a
  std::string epilogues = "all";     ///< fused into products: all, bias or none
  std::string deterministic = "all"; ///< in each run: all or attention-off
  std::string cudnn = "9.19";        ///< oldest version to plan workspaces for
  bool emulateDevice = false;        ///< kernels for the host, too

  unsigned optimization = 3;
  std::string targetCPU = "native";
  std::string targetFeatures; ///< added to those of the CPU
  std::string linker;         ///< empty: find one
  std::string runtimeDir;     ///< empty: relative to the tool

  bool verbose = false;
  bool quiet = false;
  bool timePasses = false;
  bool printPipeline = false; ///< as a command line of pp-opt
  bool saveTemps = false;
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
