#include "Error.h"

#include <cerrno>
#include <cstring>

std::string pprt::systemError() { return std::strerror(errno); }
