//===- PlanCache.cpp - Plans of libraries, kept in files ------------------===//
//
// A file is a line with a title, a line with the lengths of key and plan and
// the hash of both, then both.
//
//===----------------------------------------------------------------------===//
#include "PlanCache.h"

#include "AtomicFile.h"
#include "Error.h"
#include "Hash.h"

#include <cerrno>
#include <cinttypes>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <sys/stat.h>

using namespace pprt;

static const char title[] = "pprt plan 1\n";

static std::string headOf(const std::string &key, const std::string &plan) {
  char line[80];
  std::snprintf(line, sizeof line, "%zu %zu %016" PRIx64 "\n", key.size(),
                plan.size(), hashOf(key + plan));
  return title + std::string(line);
}

PlanCache::PlanCache(std::string folder, std::string machine, Note note)
    : folder(std::move(folder)), machine(std::move(machine)),
      note(std::move(note)) {
  // Where this fails, so does the first file.
  if (isOn())
    mkdir(this->folder.c_str(), 0777);
}

std::string PlanCache::keyOf(const std::string &problem) const {
  return "sources " PPRT_PLAN_SOURCES "\n" + machine + "\n" + problem + "\n";
}

std::string PlanCache::pathOf(const std::string &problem) const {
  char name[32];
  std::snprintf(name, sizeof name, "/%016" PRIx64 ".plan",
                hashOf(keyOf(problem)));
  return folder + name;
}

void PlanCache::reject(const std::string &problem,
                       const std::string &why) const {
  if (note)
    note("found " + why + " at '" + pathOf(problem) +
         "' (PPRT_CACHE_DIR), expected a plan: it is made anew");
}

std::optional<std::string> PlanCache::find(const std::string &problem) const {
  if (!isOn())
    return std::nullopt;
  const std::string path = pathOf(problem), key = keyOf(problem);
  struct stat info;
  if (stat(path.c_str(), &info) != 0)
    return std::nullopt;
  // To open a pipe could take for ever.
  std::ifstream file;
  if (S_ISREG(info.st_mode))
    file.open(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), {}};
  if (!file.is_open() || file.bad()) {
    reject(problem, "no file that can be read");
    return std::nullopt;
  }
  const std::string start = title;
  const size_t lineEnd = text.find('\n', start.size());
  size_t keyBytes = 0, planBytes = 0;
  if (text.compare(0, start.size(), start) != 0 ||
      lineEnd == std::string::npos ||
      std::sscanf(&text[start.size()], "%zu %zu", &keyBytes, &planBytes) != 2) {
    reject(problem, "another kind of file");
    return std::nullopt;
  }
  const size_t bytes = text.size() - lineEnd - 1;
  if (keyBytes > bytes || planBytes != bytes - keyBytes) {
    reject(problem, "a file that is not whole");
    return std::nullopt;
  }
  const std::string foundKey = text.substr(lineEnd + 1, keyBytes),
                    plan = text.substr(lineEnd + 1 + keyBytes);
  if (text.compare(0, lineEnd + 1, headOf(foundKey, plan)) != 0) {
    reject(problem, "a file that was changed");
    return std::nullopt;
  }
  if (foundKey != key) {
    reject(problem, "the plan of something else");
    return std::nullopt;
  }
  return plan;
}

void PlanCache::keep(const std::string &problem, const std::string &plan) {
  if (!isOn() || !canWrite)
    return;
  try {
    const std::string key = keyOf(problem);
    AtomicFile file(pathOf(problem));
    file.write(headOf(key, plan) + key + plan);
    file.commit();
  } catch (const Error &error) {
    // Once: the next file would fail as well. Ranks say the same: the name of
    // the file is left out.
    canWrite = false;
    const std::string what = error.what();
    if (note)
      note("found '" + folder + "' in PPRT_CACHE_DIR (" +
           what.substr(what.rfind(": ") + 2) +
           "), expected a folder that can be written: plans are not kept");
  }
}
