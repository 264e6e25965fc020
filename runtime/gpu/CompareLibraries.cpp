//===- CompareLibraries.cpp - Do all ranks compute alike? -----------------===//
#include "CompareLibraries.h"

#include "Bootstrap.h"
#include "RankNotes.h"

#include <algorithm>
#include <array>
#include <unistd.h>

using namespace pprt;

namespace {
enum Field { chip, gemm, attention, noAttention, host, numFields };
using Fields = std::array<std::string, numFields>;
using Groups = std::vector<std::pair<std::string, std::vector<int>>>;
} // namespace

static std::string write(const Fields &fields) {
  std::string text;
  for (const std::string &field : fields)
    text += field + '\0';
  return text;
}

static Fields read(const std::string &text) {
  Fields fields;
  size_t at = 0;
  for (std::string &field : fields) {
    size_t end = text.find('\0', at);
    field = text.substr(at, end - at);
    at = end + 1;
  }
  return fields;
}

/// Who has what of a field, in order of the ranks.
static Groups groupBy(const std::vector<Fields> &all, Field field) {
  Groups groups;
  for (size_t rank = 0; rank < all.size(); ++rank) {
    auto group = std::find_if(groups.begin(), groups.end(), [&](auto &known) {
      return known.first == all[rank][field];
    });
    if (group == groups.end())
      group = groups.insert(group, {all[rank][field], {}});
    group->second.push_back(int(rank));
  }
  return groups;
}

/// "rank 3 (node7)".
static std::string place(const std::vector<Fields> &all,
                         const std::vector<int> &ranks) {
  std::vector<std::string> hosts;
  for (int rank : ranks)
    if (std::find(hosts.begin(), hosts.end(), all[rank][host]) == hosts.end())
      hosts.push_back(all[rank][host]);
  std::string text = listRanks(ranks) + " (";
  for (size_t i = 0; i < hosts.size() && i < 4; ++i)
    text += (i ? ", " : "") + hosts[i];
  return text + (hosts.size() > 4 ? ", ...)" : ")");
}

static void noteDifference(const std::vector<Fields> &all, Field field,
                           const char *advice) {
  Groups groups = groupBy(all, field);
  if (groups.size() < 2)
    return;
  std::string text = "found ";
  for (size_t i = 0; i < groups.size(); ++i) {
    text += i == 0 ? "" : i + 1 == groups.size() ? " and " : ", ";
    text += groups[i].first + " on " + place(all, groups[i].second);
  }
  printNote(text +
            ", expected the same everywhere: results depend in their last bits "
            "on which rank has which stage; " +
            advice);
}

/// On rank 0.
static bool compare(const std::vector<Fields> &all) {
  noteDifference(all, chip, "use equal GPUs where that matters");
  noteDifference(all, gemm, "install one version");
  std::vector<int> lacking;
  for (size_t rank = 0; rank < all.size(); ++rank)
    if (!all[rank][noAttention].empty())
      lacking.push_back(int(rank));
  if (lacking.empty()) {
    noteDifference(all, attention,
                   "install one version, or run with --attention=generated");
    return true;
  }
  std::string text = all[lacking[0]][noAttention];
  if (lacking.size() < all.size())
    text = place(all, lacking) + ": " + text +
           "; attention runs by generated kernels on all ranks";
  else
    text += "; attention runs by generated kernels";
  printNote(text);
  return false;
}

bool pprt::compareLibraries(const DeviceLibraries &mine, Bootstrap &bootstrap) {
  char name[256] = {};
  gethostname(name, sizeof name - 1);
  std::vector<Fields> all;
  for (const std::string &text : bootstrap.gather(write(
           {mine.chip, mine.gemm, mine.attention, mine.noAttention, name})))
    all.push_back(read(text));
  int32_t keeps = bootstrap.rank() != 0 || compare(all);
  bootstrap.broadcast(&keeps, sizeof keeps);
  return keeps != 0;
}
