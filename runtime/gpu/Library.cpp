#include "Library.h"

#include "Error.h"

#include <dlfcn.h>

using namespace pprt;

Library::Library(std::string product, const std::vector<const char *> &names,
                 std::string remedy)
    : product(std::move(product)), remedy(std::move(remedy)) {
  std::string reasons;
  for (const char *name : names) {
    handle = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    if (handle) {
      opened = name;
      return;
    }
    const char *reason = dlerror();
    reasons +=
        (reasons.empty() ? "" : "; ") + std::string(reason ? reason : name);
  }
  throw Error("found no " + this->product + " (" + reasons +
              "), expected it: " + this->remedy);
}

void *Library::symbol(const char *name) const {
  if (void *address = dlsym(handle, name))
    return address;
  throw Error("found no '" + std::string(name) + "' in " + opened +
              ", expected a newer " + product + ": " + remedy);
}
