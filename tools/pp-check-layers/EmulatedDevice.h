//===- EmulatedDevice.h - What layers for GPUs call -------------*- C++ -*-===//

#ifndef PP_TOOLS_PP_CHECK_LAYERS_EMULATEDDEVICE_H
#define PP_TOOLS_PP_CHECK_LAYERS_EMULATEDDEVICE_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

namespace pp {
/// The functions of pprt_gpu.h on this machine, whose context is the address of
/// the program's `pprt_gpu_program_code`. They end the process with an error
/// where the runtime would keep it.
llvm::ArrayRef<std::pair<llvm::StringRef, void *>> emulatedDeviceSymbols();
} // namespace pp

#endif // PP_TOOLS_PP_CHECK_LAYERS_EMULATEDDEVICE_H
