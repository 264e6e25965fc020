//===- OutputFile.h - Files that appear whole -------------------*- C++ -*-===//

#ifndef PP_SUPPORT_OUTPUTFILE_H
#define PP_SUPPORT_OUTPUTFILE_H

#include <string>

namespace pp {

/// Writes through a temporary file beside `path` and a rename, so that there is
/// never half a file under the name. Returns what is wrong, or nothing.
[[nodiscard]] std::string writeFile(const std::string &path,
                                    const std::string &text);

} // namespace pp

#endif // PP_SUPPORT_OUTPUTFILE_H
