//===- Plot.h - The command line of pp-plot ---------------------*- C++ -*-===//

#ifndef PP_PLOT_PLOT_H
#define PP_PLOT_PLOT_H

namespace pp::plot {

/// Runs pp-plot: curves of metrics files as a page or a picture; notes and
/// errors go to standard error. Returns the exit status: 0, 1 for files that
/// cannot be read or written, 2 for a bad command line.
int run(int argc, const char *const *argv);

} // namespace pp::plot

#endif // PP_PLOT_PLOT_H
