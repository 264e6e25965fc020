//===- Main.cpp - main() of every compiled program ------------------------===//
#include "pprt.h"

int main(int argc, char **argv) { return pprt_main(argc, argv); }
