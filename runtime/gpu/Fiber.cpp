//===- Fiber.cpp - Stacks to switch between -------------------------------===//

#include "Fiber.h"

#include <cstdint>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define PPRT_USE_UCONTEXT
#endif
#endif
#if !defined(__x86_64__) || defined(__SANITIZE_ADDRESS__)
#define PPRT_USE_UCONTEXT
#endif

#ifdef PPRT_USE_UCONTEXT

#include <ucontext.h>

using namespace pprt;

struct Fiber::State {
  ucontext_t fiber, owner;
  void *stack;
  size_t bytes;
  void (*function)(void *);
  void *argument;
};

/// makecontext() passes integers only.
static void enter(unsigned high, unsigned low) {
  auto *start = reinterpret_cast<void **>(
      static_cast<uintptr_t>(uint64_t(high) << 32 | low));
  reinterpret_cast<void (*)(void *)>(start[0])(start[1]);
}

void Fiber::start(void (*function)(void *), void *argument) {
  // What `enter` reads lies at the far end of the stack, where no frame comes.
  auto **start = static_cast<void **>(state->stack);
  start[0] = reinterpret_cast<void *>(function);
  start[1] = argument;
  getcontext(&state->fiber);
  state->fiber.uc_stack.ss_sp = static_cast<char *>(state->stack) + 64;
  state->fiber.uc_stack.ss_size = state->bytes - 64;
  state->fiber.uc_link = nullptr;
  uint64_t address = reinterpret_cast<uintptr_t>(start);
  makecontext(&state->fiber, reinterpret_cast<void (*)()>(enter), 2,
              static_cast<unsigned>(address >> 32),
              static_cast<unsigned>(address));
}
void Fiber::resume() { swapcontext(&state->owner, &state->fiber); }
void Fiber::suspend() { swapcontext(&state->fiber, &state->owner); }

#else

using namespace pprt;

struct Fiber::State {
  void *fiber, *owner; ///< stack pointers while the other one runs
  void *stack;
  size_t bytes;
};

/// Saves what a call must preserve on the stack, the stack pointer in `*save`,
/// and goes on where the stack `load` was left.
extern "C" void pprt_switch_stack(void **save, void *load);
extern "C" void pprt_enter_fiber();
asm(R"(
.text
.p2align 4
.local pprt_switch_stack
.type pprt_switch_stack, @function
pprt_switch_stack:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size pprt_switch_stack, .-pprt_switch_stack
.local pprt_enter_fiber
.type pprt_enter_fiber, @function
pprt_enter_fiber:
  movq %r12, %rdi
  callq *%r13
  ud2
.size pprt_enter_fiber, .-pprt_enter_fiber
)");

void Fiber::start(void (*function)(void *), void *argument) {
  auto **top = reinterpret_cast<void **>(static_cast<char *>(state->stack) +
                                         state->bytes);
  // As pprt_switch_stack leaves it; after its `ret` the stack is aligned as at
  // a call.
  *--top = nullptr;
  *--top = nullptr;
  *--top = reinterpret_cast<void *>(pprt_enter_fiber);
  *--top = nullptr;                            // rbp
  *--top = nullptr;                            // rbx
  *--top = argument;                           // r12
  *--top = reinterpret_cast<void *>(function); // r13
  *--top = nullptr;                            // r14
  *--top = nullptr;                            // r15
  state->fiber = top;
}
void Fiber::resume() { pprt_switch_stack(&state->owner, state->fiber); }
void Fiber::suspend() { pprt_switch_stack(&state->fiber, state->owner); }

#endif

Fiber::Fiber(void *stack, size_t bytes) : state(new State()) {
  state->stack = stack;
  state->bytes = bytes;
}
Fiber::~Fiber() = default;
Fiber::Fiber(Fiber &&) = default;
