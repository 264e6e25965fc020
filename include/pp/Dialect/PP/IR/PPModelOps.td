//===- PPModelOps.td - Model level of the pp dialect -----------*- tablegen -*-===//

#ifndef PP_DIALECT_PP_IR_PPMODELOPS_TD
#define PP_DIALECT_PP_IR_PPMODELOPS_TD

include "pp/Dialect/PP/IR/PPBase.td"
include "pp/Dialect/PP/IR/PPMeshOps.td"

def PP_LayerOp : PP_Op<"layer", [FunctionOpInterface, IsolatedFromAbove,
    SingleBlock, HasParent<"::mlir::ModuleOp">]> {
  let summary = "a computation that a model applies, once or many times";
  let description = [{
    A layer is defined once and applied with `pp.apply`. Its arguments are the
    inputs, then the parameters. All of its ops must be differentiable where a
    gradient flows through them.

    On a mesh, `comm.distribution` says of arguments and results how they are
    distributed (docs/Comm.md).

    `recompute = "full"`: nothing but the inputs of the layer is kept for the
    backward, which computes the forward again. `"none"` (also the default)
    keeps the residuals. A `pp.apply` may override it.

    Constraints:
    1. All types are statically shaped tensors; parameters hold floats.
    2. `pp.yield` ends the body and yields the declared result types.
    3. `recompute` is `"none"` or `"full"`.
    4. No tensor in the body has more than 2^48 elements; floats in it are f32,
       f64, bf16 or f16.
    5. The name does not begin with `llvm.`.

    Example:
    ```mlir
    pp.layer @double(%x: tensor<4x8xf32>) params(%w: tensor<8xf32>) -> tensor<4x8xf32> {
      %s = arith.addf %x, %x : tensor<4x8xf32>
      pp.yield %s : tensor<4x8xf32>
    }
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name,
      TypeAttrOf<FunctionType>:$function_type,
      I64Attr:$num_params,
      OptionalAttr<StrAttr>:$recompute,
      OptionalAttr<DictArrayAttr>:$arg_attrs,
      OptionalAttr<DictArrayAttr>:$res_attrs);
  let regions = (region SizedRegion<1>:$body);
  let hasCustomAssemblyFormat = 1;
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
  let extraClassDeclaration = [{
    /// Arguments of the layer before its parameters.
    unsigned getNumInputs() { return getNumArguments() - getNumParams(); }
    ::llvm::ArrayRef<::mlir::Type> getInputTypes() {
      return getArgumentTypes().take_front(getNumInputs());
    }
    ::llvm::ArrayRef<::mlir::Type> getParamTypes() {
      return getArgumentTypes().take_back(getNumParams());
    }

    // FunctionOpInterface.
    ::llvm::ArrayRef<::mlir::Type> getArgumentTypes() {
      return getFunctionType().getInputs();
    }
    ::llvm::ArrayRef<::mlir::Type> getResultTypes() {
      return getFunctionType().getResults();
    }
    ::mlir::Region *getCallableRegion() { return &getBody(); }
  }];
}

def PP_YieldOp : PP_Op<"yield", [Pure, Terminator, ReturnLike,
    HasParent<"LayerOp">]> {
  let summary = "ends a layer with its results";
  let arguments = (ins Variadic<PP_Tensor>:$results);
  let assemblyFormat = "($results^ `:` type($results))? attr-dict";
}

def PP_ModelOp : PP_Op<"model", [FunctionOpInterface, IsolatedFromAbove,
    SingleBlock, HasParent<"::mlir::ModuleOp">]> {
  let summary = "layers applied to data and parameters, down to a loss";
  let description = [{
    A model is written for one micro-batch on one device: no number of ranks
    appears in it. Its arguments are the data, its result is the loss.

    The loss of a step is the mean of those of its micro-batches. Where these
    shall not count alike, a second result is the weight of the micro-batch, at
    least 0: `sum_i weight_i loss_i / sum_i weight_i`, and 0 where all weights
    are. The weight has no gradient. pp-weigh-loss adds one where a cross entropy
    may ignore targets.

    `pp.data` on an argument names the input that feeds it; without it the
    first i32 argument is `tokens` and the second `targets`. `documents` are the
    numbers of the documents that the tokens are of, within each sequence from 0
    on; in a model that has them the target behind the end of a document is one
    that the loss ignores.

    Constraints:
    1. The model returns one scalar float, and no other result than a weight of
       the same type.
    2. Its body holds `pp.param`, `pp.apply` and, last, `pp.return`.
    3. Parameters have different names, and none the name of data.
    4. Every argument has a data name, and no two the same.

    Example:
    ```mlir
    pp.model @gpt(%tokens: tensor<4x128xi32>, %targets: tensor<4x128xi32>) -> tensor<f32> {
      %w = pp.param "w" : tensor<256x256xf32> init(#nn.zeros)
      %x = pp.apply @embed(%tokens) params(%w) : (tensor<4x128xi32>) params(tensor<256x256xf32>) -> tensor<4x128x256xf32>
      %loss = pp.apply @head(%x, %targets) : (tensor<4x128x256xf32>, tensor<4x128xi32>) -> tensor<f32>
      pp.return %loss : tensor<f32>
    }
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name,
      TypeAttrOf<FunctionType>:$function_type,
      OptionalAttr<DictArrayAttr>:$arg_attrs,
      OptionalAttr<DictArrayAttr>:$res_attrs);
  let regions = (region SizedRegion<1>:$body);
  let hasCustomAssemblyFormat = 1;
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
  let extraClassDeclaration = [{
    /// Name of the data that feeds an argument, "" if it has none: `pp.data`,
    /// or its default from the position among the i32 arguments.
    ::llvm::StringRef getDataName(unsigned argument);

    // FunctionOpInterface.
    ::llvm::ArrayRef<::mlir::Type> getArgumentTypes() {
      return getFunctionType().getInputs();
    }
    ::llvm::ArrayRef<::mlir::Type> getResultTypes() {
      return getFunctionType().getResults();
    }
    ::mlir::Region *getCallableRegion() { return &getBody(); }
  }];
}

def PP_ParamOp : PP_Op<"param", [Pure, HasParent<"ModelOp">,
    DeclareOpInterfaceMethods<DistributionOpInterface>,
    DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "a parameter of the model";
  let description = [{
    Names a parameter (as in safetensors files), with its type and the
    initialiser of its elements; its values are never in the IR. `decay` says
    whether weight decay acts on it: by default on tensors of rank 2 and more.

    A parameter of bf16 is what layers compute with. The optimizer keeps its
    master, in f32, and rounds it anew in each step; gradients are f32, and so
    is the parameter in files.

    `sharding` pins how it is cut over the axes of the mesh; its type is that of
    the whole, layers take the part of a coordinate. A dimension that is cut
    makes the parameter `varying` along it on these axes (docs/Comm.md); on all
    others it is equal, `invariant` or `replicated` as the layers say.

    Constraints:
    1. The name is not empty, is UTF-8, and is not `__metadata__`, the key that
       safetensors files keep for themselves. It does not begin with `pprt_`,
       as functions of the runtime do.
    2. `init` is an initialiser.
    3. It has at most 2^48 elements.
    4. `sharding` fits the type and, where the module has one, the mesh. It does
       not name the axis "pipe", on which stages are placed, and names the axes
       of a dimension in the order of the mesh.

    Example:
    ```mlir
    %wte = pp.param "wte.weight" : tensor<256x64xf32> init(#nn.zeros)
    %head = pp.param "head.weight" : tensor<256x64xf32> sharding(#pp.sharding<[{"tensor"}, {} ]>) init(#nn.zeros)
    ```
  }];
  let arguments = (ins StrAttr:$name, AnyAttr:$init,
      OptionalAttr<BoolAttr>:$decay, OptionalAttr<PP_ShardingAttr>:$sharding);
  let results = (outs PP_FloatTensor:$result);
  let extraClassDeclaration = [{
    /// The type of the part of one coordinate.
    ::mlir::RankedTensorType getLocalType();
  }];
  let assemblyFormat = [{
    $name `:` type($result) (`sharding` `(` qualified($sharding)^ `)`)?
    `init` `(` $init `)` attr-dict
  }];
  let hasVerifier = 1;
}

def PP_ApplyOp : PP_Op<"apply", [Pure, AttrSizedOperandSegments,
    HasParent<"ModelOp">, DeclareOpInterfaceMethods<DistributionOpInterface>,
    DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "applies a layer";
  let description = [{
    `stage = k` pins the apply to a stage (a pin by the user, or the result of
    `pp-partition`); `recompute` overrides that of the layer.

    `sharding` pins how results are cut where they go to other layers, one entry
    a result: a `#pp.sharding`, in which `{}` for every dimension is whole, or
    `any`, which leaves it to pp-shard. Values of one type are cut alike between
    layers, so a pin holds for all results and inputs of its type, and goes
    before what `--sequence-parallel` says of them. What an apply takes is
    a result of another, or data, which come whole. In a module with a mesh layers
    are those of coordinates, and a pin is what they have to declare.

    Constraints:
    1. `callee` names a `pp.layer`.
    2. Inputs, parameters and results have the types of the layer; of a
       parameter with a sharding, the part of a coordinate has.
    3. Every operand after `params` is the result of a `pp.param`.
    4. `stage` is below 2^20; `recompute` is `"none"` or `"full"`.
    5. `sharding` has an entry for each result. A `#pp.sharding` has the rank of
       the result and fits the mesh, if the module has one, as that of a
       `pp.param` does.
    6. What is cut holds floats, and is not `padded`: only parameters are.
    7. In a module with a mesh the layer declares the same of the result.

    Examples:
    ```mlir
    %y = pp.apply @block(%x) params(%w) {stage = 1 : i64}
        : (tensor<4x8xf32>) params(tensor<8x8xf32>) -> tensor<4x8xf32>
    %z = pp.apply @block(%y) params(%w) sharding(#pp.sharding<[{"tensor"}, {} ]>)
        : (tensor<4x8xf32>) params(tensor<8x8xf32>) -> tensor<4x8xf32>
    ```
  }];
  let arguments = (ins FlatSymbolRefAttr:$callee,
      Variadic<PP_Tensor>:$inputs, Variadic<PP_FloatTensor>:$params,
      OptionalAttr<I64Attr>:$stage, OptionalAttr<StrAttr>:$recompute,
      OptionalAttr<ArrayAttr>:$shardings);
  let results = (outs Variadic<PP_Tensor>:$results);
  let hasCustomAssemblyFormat = 1;
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// What is pinned of a result; null where that is open.
    ShardingAttr getResultSharding(unsigned result);
  }];
}

def PP_ReturnOp : PP_Op<"return", [Terminator, ReturnLike, Pure,
    ParentOneOf<["ModelOp", "ProgramOp"]>]> {
  let summary = "ends a model with its loss, or a program with nothing";
  let arguments = (ins Variadic<PP_Tensor>:$operands);
  let assemblyFormat = "($operands^ `:` type($operands))? attr-dict";
}

#endif // PP_DIALECT_PP_IR_PPMODELOPS_TD
