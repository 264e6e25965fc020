//===- Diagnostics.h - How errors look to the user ------------------------===//
#ifndef PPRT_DIAGNOSTICS_H
#define PPRT_DIAGNOSTICS_H

#include <string>
#include <vector>

namespace pprt {

/// Prints the errors of all ranks (empty: none) to stderr, with the ranks that
/// found them. A text that several ranks share is printed once, and without
/// ranks if all share it.
void printErrors(const std::vector<std::string> &errors);

} // namespace pprt

#endif // PPRT_DIAGNOSTICS_H
