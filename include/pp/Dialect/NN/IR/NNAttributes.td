//===- NNAttributes.td - Attributes of the nn dialect ----------*- tablegen -*-===//

#ifndef PP_DIALECT_NN_IR_NNATTRIBUTES_TD
#define PP_DIALECT_NN_IR_NNATTRIBUTES_TD

include "pp/Dialect/NN/IR/NNDialect.td"
include "mlir/IR/AttrTypeBase.td"

def NN_InitializerAttrInterface : AttrInterface<"InitializerAttrInterface"> {
  let cppNamespace = "::pp::nn";
  let description = [{
    How the elements of a parameter start: the kind of the distribution and its
    numbers by name, so that a writer of program descriptions needs no switch
    over attributes.
  }];
  let methods = [
    InterfaceMethod<"The distribution: `normal`, `zeros`, `ones`, ...",
      "::llvm::StringRef", "getKind", (ins), [{}], [{
        return $_attr.getMnemonic();
      }]>,
    InterfaceMethod<"The numbers of the distribution, by name.",
      "::llvm::SmallVector<std::pair<::llvm::StringRef, double>>",
      "getNumbers">
  ];
}

def NN_Initializer : Attr<
    CPred<"::llvm::isa<::pp::nn::InitializerAttrInterface>($_self)">,
    "initialiser, one of #nn.normal, #nn.uniform, #nn.constant, #nn.zeros, "
    "#nn.ones"> {
  let storageType = "::pp::nn::InitializerAttrInterface";
  let returnType = "::pp::nn::InitializerAttrInterface";
  let convertFromStorage = "$_self";
}

class NN_InitializerAttr<string name, string mnemonicText>
    : AttrDef<NN_Dialect, name,
        [DeclareAttrInterfaceMethods<NN_InitializerAttrInterface>]> {
  let mnemonic = mnemonicText;
}

// A finite f64: printed short and read back exactly.
class NN_Number<string desc> : APFloatParameter<desc> {
  let parser = "::pp::nn::detail::parseNumber($_parser)";
  let printer = "$_printer.printFloat($_self)";
}
class NN_DefaultNumber<string desc, string value> : NN_Number<desc> {
  let defaultValue = value;
}

def NN_NormalAttr : NN_InitializerAttr<"Normal", "normal"> {
  let summary = "elements from a normal distribution";
  let description = [{
    Mean `mean` (default 0) and standard deviation `std`.

    (C1) `std` is not negative; all numbers, and the values drawn, are finite in
    f32, the type of parameters, where `std` is 0 only if it was before.

    Example: `#nn.normal<std = 0.02>`
  }];
  let parameters = (ins NN_Number<"standard deviation">:$std,
                        NN_DefaultNumber<"mean", "::llvm::APFloat(0.0)">:$mean);
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
}

def NN_UniformAttr : NN_InitializerAttr<"Uniform", "uniform"> {
  let summary = "elements spread evenly over [low, high)";
  let description = [{
    (C1) `low` is at most `high`; all numbers are finite in f32.

    Example: `#nn.uniform<low = -0.1, high = 0.1>`
  }];
  let parameters = (ins NN_Number<"lower bound">:$low,
                        NN_Number<"upper bound">:$high);
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
}

def NN_ConstantAttr : NN_InitializerAttr<"Constant", "constant"> {
  let summary = "elements of one value";
  let description = [{
    (C1) `value` is finite in f32.

    Example: `#nn.constant<value = 0.5>`
  }];
  let parameters = (ins NN_Number<"the value">:$value);
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
}

def NN_ZerosAttr : NN_InitializerAttr<"Zeros", "zeros"> {
  let summary = "elements of 0";
  let description = "Example: `#nn.zeros`";
  let hasCustomAssemblyFormat = 1;
}

def NN_OnesAttr : NN_InitializerAttr<"Ones", "ones"> {
  let summary = "elements of 1";
  let description = "Example: `#nn.ones`";
  let hasCustomAssemblyFormat = 1;
}

def NN_RotaryScalingAttr : AttrDef<NN_Dialect, "RotaryScaling"> {
  let mnemonic = "rotary_scaling";
  let summary = "frequencies of nn.rotary made lower, for longer sequences";
  let description = [{
    What becomes of the frequency f of a pair, an angle a position. With `factor`
    alone it is `f / factor` ("linear", position interpolation). Otherwise it
    depends on how often the pair turns in the `original` positions of the first
    training, `n = original f / (2 pi)`: up to `low` turns it is `f / factor`, from
    `high` turns on f as it was, and in between, with
    `s = (n - low) / (high - low)`, it is `(1 - s) f / factor + s f` ("llama3").
    Sources: Chen et al., "Extending Context Window of Large Language Models via
    Positional Interpolation", 2023; Llama Team, "The Llama 3 Herd of Models",
    2024, and its reference code.

    - (C1) `factor` is finite and positive, and so is its reciprocal.
    - (C2) `low`, `high` and `original` stand together, are finite, and
      `0 <= low < high`, `0 < original`.

    Example: `#nn.rotary_scaling<factor = 8.0, low = 1.0, high = 4.0, original = 8192.0>`
  }];
  let parameters = (ins
    NN_Number<"divides frequencies">:$factor,
    NN_DefaultNumber<"turns of the slowest", "::llvm::APFloat(0.0)">:$low,
    NN_DefaultNumber<"turns of what is kept", "::llvm::APFloat(0.0)">:$high,
    NN_DefaultNumber<"positions", "::llvm::APFloat(0.0)">:$original);
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// The frequency, in radians a position, that takes the place of `frequency`.
    double scale(double frequency) const;
  }];
}

#endif // PP_DIALECT_NN_IR_NNATTRIBUTES_TD
