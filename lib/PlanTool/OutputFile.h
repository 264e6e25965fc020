//===- OutputFile.h - Files that appear whole -------------------*- C++ -*-===//

#ifndef PP_LIB_PLANTOOL_OUTPUTFILE_H
#define PP_LIB_PLANTOOL_OUTPUTFILE_H

#include <string>

namespace pp::plan {

/// Writes through a temporary file beside `path` and a rename, so that there is
/// never half a file under the name. Throws Failure.
void writeFile(const std::string &path, const std::string &text);

} // namespace pp::plan

#endif // PP_LIB_PLANTOOL_OUTPUTFILE_H
