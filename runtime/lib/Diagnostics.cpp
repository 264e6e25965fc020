#include "Diagnostics.h"

#include <cstdio>

using namespace pprt;

void pprt::printErrors(const std::vector<std::string> &errors,
                       const RankNames &nameOf) {
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
