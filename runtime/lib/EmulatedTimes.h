//===- EmulatedTimes.h - What --emulate makes of its value ----------------===//
#ifndef PPRT_EMULATEDTIMES_H
#define PPRT_EMULATEDTIMES_H

#include "Description.h"

#include <string>

namespace pprt {

/// Times for --emulate: `text` is F,I,W in ms, one duration for all of them, or
/// empty for the planned ones. Throws Error.
StageTimes parseEmulatedTimes(const std::string &text,
                              const Description &description);

} // namespace pprt

#endif // PPRT_EMULATEDTIMES_H
