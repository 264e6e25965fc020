//===- pp-plan.cpp - Schedules before anything is compiled ----------------===//

#include "pp/PlanTool/PlanTool.h"

int main(int argc, char **argv) { return pp::plan::run(argc, argv); }
