//===- CompareLibraries.h - Do all ranks compute alike? ---------*- C++ -*-===//
#ifndef PPRT_COMPARELIBRARIES_H
#define PPRT_COMPARELIBRARIES_H

#include "Device.h"

namespace pprt {

class Bootstrap;

/// Compares GPUs and versions of libraries over the ranks; all come here. Where
/// they differ, losses depend in their last bits on which rank has which stage:
/// rank 0 notes who has what. False if attention has to run by the program's
/// kernels on every rank, because some have no cuDNN.
bool compareLibraries(const DeviceLibraries &mine, Bootstrap &bootstrap);

} // namespace pprt

#endif // PPRT_COMPARELIBRARIES_H
