//===- Output.h - Runs as a page and as a picture ---------------*- C++ -*-===//
#ifndef PP_PLOT_OUTPUT_H
#define PP_PLOT_OUTPUT_H

#include "Curve.h"

namespace pp::plot {

/// What the user chose. A page starts so and can be changed.
struct View {
  std::string title;
  Axis axis = Axis::Step;
  bool isLogarithmic = false; ///< of losses and gradient norms
  double span = 0;            ///< of the smoothing, in steps
  size_t points = 4000;       ///< of a curve in a page
};

/// Marks and colours tell runs apart. Any two of the colours are at least 32
/// apart (CIE 1976) for people who see all colours and for those without one of
/// the three cones (by the matrices of Machado, Oliveira and Fernandes, 2009),
/// and have a contrast of 3.2 and more to the paper.
struct Colour {
  const char *onLight, *onDark;
};
constexpr Colour kColours[] = {
    {"#2d45a7", "#6786fb"}, {"#cf7c04", "#c35f2f"}, {"#0ea46e", "#1cea90"},
    {"#9b7cae", "#b093c1"}, {"#623700", "#ffb536"}, {"#191919", "#fdfdfd"},
};

/// One HTML page that asks no network for anything. Throws nothing.
std::string page(const std::vector<Run> &runs, const View &view);

/// The same curves as SVG, in the colour scheme of who looks at it.
std::string picture(const std::vector<Run> &runs, const View &view);

} // namespace pp::plot

#endif // PP_PLOT_OUTPUT_H
