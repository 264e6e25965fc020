//===- Diagnostics.h - How errors look to the user ------------------------===//
#ifndef PPRT_DIAGNOSTICS_H
#define PPRT_DIAGNOSTICS_H

#include <functional>
#include <string>
#include <vector>

namespace pprt {

/// How a rank is called: "rank 5", or "rank 5 (pipe 2, data 1)".
using RankNames = std::function<std::string(int)>;

/// Prints the errors of all ranks (empty: none) to stderr, with the ranks that
/// found them. A text that several ranks share is printed once, and without
/// ranks if all share it.
void printErrors(const std::vector<std::string> &errors,
                 const RankNames &nameOf = nullptr);

/// The errors of ranks that share a process as one text, empty if all are;
/// `printErrors` takes it apart. Long ones are cut, as a process's is.
std::string joinErrors(const std::vector<std::string> &errors);

} // namespace pprt

#endif // PPRT_DIAGNOSTICS_H
