//===- FindLibraries.cpp - Where programs find CUDA's libraries -----------===//
//
// pprt-find-libraries NAME...: a line for each, its path as the runtime finds
// it, or an empty one, and on stderr why not.
//
//===----------------------------------------------------------------------===//

#include "Error.h"
#include "Library.h"

#include <cstdio>
#include <dlfcn.h>
#include <link.h>

using namespace pprt;

int main(int argc, char **argv) {
  for (int i = 1; i < argc; ++i) {
    const char *path = "";
    try {
      Library library(argv[i], {argv[i]}, "name another one");
      void *handle = dlopen(library.name().c_str(), RTLD_NOW | RTLD_NOLOAD);
      link_map *map = nullptr;
      if (handle && dlinfo(handle, RTLD_DI_LINKMAP, &map) == 0)
        path = map->l_name;
    } catch (const Error &error) {
      std::fprintf(stderr, "%s\n", error.what());
    }
    std::printf("%s\n", path);
  }
  return 0;
}
