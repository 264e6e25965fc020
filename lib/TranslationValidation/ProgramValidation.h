//===- ProgramValidation.h - Step functions against programs ---*- C++ -*-===//

#ifndef PP_LIB_TRANSLATIONVALIDATION_PROGRAMVALIDATION_H
#define PP_LIB_TRANSLATIONVALIDATION_PROGRAMVALIDATION_H

#include "DescribedModule.h"

namespace pp {

/// Executes the step function of `program` and compares its calls with the
/// program's ops. False, and `disagreement`, if they differ.
bool validateProgram(ProgramOp program, const DescribedModule &described,
                     const GlobalTables &tables,
                     const ModuleFunctions &functions,
                     Disagreement &disagreement);

} // namespace pp

#endif // PP_LIB_TRANSLATIONVALIDATION_PROGRAMVALIDATION_H
