//===- DifferentiableOpInterface.cpp - The adjoint of an op ---------------===//

#include "pp/Interfaces/DifferentiableOpInterface.h"

#include "pp/Interfaces/DifferentiableOpInterface.cpp.inc"
