#include "Library.h"

#include "Environment.h"
#include "Error.h"

#include <algorithm>
#include <cstring>
#include <dlfcn.h>
#include <elf.h>
#include <fstream>
#include <glob.h>
#include <sstream>
#include <unistd.h>

using namespace pprt;

static std::vector<std::string> split(const char *paths) {
  std::vector<std::string> result;
  std::istringstream stream(paths ? paths : "");
  for (std::string path; std::getline(stream, path, ':');)
    if (!path.empty())
      result.push_back(path);
  return result;
}

static void addMatches(const std::string &pattern,
                       std::vector<std::string> &folders) {
  glob_t found;
  if (glob(pattern.c_str(), GLOB_ONLYDIR, nullptr, &found) == 0)
    folders.insert(folders.end(), found.gl_pathv,
                   found.gl_pathv + found.gl_pathc);
  globfree(&found);
}

/// Where CUDA's installers, containers and Python's wheels put libraries.
static std::vector<std::string> usualFolders() {
  std::vector<std::string> roots, prefixes, folders;
  for (const char *name : {"CUDA_HOME", "CUDA_PATH", "CUDNN_PATH", "NCCL_HOME"})
    if (const char *root = std::getenv(name); root && *root)
      roots.push_back(root);
  roots.insert(roots.end(), {"/usr/local/cuda", "/usr/local/nvidia"});
  for (const std::string &root : roots) {
    addMatches(root + "/lib64", folders);
    addMatches(root + "/lib", folders);
  }
  for (const char *name : {"VIRTUAL_ENV", "CONDA_PREFIX"})
    if (const char *prefix = std::getenv(name); prefix && *prefix)
      prefixes.push_back(prefix);
  for (const std::string &folder : split(std::getenv("PATH")))
    if (access((folder + "/python3").c_str(), X_OK) == 0)
      prefixes.push_back(folder + "/..");
  if (const char *home = std::getenv("HOME"); home && *home)
    prefixes.push_back(std::string(home) + "/.local");
  prefixes.push_back("/usr/local");
  for (const std::string &prefix : prefixes)
    for (const char *packages : {"site-packages", "dist-packages"})
      addMatches(prefix + "/lib/python3*/" + packages + "/nvidia/*/lib",
                 folders);
  return folders;
}

static const std::vector<std::string> &libraryFolders() {
  static const std::vector<std::string> folders =
      Environment().cudaPath ? split(Environment().cudaPath) : usualFolders();
  return folders;
}

/// Why the file of a library is not whole, or an empty string. The loader maps
/// what the headers say without a look at the file's length: of a copy that was
/// cut short it leaves a program that SIGBUS ends. What is no library at all it
/// refuses itself.
static std::string whyNotWhole(const std::string &path) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  const uint64_t size = file ? uint64_t(file.tellg()) : 0;
  Elf64_Ehdr header;
  file.seekg(0);
  if (!file.read(reinterpret_cast<char *>(&header), sizeof header) ||
      std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 ||
      header.e_ident[EI_CLASS] != ELFCLASS64 ||
      header.e_phentsize != sizeof(Elf64_Phdr))
    return "";
  uint64_t end = header.e_phoff + header.e_phnum * sizeof(Elf64_Phdr);
  file.seekg(std::streamoff(header.e_phoff));
  for (int i = 0; i < header.e_phnum && end <= size; ++i) {
    Elf64_Phdr segment;
    if (!file.read(reinterpret_cast<char *>(&segment), sizeof segment))
      return "";
    if (segment.p_type == PT_LOAD)
      end = std::max(end, segment.p_offset + segment.p_filesz);
  }
  if (end <= size)
    return "";
  return path + ": file is cut short: found " + std::to_string(size) +
         " bytes, expected at least " + std::to_string(end) + ": copy it again";
}

/// Opens `name` where the loader finds it, or in `folders`; null, and why not.
static void *open(const char *name, std::string &opened, std::string &why) {
  opened = name;
  if (void *handle = dlopen(name, RTLD_NOW | RTLD_LOCAL))
    return handle;
  const char *reason = dlerror();
  why = reason ? reason : name;
  for (const std::string &folder : libraryFolders()) {
    opened = folder + "/" + name;
    if (access(opened.c_str(), R_OK))
      continue;
    if (std::string broken = whyNotWhole(opened); !broken.empty()) {
      why += "; " + broken;
      continue;
    }
    if (void *handle = dlopen(opened.c_str(), RTLD_NOW | RTLD_LOCAL))
      return handle;
    reason = dlerror();
    why += std::string("; ") + (reason ? reason : opened.c_str());
  }
  return nullptr;
}

Library::Library(std::string product, const std::vector<const char *> &names,
                 std::string remedy, const std::vector<const char *> &before)
    : product(std::move(product)), remedy(std::move(remedy)) {
  std::string reasons, why;
  for (const char *name : before)
    open(name, opened, why);
  for (const char *name : names) {
    handle = open(name, opened, why);
    if (handle)
      return;
    reasons += (reasons.empty() ? "" : "; ") + why;
  }
  std::string folders;
  for (const std::string &folder : libraryFolders())
    folders += (folders.empty() ? ", nor in " : ":") + folder;
  throw Error("found no " + this->product + " (" + reasons + folders +
              "), expected it: " + this->remedy);
}

void *Library::symbol(const char *name) const {
  if (void *address = dlsym(handle, name))
    return address;
  throw Error("found no '" + std::string(name) + "' in " + opened +
              ", expected a newer " + product + ": " + remedy);
}
