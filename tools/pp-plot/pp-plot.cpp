//===- pp-plot.cpp - Loss curves for people -------------------------------===//

#include "pp/Plot/Plot.h"

int main(int argc, char **argv) { return pp::plot::run(argc, argv); }
