//===- CreateBackend.cpp - The backend of a run ---------------------------===//
//
// The one place that knows all backends. It lies above lib and gpu: of these,
// gpu knows lib, and lib neither.
//
//===----------------------------------------------------------------------===//
#include "CreateBackend.h"

#include "DeviceBackend.h"
#include "HostBackend.h"

using namespace pprt;

std::unique_ptr<Backend> pprt::createBackend(const BackendSetup &setup) {
  if (setup.description.target != "cpu")
    return std::make_unique<DeviceBackend>(setup);
  if (setup.options.emulate)
    return std::make_unique<EmulationBackend>(setup);
  return std::make_unique<HostBackend>(setup);
}
