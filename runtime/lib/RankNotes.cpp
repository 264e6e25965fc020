//===- RankNotes.cpp - What ranks have to say, each thing once ------------===//
#include "RankNotes.h"

#include "Bootstrap.h"

#include <cstdio>

using namespace pprt;

std::string pprt::listRanks(const std::vector<int> &ranks) {
  if (ranks.empty())
    return "no rank";
  if (ranks.size() == 1)
    return "rank " + std::to_string(ranks[0]);
  if (ranks.size() > 2 && ranks.back() - ranks[0] == int(ranks.size()) - 1)
    return "ranks " + std::to_string(ranks[0]) + " to " +
           std::to_string(ranks.back());
  std::string text = "ranks " + std::to_string(ranks[0]);
  for (size_t i = 1; i < ranks.size(); ++i)
    text += (i + 1 == ranks.size() ? " and " : ", ") + std::to_string(ranks[i]);
  return text;
}

void pprt::printNote(const std::string &text) {
  std::fprintf(stderr, "note: %s\n", text.c_str());
}

void RankNotes::say(Bootstrap &bootstrap, int rank) {
  std::string mine;
  for (const std::string &text : waiting)
    mine += text + '\0';
  waiting.clear();
  std::vector<std::string> all = bootstrap.gather(mine);
  if (rank != 0)
    return;
  std::vector<std::pair<std::string, std::vector<int>>> notes; // in order
  for (size_t from = 0; from < all.size(); ++from)
    for (size_t at = 0; at < all[from].size();) {
      size_t end = all[from].find('\0', at);
      std::string text = all[from].substr(at, end - at);
      at = end + 1;
      size_t i = 0;
      while (i < notes.size() && notes[i].first != text)
        ++i;
      if (i == notes.size())
        notes.emplace_back(text, std::vector<int>());
      notes[i].second.push_back(int(from));
    }
  for (auto &[text, ranks] : notes)
    printNote(ranks.size() == all.size() ? text
                                         : listRanks(ranks) + ": " + text);
}
