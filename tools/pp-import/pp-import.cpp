//===- pp-import.cpp - Models of Hugging Face -----------------------------===//

#include "pp/Import/Import.h"

int main(int argc, char **argv) { return pp::hf::run(argc, argv); }
