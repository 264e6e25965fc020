#include "Diagnostics.h"

#include <algorithm>
#include <cstdio>

using namespace pprt;

/// Between the errors of ranks that share a process: ASCII's record separator.
static constexpr char separator = '\x1e';

std::string pprt::joinErrors(const std::vector<std::string> &errors) {
  auto isEmpty = [](const std::string &error) { return error.empty(); };
  if (std::all_of(errors.begin(), errors.end(), isEmpty))
    return "";
  // What a notice between processes carries.
  const size_t longest = 1800 / errors.size();
  std::string text;
  for (size_t i = 0; i < errors.size(); ++i)
    text += (i ? std::string(1, separator) : "") + errors[i].substr(0, longest);
  return text;
}

/// The errors of ranks from those of processes. One that is not of single ranks
/// is that of all of its process.
static std::vector<std::string>
splitErrors(const std::vector<std::string> &processes) {
  long ranks = 1;
  for (const std::string &error : processes)
    ranks =
        std::max(ranks, 1 + std::count(error.begin(), error.end(), separator));
  std::vector<std::string> errors;
  for (const std::string &error : processes) {
    const bool isJoined = error.find(separator) != std::string::npos;
    size_t at = 0;
    for (long i = 0; i < ranks; ++i) {
      if (!isJoined) {
        errors.push_back(error);
        continue;
      }
      const size_t end = std::min(error.find(separator, at), error.size());
      errors.push_back(error.substr(at, end - at));
      at = end + 1;
    }
  }
  return errors;
}

void pprt::printErrors(const std::vector<std::string> &processes,
                       const RankNames &nameOf) {
  const std::vector<std::string> errors = splitErrors(processes);
  std::fflush(stdout);
  std::vector<bool> printed(errors.size());
  for (size_t i = 0; i < errors.size(); ++i) {
    if (printed[i] || errors[i].empty())
      continue;
    std::string who;
    int count = 0;
    for (size_t j = i; j < errors.size(); ++j)
      if (errors[j] == errors[i]) {
        printed[j] = true;
        who += (count++ ? ", " : "") + std::to_string(j);
      }
    if (count == int(errors.size()))
      std::fprintf(stderr, "error: %s\n", errors[i].c_str());
    else if (count == 1 && nameOf)
      std::fprintf(stderr, "error: %s: %s\n", nameOf(int(i)).c_str(),
                   errors[i].c_str());
    else
      std::fprintf(stderr, "error: %s %s: %s\n", count == 1 ? "rank" : "ranks",
                   who.c_str(), errors[i].c_str());
  }
  std::fflush(stderr);
}
