//===- Fiber.h - Stacks to switch between -----------------------*- C++ -*-===//
//
// A fiber runs until it suspends itself and goes on when it is resumed. A block
// of a kernel is up to 1024 of them, which meet at every shuffle, so switching
// is done by hand where we know how: ucontext asks the kernel for the signal
// mask each time.
//
//===----------------------------------------------------------------------===//
#ifndef PPRT_GPU_FIBER_H
#define PPRT_GPU_FIBER_H

#include <cstddef>
#include <memory>

namespace pprt {

class Fiber {
public:
  /// A fiber without work. `stack` has `bytes` bytes, 16-byte aligned.
  Fiber(void *stack, size_t bytes);
  ~Fiber();
  Fiber(Fiber &&);

  /// Prepares to run `function(argument)`, which must not return: it suspends
  /// its fiber for good instead.
  void start(void (*function)(void *), void *argument);
  /// Runs the fiber until it suspends itself.
  void resume();
  /// Called on the fiber: back to who resumed it.
  void suspend();

private:
  struct State;
  std::unique_ptr<State> state;
};

} // namespace pprt

#endif // PPRT_GPU_FIBER_H
