//===- AtomicDirectory.cpp - Files that are replaced together -------------===//
//
// Two ways to put a folder in the place of a directory. renameat2 exchanges two
// directories at once; whatever else was in the old one has a second name (a
// hard link) in the new one by then. Otherwise one rename decides which weights
// a reader finds: readers look for model.safetensors first, and for the index
// only where that is missing.
//
//   old       new       the rename or removal that decides
//   any       one file  model.safetensors is renamed over the old
//   one file  shards    model.safetensors is removed; the index is there
//   shards    shards    the index is renamed over the old, whose shards have
//                       got other names if new ones have theirs
//
//===----------------------------------------------------------------------===//

#include "AtomicDirectory.h"

#include "AtomicFile.h"
#include "Error.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace pprt;
namespace fs = std::filesystem;

static const char *const singleFile = "model.safetensors";
static const char *const indexFile = "model.safetensors.index.json";
/// Before the names of old shards while new ones have theirs.
static const std::string oldPrefix = "previous-";

/// `model-00002-of-00007.safetensors`.
static bool isShard(const std::string &name) {
  static const std::string pattern = "model-#####-of-#####.safetensors";
  return std::equal(name.begin(), name.end(), pattern.begin(), pattern.end(),
                    [](char found, char expected) {
                      return expected == '#' ? found >= '0' && found <= '9'
                                             : found == expected;
                    });
}

static bool isSetAside(const std::string &name) {
  return name.compare(0, oldPrefix.size(), oldPrefix) == 0 &&
         isShard(name.substr(oldPrefix.size()));
}

/// Whether a file holds weights, and goes when others are saved.
static bool isOfWeights(const std::string &name) {
  return name == singleFile || name == indexFile || isShard(name) ||
         isSetAside(name);
}

/// The names in a directory, sorted.
static std::vector<std::string> namesIn(const std::string &directory) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator at(directory, error), end; !error && at != end;
       at.increment(error))
    names.push_back(at->path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

static bool isThere(const std::string &path) {
  struct stat info;
  return lstat(path.c_str(), &info) == 0;
}

static void flushDirectory(const std::string &directory) {
  const int fd = open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0)
    return;
  fsync(fd);
  close(fd);
}

/// A folder of files and nothing else.
static void removeFolder(const std::string &folder) {
  for (const std::string &name : namesIn(folder))
    unlink((folder + "/" + name).c_str());
  rmdir(folder.c_str());
}

static void renameOrThrow(const std::string &from, const std::string &to) {
  if (rename(from.c_str(), to.c_str()) != 0)
    throw Error("cannot rename '" + from + "' to '" + to +
                "': " + systemError());
}

/// The begin of the names of folders beside or in `directory`.
static std::string folderPrefix(const std::string &name) {
  return "." + name + ".saving-";
}

/// Removes folders whose processes are gone: nobody holds their locks.
static void removeLeftovers(const std::string &parent,
                            const std::string &prefix) {
  for (const std::string &name : namesIn(parent)) {
    if (name.size() != prefix.size() + 6 ||
        name.compare(0, prefix.size(), prefix) != 0)
      continue;
    const std::string folder = parent + "/" + name;
    const int fd =
        open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
      continue;
    if (flock(fd, LOCK_EX | LOCK_NB) == 0)
      removeFolder(folder);
    close(fd);
  }
}

void AtomicDirectory::makeParents(const std::string &option) {
  std::error_code error;
  // Another run that only tries may remove a parent that it has made.
  for (int tries = 0; tries < 10; ++tries) {
    made.clear();
    // Those that do not exist yet, the deepest first.
    fs::path missing = directory;
    while (!missing.empty() && !fs::exists(missing, error)) {
      made.push_back(missing.string());
      missing = missing.parent_path();
    }
    error.clear();
    fs::create_directories(directory, error);
    if (error != std::errc::no_such_file_or_directory)
      break;
  }
  std::string wrong;
  if (error || !fs::is_directory(directory))
    wrong = "cannot make the directory '" + directory + "' of " + option +
            ": " + (error ? error.message() : "a file is there");
  else if (access(directory.c_str(), W_OK | X_OK) != 0)
    wrong = "cannot write to the directory '" + directory + "' of " + option +
            ": " + systemError();
  if (wrong.empty())
    return;
  for (const std::string &each : made)
    rmdir(each.c_str());
  throw Error(wrong);
}

/// Whether the directory is one that rename can move.
bool AtomicDirectory::canExchange() const {
  const std::string parent = fs::path(directory).parent_path().string();
  struct statx info, above;
  const unsigned wanted = STATX_INO | STATX_UID | STATX_MODE;
  if (parent == directory || access(parent.c_str(), W_OK | X_OK) != 0 ||
      statx(AT_FDCWD, directory.c_str(), 0, wanted, &info) != 0 ||
      statx(AT_FDCWD, parent.c_str(), 0, wanted, &above) != 0 ||
      info.stx_dev_major != above.stx_dev_major ||
      info.stx_dev_minor != above.stx_dev_minor ||
      (info.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0 ||
      info.stx_uid != geteuid())
    return false;
  // Relative paths of the process would lead into the old directory.
  std::error_code error;
  const std::string working = fs::canonical(".", error).string() + "/";
  if (error || working.compare(0, directory.size() + 1, directory + "/") == 0)
    return false;
  // Folders have no second name, and links may be relative.
  for (const std::string &name : namesIn(directory)) {
    struct stat each;
    if (lstat((directory + "/" + name).c_str(), &each) != 0 ||
        !S_ISREG(each.st_mode))
      return false;
  }
  return true;
}

AtomicDirectory::AtomicDirectory(const std::string &path,
                                 const std::string &option)
    : directory(path) {
  while (directory.size() > 1 && directory.back() == '/')
    directory.pop_back();
  makeParents(option);
  isNew = !made.empty();
  try {
    directory = fs::canonical(directory).string();
  } catch (const fs::filesystem_error &error) {
    throw Error("cannot find the directory '" + directory + "' of " + option +
                ": " + error.code().message());
  }
  const fs::path whole = directory;
  const std::string prefix = folderPrefix(whole.filename().string());
  const std::string parent = whole.parent_path().string();
  removeLeftovers(parent, prefix);
  removeLeftovers(directory, prefix);
  temporary = (canExchange() ? parent : directory) + "/" + prefix + "XXXXXX";
  if (mkdtemp(temporary.data()))
    lock = open(temporary.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (lock < 0) {
    const std::string why = systemError();
    rmdir(temporary.c_str());
    for (const std::string &each : made)
      rmdir(each.c_str());
    throw Error("cannot write to the directory '" + directory + "' of " +
                option + ": " + why);
  }
  flock(lock, LOCK_EX | LOCK_NB);
  // mkdtemp makes private folders; what comes in the place of a directory is as
  // open as that.
  struct stat info;
  if (stat(directory.c_str(), &info) == 0)
    chmod(temporary.c_str(), info.st_mode & 07777);
}

AtomicDirectory::~AtomicDirectory() {
  if (!temporary.empty())
    removeFolder(temporary);
  close(lock);
  for (const std::string &each : made)
    if (rmdir(each.c_str()) != 0)
      break; // there is something in it
}

/// Puts the folder in the place of the directory, in one step. False where that
/// is not possible; then nothing has changed.
bool AtomicDirectory::exchange() {
  std::vector<std::string> linked;
  auto undo = [&] {
    for (const std::string &name : linked)
      unlink((temporary + "/" + name).c_str());
    return false;
  };
  for (const std::string &name : namesIn(directory)) {
    const std::string to = temporary + "/" + name;
    if (isOfWeights(name) || isThere(to))
      continue;
    if (link((directory + "/" + name).c_str(), to.c_str()) != 0)
      return undo();
    linked.push_back(name);
  }
  flushDirectory(temporary);
  if (renameat2(AT_FDCWD, temporary.c_str(), AT_FDCWD, directory.c_str(),
                RENAME_EXCHANGE) != 0)
    return undo();
  flushDirectory(fs::path(directory).parent_path().string());
  // The folder has the old files now. One that has come meanwhile stays.
  for (const std::string &name : namesIn(temporary)) {
    const std::string old = temporary + "/" + name;
    const std::string kept = directory + "/" + name;
    if (isOfWeights(name) || isThere(kept))
      unlink(old.c_str());
    else
      rename(old.c_str(), kept.c_str());
  }
  rmdir(temporary.c_str());
  temporary.clear();
  return true;
}

/// Removes shards that were set aside, but for those that an index names: a
/// process that was killed has left them.
static void removeSetAside(const std::string &directory,
                           const std::set<std::string> &named) {
  for (const std::string &name : namesIn(directory))
    if (isSetAside(name) && !named.count(name))
      unlink((directory + "/" + name).c_str());
}

/// Gives the shards that an index names, of which new files have the names,
/// other ones, and the index with them. Where files cannot have two names the
/// index goes: then there is no model until the new one is in place.
static void setAside(const std::string &directory, const std::string &folder,
                     const std::set<std::string> &names) {
  const std::string path = directory + "/" + indexFile;
  std::ifstream stream(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(stream), {}};
  nlohmann::ordered_json index =
      nlohmann::ordered_json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!index.is_object() || !index.contains("weight_map") ||
      !index["weight_map"].is_object())
    return;
  std::set<std::string> named;
  for (const auto &entry : index["weight_map"])
    if (entry.is_string())
      named.insert(entry.get<std::string>());
  removeSetAside(directory, named);
  bool isMoved = false;
  for (auto &entry : index["weight_map"]) {
    if (!entry.is_string() || !names.count(entry.get<std::string>()))
      continue;
    const std::string from = directory + "/" + entry.get<std::string>();
    const std::string name = oldPrefix + entry.get<std::string>();
    if (!isThere(directory + "/" + name) &&
        link(from.c_str(), (directory + "/" + name).c_str()) != 0) {
      unlink(path.c_str());
      return flushDirectory(directory);
    }
    entry = name;
    isMoved = true;
  }
  if (!isMoved)
    return;
  const std::string changed = folder + "/" + oldPrefix + indexFile;
  AtomicFile file(changed);
  file.write(index.dump(2) + "\n");
  file.commit();
  renameOrThrow(changed, path);
  flushDirectory(directory);
}

void AtomicDirectory::replaceOneByOne() {
  const std::vector<std::string> names = namesIn(temporary);
  const std::set<std::string> fresh(names.begin(), names.end());
  auto put = [&](const std::string &name) {
    renameOrThrow(temporary + "/" + name, directory + "/" + name);
  };
  const bool hadFile = isThere(directory + "/" + singleFile);
  if (!hadFile)
    setAside(directory, temporary, fresh);
  for (const std::string &name : names)
    if (isShard(name))
      put(name);
  flushDirectory(directory);
  for (const std::string &name : names)
    if (!isShard(name) && name != singleFile && name != indexFile)
      put(name);
  if (fresh.count(singleFile))
    put(singleFile);
  if (fresh.count(indexFile)) {
    put(indexFile);
    flushDirectory(directory);
    if (hadFile)
      unlink((directory + "/" + singleFile).c_str());
  }
  flushDirectory(directory);
  for (const std::string &name : namesIn(directory))
    if (isOfWeights(name) && !fresh.count(name))
      unlink((directory + "/" + name).c_str());
  flushDirectory(directory);
}

void AtomicDirectory::commit() {
  flushDirectory(temporary);
  if (fs::path(temporary).parent_path() == fs::path(directory) || !exchange())
    replaceOneByOne();
  if (isNew)
    for (const std::string &each : made)
      flushDirectory(fs::path(each).parent_path().string());
  made.clear();
}
