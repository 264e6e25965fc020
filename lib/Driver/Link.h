//===- Link.h - Object file to program --------------------------*- C++ -*-===//

#ifndef PP_LIB_DRIVER_LINK_H
#define PP_LIB_DRIVER_LINK_H

#include "pp/Driver/Options.h"

#include "llvm/Support/Error.h"

namespace pp::driver {

/// The linker and the libraries of a program, all of them there.
struct Toolchain {
  std::string linker;                 ///< a C++ compiler driver
  std::vector<std::string> libraries; ///< in link order
};

/// Finds the toolchain, or says what is missing and how to get it.
llvm::Expected<Toolchain> findToolchain(const CompileOptions &options,
                                        const char *toolPath);

/// Links `object` to the executable `output`.
llvm::Error link(const Toolchain &toolchain, llvm::StringRef object,
                 llvm::StringRef output, bool verbose);

} // namespace pp::driver

#endif // PP_LIB_DRIVER_LINK_H
