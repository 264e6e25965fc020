//===- Shorten.cpp - Schedules without their repetitions ------------------===//
//
// For a step of s micro-batches, each action looks at how far behind it the
// same action stands on the micro-batch s later. Where that distance stays the
// same along the row, the row repeats with this distance as its period. Steps
// are tried from 1 on until one is found that works on all ranks: 1F1B and the
// zero-bubble schedules repeat with 1, interleaved ones with the size of their
// groups. No schedule is known by its name.
//
//===----------------------------------------------------------------------===//

#include "pp/Schedule/Shorten.h"
#include "pp/Schedule/Verifier.h"

#include <algorithm>
#include <map>

using namespace pp::schedule;

namespace {
/// What does not change between rounds.
using Class = std::pair<int32_t, Kind>;

constexpr int32_t kLargestStep = 256;

Class classOf(const Action &action) { return {action.stage, action.kind}; }

/// The section that decides which actions of a class come later than the
/// rounds left out. B is I and W in one: a row may run some micro-batches the
/// one way and some the other.
class SectionOf {
public:
  void assign(Class key, size_t section) { sections.emplace(key, section); }
  bool contains(Class key) const { return sections.count(key); }

  std::optional<size_t> lookup(Class key) const {
    auto [stage, kind] = key;
    for (Kind like : {kind, Kind::Backward, Kind::InputGradient}) {
      auto it = sections.find({stage, like});
      if (it != sections.end())
        return it->second;
      if (kind == Kind::Forward)
        break;
    }
    return std::nullopt;
  }

private:
  std::map<Class, size_t> sections;
};

/// The classes of a round.
SectionOf assignClasses(const std::vector<Action> &row,
                        const std::vector<Section> &sections) {
  SectionOf result;
  for (size_t i = 0; i < sections.size(); ++i)
    for (size_t j = 0; j < sections[i].period; ++j)
      result.assign(classOf(row[sections[i].begin + j]), i);
  return result;
}

/// The sections of a row for a step, each class in one; nothing if a class is
/// in none.
std::optional<std::vector<Section>> findSections(const std::vector<Action> &row,
                                                 int32_t microbatches,
                                                 int32_t step, size_t least) {
  constexpr size_t kNowhere = ~size_t(0);
  std::map<Class, std::vector<size_t>> places;
  for (size_t i = 0; i < row.size(); ++i) {
    std::vector<size_t> &ofClass = places[classOf(row[i])];
    ofClass.resize(microbatches, kNowhere);
    ofClass[row[i].microbatch] = i;
  }
  auto distance = [&](size_t i) -> size_t {
    int32_t later = row[i].microbatch + step;
    size_t place = later < microbatches
                       ? places.find(classOf(row[i]))->second[later]
                       : kNowhere;
    return place != kNowhere && place > i ? place - i : 0;
  };
  std::vector<Section> candidates;
  for (size_t begin = 0; begin < row.size();) {
    size_t period = distance(begin), end = begin + 1;
    while (end < row.size() && distance(end) == period)
      ++end;
    if (period && (end - begin) / period + 1 >= least)
      candidates.push_back({begin, period, (end - begin) / period + 1});
    begin = end;
  }
  // The longest win: the forwards of a warm-up repeat as well.
  std::sort(candidates.begin(), candidates.end(),
            [](const Section &a, const Section &b) {
              size_t lengthA = a.period * a.rounds,
                     lengthB = b.period * b.rounds;
              return lengthA != lengthB ? lengthA > lengthB : a.begin < b.begin;
            });
  std::vector<Section> sections;
  SectionOf sectionOf;
  for (const Section &candidate : candidates) {
    std::map<Class, int32_t> counts;
    for (size_t i = 0; i < candidate.period; ++i)
      ++counts[classOf(row[candidate.begin + i])];
    bool fits = std::all_of(counts.begin(), counts.end(), [&](auto &entry) {
      return entry.second == step && !sectionOf.contains(entry.first);
    });
    if (!fits)
      continue;
    for (auto &[key, count] : counts)
      sectionOf.assign(key, sections.size());
    sections.push_back(candidate);
  }
  for (auto &[key, ofClass] : places)
    if (!sectionOf.lookup(key))
      return std::nullopt;
  std::sort(
      sections.begin(), sections.end(),
      [](const Section &a, const Section &b) { return a.begin < b.begin; });
  return sections;
}

/// The row without `rounds` rounds behind the first of each section.
std::vector<Action> leaveOut(const std::vector<Action> &row,
                             const std::vector<Section> &sections,
                             int32_t rounds, int32_t step) {
  SectionOf sectionOf = assignClasses(row, sections);
  std::vector<Action> result;
  for (size_t i = 0; i < row.size(); ++i) {
    Action action = row[i];
    bool isLeftOut = false;
    for (const Section &section : sections) {
      size_t first = section.begin + section.period;
      isLeftOut |= i >= first && i < first + rounds * section.period;
    }
    if (isLeftOut)
      continue;
    const Section &section = sections[*sectionOf.lookup(classOf(action))];
    if (i >= section.begin + section.period)
      action.microbatch -= rounds * step;
    result.push_back(action);
  }
  return result;
}

std::optional<Shortened> shortenBy(const Schedule &schedule, int32_t step,
                                   int32_t kept) {
  Shortened result;
  result.step = step;
  size_t fewest = ~size_t(0);
  for (const std::vector<Action> &row : schedule.ranks) {
    auto sections =
        findSections(row, schedule.microbatches, step, size_t(kept) + 2);
    if (!sections)
      return std::nullopt;
    for (const Section &section : *sections)
      fewest = std::min(fewest, section.rounds);
    result.sections.push_back(std::move(*sections));
  }
  if (fewest == ~size_t(0))
    return std::nullopt;
  result.rounds = int32_t(fewest) - kept;
  result.schedule.name = schedule.name;
  result.schedule.stages = schedule.stages;
  result.schedule.placement = schedule.placement;
  result.schedule.microbatches = schedule.microbatches - result.rounds * step;
  for (size_t rank = 0; rank < schedule.ranks.size(); ++rank) {
    result.schedule.ranks.push_back(leaveOut(
        schedule.ranks[rank], result.sections[rank], result.rounds, step));
    size_t removed = 0;
    for (Section &section : result.sections[rank]) {
      section.begin -= removed;
      section.rounds -= result.rounds;
      removed += result.rounds * section.period;
    }
  }
  // What repeats on each rank alone may not fit together.
  if (!verify(result.schedule).empty() ||
      stretch(result).ranks != schedule.ranks)
    return std::nullopt;
  return result;
}
} // namespace

std::optional<Shortened> pp::schedule::shorten(const Schedule &schedule,
                                               int32_t keptRounds,
                                               int32_t keptMicrobatches) {
  for (auto &transfers : schedule.transfers)
    if (!transfers.empty())
      return std::nullopt;
  int32_t largest =
      std::min(kLargestStep, schedule.microbatches / (keptRounds + 2));
  for (int32_t step = 1; step <= largest; ++step) {
    int32_t kept = std::max(keptRounds, (keptMicrobatches + step - 1) / step);
    if (auto result = shortenBy(schedule, step, kept))
      return result;
  }
  return std::nullopt;
}

Schedule pp::schedule::stretch(const Shortened &shortened) {
  Schedule result = shortened.schedule;
  int32_t more = shortened.rounds * shortened.step;
  result.microbatches += more;
  for (size_t rank = 0; rank < result.ranks.size(); ++rank) {
    const std::vector<Action> &row = shortened.schedule.ranks[rank];
    const std::vector<Section> &sections = shortened.sections[rank];
    SectionOf sectionOf = assignClasses(row, sections);
    std::vector<Action> &stretched = result.ranks[rank];
    stretched.clear();
    for (size_t i = 0; i <= row.size(); ++i) {
      for (const Section &section : sections)
        if (i == section.begin + section.period)
          for (int32_t round = 1; round <= shortened.rounds; ++round)
            for (size_t j = section.begin; j < i; ++j) {
              stretched.push_back(row[j]);
              stretched.back().microbatch += round * shortened.step;
            }
      if (i == row.size())
        break;
      stretched.push_back(row[i]);
      auto section = sectionOf.lookup(classOf(row[i]));
      if (section && i >= sections[*section].begin + sections[*section].period)
        stretched.back().microbatch += more;
    }
  }
  return result;
}
