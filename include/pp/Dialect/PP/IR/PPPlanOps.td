//===- PPPlanOps.td - Plan level of the pp dialect -------------*- tablegen -*-===//

#ifndef PP_DIALECT_PP_IR_PPPLANOPS_TD
#define PP_DIALECT_PP_IR_PPPLANOPS_TD

include "pp/Dialect/PP/IR/PPBase.td"
include "pp/Dialect/PP/IR/PPMeshOps.td"

def PP_InputOp : PP_Op<"input", [Symbol, HasParent<"::mlir::ModuleOp">]> {
  let summary = "data of a micro-batch";
  let description = [{
    Functions read it by an argument with `pp.data`. The order of the inputs in
    the module is that of the model's arguments. On a mesh, each coordinate has
    a micro-batch of this type, and `distribution` says what they are together;
    without one they are the same.

    Example:
    ```mlir
    pp.input @tokens : tensor<4x128xi32>
    pp.input @targets : tensor<4x128xi32> distribution(#comm.distribution<{"data" = varying(0)}>)
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, TypeAttr:$type,
      OptionalAttr<Comm_DistributionAttr>:$distribution);
  let assemblyFormat = [{
    $sym_name `:` $type (`distribution` `(` qualified($distribution)^ `)`)?
    attr-dict
  }];
  let hasVerifier = 1;
}

def PP_ParameterOp : PP_Op<"parameter", [Symbol,
    HasParent<"::mlir::ModuleOp">,
    DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "a parameter that stage functions read and programs update";
  let description = [{
    The plan's form of `pp.param`. Functions read it by an argument with
    `pp.param` and add to the gradient of one of its uses by an argument with
    `pp.grad` and `pp.use`. The order of the parameters in the module is that
    of the model; norms sum in that order. One of bf16 is a copy of its master
    (see `pp.param`); its gradient is f32. With a `sharding` its type is that of
    the whole, and functions have the part of a coordinate, as of its gradient.

    Where replicas of the pipeline share the work of a step's end, `piece` is how
    many elements fall to each, in row-major order: coordinate i on the axis
    "data" has those from `i * piece` on. Pieces are equal; the last ones reach
    beyond the parameter, into padding of zeros (pp-add-optimizer). Where it is
    `cut`, each replica has the states of its piece alone and updates it (ZeRO-1);
    else each has and updates all.

    Constraints:
    1. The name does not begin with `pprt_`.
    2. `sharding` is as that of `pp.param`.
    3. A piece is a multiple of 32 elements, so that pieces of bf16 begin at
       multiples of 64 bytes, and the pieces of all coordinates on "data" hold
       the parameter. What is cut has pieces.

    Example:
    ```mlir
    pp.parameter @wte.weight : tensor<256x64xf32> init(#nn.zeros)
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, TypeAttr:$type, AnyAttr:$init,
      OptionalAttr<BoolAttr>:$decay, OptionalAttr<PP_ShardingAttr>:$sharding,
      OptionalAttr<I64Attr>:$piece, UnitAttr:$cut);
  let assemblyFormat = [{
    $sym_name `:` $type (`sharding` `(` qualified($sharding)^ `)`)?
    (`piece` `(` $piece^ `)`)? (`cut` $cut^)? `init` `(` $init `)` attr-dict
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// Whether weight decay acts on it: `decay`, else rank >= 2.
    bool hasDecay();
    /// Whether an f32 master of it lies with the optimizer's state.
    bool hasMaster();
    /// The type of the part of one coordinate.
    ::mlir::RankedTensorType getLocalType();
    /// The type of its gradient, as one coordinate has it: f32 where it holds
    /// bf16.
    ::mlir::RankedTensorType getGradientType();
    /// The type of a replica's piece of its gradient: all of it without pieces.
    ::mlir::RankedTensorType getGradientPieceType();
    /// How many pieces there are: one a replica.
    int64_t getNumPieces();
    /// Bytes of its gradient, with the padding of the last pieces.
    uint64_t getPaddedGradientBytes();
    /// The type of what a replica updates, in f32, and of its states.
    ::mlir::RankedTensorType getUpdatedType() {
      return getCut() ? getGradientPieceType() : getGradientType();
    }
    /// The type of a replica's piece of its values.
    ::mlir::RankedTensorType getPieceType();
    /// Whether it is that of the gradient or of a piece of it.
    bool isGradientOrPiece(::mlir::Type type);
  }];
}

def PP_StateOp : PP_Op<"state", [Symbol, HasParent<"::mlir::ModuleOp">,
    DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "what an optimizer keeps of a parameter from step to step";
  let description = [{
    The rank that updates the parameter holds it. Its kind says which operand of
    an update it is: a moment that a `pp.optimizer` names, or `master`, the f32
    original of a parameter of bf16, which any optimizer updates in its place.
    `init` gives the values before the first step; a master has none: it starts
    as the parameter itself. pp-add-optimizer makes states.

    Constraints:
    1. `parameter` names a `pp.parameter` of the module.
    2. The type is that of the parameter's gradient, of a replica's piece of it
       where the parameter is cut.
    3. A state without `init` is the `master` of a parameter of bf16, and a
       master has no `init`.

    Example:
    ```mlir
    pp.parameter @wte : tensor<256x64xf32> init(#nn.normal<std = 0.02>)
    pp.state @wte.m "m" of @wte : tensor<256x64xf32> init(#nn.zeros)
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, StrAttr:$kind,
      FlatSymbolRefAttr:$parameter, TypeAttr:$type, OptionalAttr<AnyAttr>:$init);
  let assemblyFormat = [{
    $sym_name $kind `of` $parameter `:` $type (`init` `(` $init^ `)`)? attr-dict
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// The kind of the f32 original of a parameter of bf16.
    static constexpr ::llvm::StringLiteral kMaster = "master";
    bool isMaster() { return getKind() == kMaster; }
  }];
}

def PP_OptimizerOp : PP_Op<"optimizer", [HasParent<"::mlir::ModuleOp">]> {
  let summary = "an optimizer that the program can be started with";
  let description = [{
    `states` are the kinds of `pp.state` that its updates read and write, in the
    order of their operands. Its updates are the functions of the module whose
    `pp.role` is its name, one for each kind of parameter (pp-add-optimizer).

    Constraints:
    1. Each kind of state stands once, and is not `master`.
    2. No other `pp.optimizer` of the module has its name.

    Example:
    ```mlir
    pp.optimizer "adamw" states ["m", "v"]
    pp.optimizer "sgd" states []
    ```
  }];
  let arguments = (ins StrAttr:$name, StrArrayAttr:$states);
  let assemblyFormat = "$name `states` $states attr-dict";
  let hasVerifier = 1;
}

def PP_StageOp : PP_Op<"stage", [HasParent<"::mlir::ModuleOp">,
    DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "the functions of a stage";
  let description = [{
    Values flow between the functions of all stages by name: an argument with
    `pp.value` reads what the result with the same `pp.value` produced for the
    same micro-batch. `backward` is the whole backward; `input` and `weight`
    are its two halves and together produce the same values. A half with
    nothing to do is absent: the first stage has no input gradient, a stage
    without parameters no weight gradient.

    Constraints:
    1. Every named function exists and is a `func.func`.
    2. Every argument of it is bound by exactly one of `pp.value`, `pp.param`,
       `pp.grad` with `pp.use`, `pp.data` and `pp.key`.
    3. Every result has `pp.value` or `pp.accumulates`.
    4. Arguments have the types of the parameters and inputs they name.
    5. The number of the stage is below 2^20.

    Example:
    ```mlir
    pp.stage 1 forward(@stage1.forward) backward(@stage1.backward) {applies = ["block", "head"]}
    ```
  }];
  let arguments = (ins I64Attr:$index, FlatSymbolRefAttr:$forward,
      OptionalAttr<FlatSymbolRefAttr>:$backward,
      OptionalAttr<FlatSymbolRefAttr>:$backward_input,
      OptionalAttr<FlatSymbolRefAttr>:$backward_weight,
      OptionalAttr<StrArrayAttr>:$applies);
  let assemblyFormat = [{
    $index `forward` `(` $forward `)` (`backward` `(` $backward^ `)`)?
    (`input` `(` $backward_input^ `)`)? (`weight` `(` $backward_weight^ `)`)?
    attr-dict
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// The function that runs an action of this stage, null where the stage
    /// has nothing to do.
    ::mlir::FlatSymbolRefAttr getFunctionFor(ActionKind kind);
  }];
}

def PP_ScheduleOp : PP_Op<"schedule", [HasParent<"::mlir::ModuleOp">]> {
  let summary = "the order of actions at each pipe coordinate";
  let description = [{
    The row of a coordinate on the mesh's axis "pipe" is that of PyTorch's schedule files: `2F0` is stage 2,
    forward, micro-batch 0; `B` full backward, `I` input gradient, `W` weight
    gradient, separated by commas. `placement` gives the coordinate of each stage.
    Micro-batches are those of one replica of the pipeline; on the axis "data" of
    the mesh stand as many replicas, of which the first has the first ones of the
    step. `groups`, by default as many as replicas, is into how many groups the
    micro-batches of a step fall whose sums are added in a tree.

    Constraints:
    1. `microbatches` is at least 1 and at most 2^20, and there are at most 2^16
       rows.
    2. Every coordinate of `placement` has a row.
    3. `groups` is a multiple of the size of the mesh's axis "data" by a power of
       two.

    Example:
    ```mlir
    pp.schedule "1f1b" microbatches(2) placement [0, 1]
        rows ["0F0,0F1,0B0,0B1", "1F0,1B0,1F1,1B1"]
    ```
  }];
  let arguments = (ins StrAttr:$name, I64Attr:$microbatches,
      OptionalAttr<I64Attr>:$groups, DenseI64ArrayAttr:$placement,
      StrArrayAttr:$rows);
  let assemblyFormat = [{
    $name `microbatches` `(` $microbatches `)` (`groups` `(` $groups^ `)`)?
    `placement` $placement `rows` $rows attr-dict
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// Replicas of the pipeline: the size of the mesh's axis "data".
    int64_t getReplicas();
    /// `groups`, or one a replica.
    int64_t getNumGroups();
    /// Micro-batches of a step, of all replicas.
    int64_t getAllMicrobatches() { return getMicrobatches() * getReplicas(); }
  }];
}

//===----------------------------------------------------------------------===//
// How the plan was found
//===----------------------------------------------------------------------===//

def PP_DecisionAttr : AttrDef<PP_Dialect, "Decision"> {
  let mnemonic = "decision";
  let summary = "options that keep a plan within a memory limit";
  let description = [{
    Partitions and searches rely on estimates of memory. Under a limit, budgets
    are tried until the exact memory plan fits; these are those that were taken,
    in bytes, each an option of the pipelines by the same name.
  }];
  let parameters = (ins StringRefParameter<"name, search or file">:$schedule,
                    "uint64_t":$partition_memory, "uint64_t":$search_memory,
                    StringRefParameter<"see pp-partition">:$search_as);
  let assemblyFormat = "`<` struct(params) `>`";
}

#endif // PP_DIALECT_PP_IR_PPPLANOPS_TD
