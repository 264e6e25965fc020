//===- Compile.h - One compilation from file to file ------------*- C++ -*-===//

#ifndef PP_DRIVER_COMPILE_H
#define PP_DRIVER_COMPILE_H

#include "pp/Driver/Options.h"

namespace pp::driver {

/// Compiles the model, prints the table of ranks to standard output and errors
/// to standard error. `toolPath` (argv[0]) is where the runtime is looked for.
/// The output appears whole or not at all. Returns the exit status.
int compile(const CompileOptions &options, const char *toolPath);

} // namespace pp::driver

#endif // PP_DRIVER_COMPILE_H
