//===- Import.h - Models of Hugging Face as pp models -----------*- C++ -*-===//

#ifndef PP_IMPORT_IMPORT_H
#define PP_IMPORT_IMPORT_H

namespace pp::hf {

/// The tool pp-import; returns its exit status.
int run(int argc, const char *const *argv);

} // namespace pp::hf

#endif // PP_IMPORT_IMPORT_H
