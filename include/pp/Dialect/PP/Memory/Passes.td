//===- Passes.td - Memory of stages and rank programs ----------*- tablegen -*-===//

#ifndef PP_DIALECT_PP_MEMORY_PASSES_TD
#define PP_DIALECT_PP_MEMORY_PASSES_TD

include "mlir/Pass/PassBase.td"

def PPPlanMemory : Pass<"pp-plan-memory", "::mlir::ModuleOp"> {
  let summary = "gives every buffer of stage functions and rank programs a place";
  let description = [{
    A **stage function** gets one workspace. It holds the values that pass
    between its calls and, at each call, the workspace of the callee
    (`pp.workspace` of the layer function). Values that the stage returns lie
    where its caller wants them; a result with `pp.accumulates` lies in the
    accumulator. Afterwards the function carries `pp.workspace` (bytes), each
    call `pp.offsets` (one a result; -1: not in the workspace) and
    `pp.workspace_offset`.

    A **rank program** gets one arena. Parameters and gradient accumulators lie
    at its start and live for the whole step; received values, results of
    actions and the workspaces of actions are placed by their lifetimes: a sent
    value lives until its `pp.wait_send`, a receive buffer from its `pp.irecv`
    on. Nothing is allocated in a step. A received parameter goes straight into
    the parameter's buffer if nothing reads that parameter in between.
    Afterwards the program carries the offsets (`pp.parameters`,
    `pp.gradients`, `pp.states`; the last relative to the area of states, which
    follows the arena) and `pp.memory`, all in bytes: `arena`, its
    `lower_bound` (no plan can need less), and what lives at the moment when
    most does, by kind. These kinds sum to the lower bound:

    | kind | what |
    |---|---|
    | `parameters` | parameters that the rank reads, its own and copies |
    | `gradients` | accumulators, one for each use of a parameter |
    | `activations` | results of actions: activations, residuals, cotangents |
    | `communication` | receive buffers, and values that are only sent |
    | `workspace` | temporaries inside an action |

    A program with `evaluates` runs between two steps of the program with the
    same `pipe`, in its arena: parameters have the same offsets, accumulators do
    not live, and `arena` is what the larger one needs. Its `pp.memory` says in
    `needed` how much it needs itself.

    In a program with loops a value has an instance for each micro-batch, and
    instances live by the program with every round executed. The program then
    carries `pp.rings`: for each value the offsets of its slots, of which the
    instance of micro-batch i takes slot i modulo their number; and
    `pp.workspaces`, the same for the workspace of each stage function. Slots
    share memory where none of their instances are live together. Where that
    saves memory, instances that no loop makes or reads have slots of their
    own: `{slots, head, tail, instances}` says how many of the slots, at either
    end, belong to the first and the last of all instances; those between take
    turns in the rest. Offsets of what belongs to no micro-batch stay on the
    ops.

    `optimizer` is the size of the area of states, of the parameters that the
    program updates. States of one kind lie together, masters first: a run needs
    them up to the last that its optimizer reads.

    Example:

    ```mlir
    func.func private @stage0.forward() -> (tensor<32xf32> {pp.value = "y"}) attributes {pp.workspace = 128 : i64}
    pp.program @pipe0 pipe(0) {
      %y = pp.run F stage(0) mb(0) @stage0.forward() : () -> tensor<32xf32>
      pp.return
    }
    ```

    becomes

    ```mlir
    pp.program @pipe0 pipe(0) attributes {...pp.memory = {activations = 128 : i64, arena = 256 : i64, ...} {
      %y = pp.run F stage(0) mb(0) @stage0.forward() {pp.offsets = array<i64: 0>, pp.workspace_offset = 128 : i64} : () -> tensor<32xf32>
    ```
  }];
  let options = [
    Option<"limit", "limit", "uint64_t", /*default=*/"0",
           "bytes that a rank may need, arena and states (0: no limit)">,
    Option<"effort", "effort", "uint64_t", /*default=*/"2000000",
           "pairs of buffers that the search for a smaller arena may look at">,
  ];
}

def PPVerifyMemory : Pass<"pp-verify-memory", "::mlir::ModuleOp"> {
  let summary = "proves that no two live buffers share bytes";
  let description = [{
    Computes the lifetimes again and checks the offsets in the IR against them,
    for stage functions and rank programs:

    1. Every buffer has an offset, a multiple of 64, and ends inside the arena.
    2. Two buffers that are live at the same time do not overlap.
    3. Every accumulator that an action adds to is cleared before in the step.
    4. With loops: every instance of a value is made once, and before it is
       read; every transfer is waited for once, behind where it is posted. 1 and
       2 hold for the instances of all rounds.
    5. Micro-batches are below those of the schedule, if the module has one.
    6. The states of each parameter that the program updates lie in their area,
       without overlaps.
    7. A program with `evaluates` has parameters and states where the program of
       a step with the same `pipe` has them, in an arena of the same size.

    pp-lower-programs checks the same before it lowers anything.

    The error names both buffers; a note points at the second one.

    Example: a result lies where a message is received.

    ```mlir
    func.func private @f() -> (tensor<32xf32> {pp.value = "y"}) attributes {pp.workspace = 0 : i64}
    func.func private @b(tensor<32xf32> {pp.value = "dy"}, tensor<32xf32> {pp.value = "y"}) attributes {pp.workspace = 0 : i64}
    pp.channel @p1_to_p0 from(1) to(0)
    pp.program @pipe0 pipe(0) attributes {pp.memory = {arena = 256 : i64}} {
      %y = pp.run F stage(0) mb(0) @f() {pp.offsets = array<i64: 0>} : () -> tensor<32xf32>
      %b, %t = pp.irecv channel(@p1_to_p0) value("dy") mb(0) tag(0) {pp.offsets = array<i64: 64>} : tensor<32xf32>
      %dy = pp.wait %t, %b : tensor<32xf32>
      pp.run B stage(0) mb(0) @b(%dy, %y) : (tensor<32xf32>, tensor<32xf32>) -> ()
      pp.return
    }
    ```

    The pass says

    ```
    error: ... [0, 128), which overlaps ... [64, 192), expected buffers that are live together to be disjoint
    ```
  }];
}

#endif // PP_DIALECT_PP_MEMORY_PASSES_TD
