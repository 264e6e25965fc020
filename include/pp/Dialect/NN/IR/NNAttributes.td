//===- NNAttributes.td - Initialisers of parameters ------------*- tablegen -*-===//

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

#endif // PP_DIALECT_NN_IR_NNATTRIBUTES_TD
