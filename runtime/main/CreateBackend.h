//===- CreateBackend.h - The backend of a run -------------------*- C++ -*-===//
#ifndef PPRT_CREATEBACKEND_H
#define PPRT_CREATEBACKEND_H

#include "Backend.h"

namespace pprt {

/// By the program's target and the command line: a device for programs for
/// GPUs, else this CPU, computing or asleep. Opens nothing.
std::unique_ptr<Backend> createBackend(const BackendSetup &setup);

} // namespace pprt

#endif // PPRT_CREATEBACKEND_H
