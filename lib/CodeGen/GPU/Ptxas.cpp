//===- Ptxas.cpp - PTX to code for one chip -------------------------------===//

#include "pp/CodeGen/GPU/Ptxas.h"

#include "mlir/IR/Diagnostics.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/raw_ostream.h"

#include <cstdlib>

using namespace mlir;

std::string pp::findPtxas() {
  SmallVector<std::string> directories;
  if (const char *home = std::getenv("CUDA_HOME"))
    directories.push_back(std::string(home) + "/bin");
  auto in = [](ArrayRef<StringRef> paths) -> std::string {
    auto found = llvm::sys::findProgramByName("ptxas", paths);
    return found ? *found : "";
  };
  for (const std::string &directory : directories)
    if (std::string found = in({directory}); !found.empty())
      return found;
  if (std::string found = in({}); !found.empty())
    return found;
  return in({"/usr/local/cuda/bin"});
}

FailureOr<pp::Assembled> pp::assemble(StringRef ptxas, StringRef chip,
                                      StringRef ptx, Location loc) {
  // Input, output and what ptxas says.
  SmallVector<SmallString<128>> files(3);
  llvm::scope_exit remove([&] {
    for (SmallString<128> &file : files)
      if (!file.empty())
        llvm::sys::fs::remove(file);
  });
  for (auto [file, suffix] :
       llvm::zip(files, ArrayRef<StringRef>{"ptx", "cubin", "txt"}))
    if (std::error_code code =
            llvm::sys::fs::createTemporaryFile("pp-kernels", suffix, file))
      return emitError(loc)
             << "cannot write a temporary file: " << code.message();
  {
    std::error_code code;
    llvm::raw_fd_ostream os(files[0], code);
    os << ptx;
    os.close();
    if (code || os.has_error())
      return emitError(loc) << "cannot write '" << files[0] << "'";
  }
  std::string arch = ("-arch=" + chip).str();
  StringRef arguments[] = {ptxas, "-v", arch, files[0], "-o", files[1]};
  std::optional<StringRef> redirects[] = {StringRef(), files[2].str(),
                                          files[2].str()};
  std::string message;
  int status = llvm::sys::ExecuteAndWait(ptxas, arguments, std::nullopt,
                                         redirects, 0, 0, &message);
  Assembled result;
  if (auto report = llvm::MemoryBuffer::getFile(files[2]))
    result.report = (*report)->getBuffer().str();
  if (status != 0)
    return emitError(loc) << "found that '" << ptxas << " " << arch
                          << "' fails, expected it to assemble the kernels: "
                          << (result.report.empty() ? message : result.report)
                          << "; install a ptxas that knows the chip, or name "
                             "none: the driver assembles PTX at start";
  auto cubin = llvm::MemoryBuffer::getFile(files[1]);
  if (!cubin)
    return emitError(loc) << "cannot read '" << files[1]
                          << "': " << cubin.getError().message();
  result.cubin = (*cubin)->getBuffer().str();
  if (result.cubin.empty())
    return emitError(loc) << "found that '" << ptxas << " " << arch
                          << "' writes no code, expected a cubin: install "
                             "NVIDIA's CUDA toolkit again";
  return result;
}
