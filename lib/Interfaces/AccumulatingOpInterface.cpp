//===- AccumulatingOpInterface.cpp - result = init + op -------------------===//

#include "pp/Interfaces/AccumulatingOpInterface.h"

#include "pp/Interfaces/AccumulatingOpInterface.cpp.inc"
