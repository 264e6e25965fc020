//===- OpExamples.cpp - An op for each rule -------------------------------===//
//
// A table: name, attributes, types of operands and of results. In types and
// attributes A, B, C and D stand for one, two, three and four times the number
// of parts, so that each dimension has a size of its own: cut, A has parts of
// size 1, and B, C and D have blocks of which each can be cut. A type is f64
// where it says nothing else.
//
//===----------------------------------------------------------------------===//

#include "OpExamples.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringRef.h"

using namespace pp::commtest;
using llvm::StringRef;

namespace {

struct Row {
  const char *op;
  const char *attributes;
  const char *operands, *results;
  const char *bound = "1";
  double low = -1, high = 1;
};

// A row of a table of 7 is no multiple of any number of parts: padded.
const Row kRows[] = {
    // Elementwise.
    {"nn.add", "", "2xAxB, 2xAxB", "2xAxB"},
    {"nn.add", "", "2xAxB, B", "2xAxB"},
    {"nn.add", "", "BxC, 1xC", "BxC"},
    {"nn.sub", "", "2xBxC, 2xBx1", "2xBxC"},
    {"nn.sub", "", "C, BxC", "BxC"},
    {"nn.mul", "", "2xBxC, Bx1", "2xBxC"},
    {"nn.mul", "", "BxC, f64", "BxC"},
    {"nn.div", "", "2xBxC, C", "2xBxC", "1", 0.5, 2},
    {"nn.gelu", "", "2xAxB", "2xAxB"},
    {"nn.gelu", "approximate = \"tanh\"", "2xAxB", "2xAxB"},
    {"nn.gelu_grad", "", "2xAxB, 2xAxB", "2xAxB"},
    {"nn.gelu_grad", "approximate = \"tanh\"", "2xAxB, 2xAxB", "2xAxB"},
    {"nn.silu", "", "2xAxB", "2xAxB"},
    {"nn.silu_grad", "", "2xAxB, 2xAxB", "2xAxB"},
    {"nn.relu", "", "2xAxB", "2xAxB"},
    {"nn.relu_grad", "", "2xAxB, 2xAxB", "2xAxB"},
    {"nn.cast", "", "AxB", "AxBxf32"},
    {"nn.cast", "", "AxBxi32", "AxB", "9"},
    // Products and tables.
    {"nn.linear", "", "2x3xC, CxD", "2x3xD"},
    {"nn.linear", "", "2xBxC, CxD, D", "2xBxD"},
    {"nn.linear", "transposed", "BxC, DxC, D", "BxD"},
    {"nn.linear", "transposed", "2xBxC, DxC", "2xBxD"},
    {"nn.linear", "", "2x1xB, BxA, A", "2x1xA"},
    {"nn.linear", "", "AxB, BxA", "AxA"},
    {"nn.linear", "", "A, AxB, B", "B"},
    {"nn.linear", "", "2xBxC, Cx7", "2xBx7"},
    {"nn.linear", "transposed", "2xBxC, 7xC", "2xBx7"},
    {"nn.matmul", "", "AxBxC, AxCxD", "AxBxD"},
    {"nn.matmul", "transpose_a", "2xCxB, 2xCxD", "2xBxD"},
    {"nn.matmul", "transpose_b", "2xBxC, 2xDxC", "2xBxD"},
    {"nn.matmul", "transpose_a, transpose_b", "CxB, DxC", "BxD"},
    {"nn.matmul", "", "BxC, CxD, BxD", "BxD"},
    {"nn.matmul", "", "BxA, AxC", "BxC"},
    {"nn.embedding", "", "2xBxi32, DxC", "2xBxC", "D"},
    {"nn.embedding", "", "1xAxi32, BxA", "1xAxA", "B"},
    {"nn.embedding", "", "2xBxi32, 7xC", "2xBxC", "7"},
    {"nn.embedding_grad", "operandSegmentSizes = array<i32: 1, 1, 0, 0>",
     "2xBxi32, 2xBxC", "DxC", "D"},
    {"nn.embedding_grad", "operandSegmentSizes = array<i32: 1, 1, 1, 0>",
     "2xBxi32, 2xBxC, 7xC", "7xC", "7"},
    // Norms.
    {"nn.layer_norm", "", "2xBxC, C, C", "2xBxC"},
    {"nn.layer_norm", "", "AxC, C, C", "AxC"},
    {"nn.layer_norm_statistics", "", "2xBxC", "D, D"},
    {"nn.layer_norm_grad_input", "", "2xBxC, C, 2xBxC", "2xBxC"},
    {"nn.layer_norm_grad_input", "", "2xBxC, C, 2xBxC, D, D", "2xBxC"},
    {"nn.layer_norm_grad_scale", "operandSegmentSizes = array<i32: 1, 1, 0, 0>",
     "2xBxC, 2xBxC", "C"},
    {"nn.layer_norm_grad_scale", "operandSegmentSizes = array<i32: 1, 1, 2, 1>",
     "2xBxC, 2xBxC, D, D, C", "C"},
    {"nn.rms_norm", "", "2xBxC, C", "2xBxC"},
    {"nn.rms_norm_statistics", "", "2xBxC", "D"},
    {"nn.rms_norm_grad_input", "", "2xBxC, C, 2xBxC", "2xBxC"},
    {"nn.rms_norm_grad_input", "", "2xBxC, C, 2xBxC, D", "2xBxC"},
    {"nn.rms_norm_grad_scale", "operandSegmentSizes = array<i32: 1, 1, 0, 0>",
     "2xBxC, 2xBxC", "C"},
    {"nn.rms_norm_grad_scale", "operandSegmentSizes = array<i32: 1, 1, 1, 1>",
     "2xBxC, 2xBxC, D, C", "C"},
    // Reductions.
    {"nn.reduce_sum", "axes = array<i64: 1>", "2xBxC", "2xC"},
    {"nn.reduce_sum", "axes = array<i64: 1>", "2xAxB", "2xB"},
    {"nn.reduce_sum", "axes = array<i64: 0, 2>, keepdims", "AxBxC", "1xBx1"},
    {"nn.reduce_sum", "axes = array<i64: 0>", "BxC, C", "C"},
    {"nn.reduce_sum", "axes = array<i64: 0, 1>", "BxC", "f64"},
    {"nn.reduce_mean", "axes = array<i64: 1>", "2xBxC", "2xC"},
    {"nn.reduce_mean", "axes = array<i64: 2>, keepdims", "AxBxC", "AxBx1"},
    {"nn.reduce_max", "axes = array<i64: 1>", "2xBxC", "2xC"},
    {"nn.reduce_max", "axes = array<i64: 0>, keepdims", "BxC", "1xC"},
    {"nn.softmax", "axis = 1 : i64", "AxBxC", "AxBxC"},
    {"nn.sum_of_squares", "", "Cxf32", "f64"},
    // Losses.
    {"nn.cross_entropy", "", "2xBxC, 2xBxi32", "f64, 2xB", "C"},
    {"nn.cross_entropy_grad", "", "2xBxC, 2xBxi32, 2xB, f64", "2xBxC", "C"},
    {"nn.class_max", "", "2xBxC", "2xB"},
    {"nn.class_max", "", "2xBx7", "2xB"},
    {"nn.class_sums", "", "2xBxC, 2xB, 2xBxi32", "2xB, 2xB", "C"},
    {"nn.class_sums", "", "2xBx7, 2xB, 2xBxi32", "2xB, 2xB", "7"},
    {"nn.class_sums_grad", "", "2xBxC, 2xB, 2xBxi32, 2xB, 2xB", "2xBxC", "C"},
    {"nn.class_sums_grad", "", "2xBx7, 2xB, 2xBxi32, 2xB, 2xB", "2xBx7", "7"},
    // Attention: as many key heads, and heads that share one.
    {"nn.attention", "", "AxBxCx2, Ax3xCx2, Ax3xCx2", "AxBxCx2, AxCxB"},
    {"nn.attention", "causal", "AxBxDx2, AxBxBx2, AxBxBx2", "AxBxDx2, AxDxB"},
    {"nn.attention", "causal", "2x3xDx2, 2x3x2x2, 2x3x2x2", "2x3xDx2, 2xDx3"},
    {"nn.attention", "scale = 0.5 : f64", "2xBxDx2, 2x3x1x2, 2x3x1x2",
     "2xBxDx2, 2xDxB"},
    {"nn.attention", "causal", "AxBxDx2, AxBxBx2, AxBxBx2, AxBxi32",
     "AxBxDx2, AxDxB", "2"},
    {"nn.attention", "", "2x3xDx2, 2x3x2x2, 2x3x2x2, 2x3xi32", "2x3xDx2, 2xDx3",
     "2"},
    {"nn.attention_grad", "",
     "AxBxDx2, Ax3xBx2, Ax3xBx2, AxBxDx2, AxDxB, AxBxDx2",
     "AxBxDx2, Ax3xBx2, Ax3xBx2"},
    {"nn.attention_grad", "causal",
     "2x3xDx2, 2x3x2x2, 2x3x2x2, 2x3xDx2, 2xDx3, 2x3xDx2",
     "2x3xDx2, 2x3x2x2, 2x3x2x2"},
    {"nn.attention_grad", "causal",
     "Ax3xDx2, Ax3x2x2, Ax3x2x2, Ax3xDx2, AxDx3, Ax3xDx2, Ax3xi32",
     "Ax3xDx2, Ax3x2x2, Ax3x2x2", "2"},
    {"nn.rotary", "", "Ax3xBx4", "Ax3xBx4"},
    {"nn.rotary", "interleaved, inverse", "Ax3xBx4", "Ax3xBx4"},
    {"nn.rotary",
     "base = 50.0, scaling = #nn.rotary_scaling<factor = 8.0, low = 1.0, "
     "high = 4.0, original = 16.0>",
     "Ax3xBx4", "Ax3xBx4"},
    {"nn.dropout", "p = 0.25 : f64, site = 3 : i64", "2xAxB", "2xAxB"},
    // What moves elements.
    {"nn.reshape", "", "2xBxC", "DxC"},
    {"nn.reshape", "", "Dx3", "2xBx3"},
    {"nn.reshape", "", "DxB", "2xBx2xA"},
    {"nn.reshape", "", "AxBxC", "Ax2xAxC"},
    {"nn.reshape", "", "2xBx3", "3xD"},
    {"nn.reshape", "", "AxB", "1xAxBx1"},
    {"nn.reshape", "", "Ax1xB", "AxB"},
    {"nn.reshape", "", "BxAx1", "BxA"},
    {"nn.transpose", "permutation = array<i64: 2, 0, 1>", "2xAxB", "Bx2xA"},
    {"nn.broadcast", "", "1xB", "CxB"},
    {"nn.broadcast", "", "B", "2xCxB"},
    {"nn.slice",
     "offsets = array<i64: 0, 1>, sizes = array<i64: B, 2>, "
     "strides = array<i64: 1, 1>",
     "BxC", "Bx2"},
    {"nn.slice",
     "offsets = array<i64: 0, 1>, sizes = array<i64: A, A>, "
     "strides = array<i64: 1, 2>",
     "AxC", "AxA"},
    {"nn.pad",
     "low = array<i64: 1, 0>, high = array<i64: 2, 0>, "
     "interior = array<i64: 0, 0>",
     "2xB", "5xB"},
    {"nn.concatenate", "axis = 0 : i64", "B, B", "D"},
    {"nn.concatenate", "axis = 1 : i64", "BxA, BxB, BxA", "BxD"},
    {"nn.concatenate", "axis = 1 : i64", "AxB", "AxB"},
    {"nn.split", "axis = 1 : i64, sizes = array<i64: B, B>", "CxD", "CxB, CxB"},
    {"nn.split", "axis = 1 : i64, sizes = array<i64: A, A, A>", "BxC",
     "BxA, BxA, BxA"},
    {"nn.split", "axis = 0 : i64, sizes = array<i64: A, C>", "DxB", "AxB, CxB"},
    // Upstream's, with attributes or types of their own.
    {"arith.select", "", "2xAxBxi1, 2xAxB, 2xAxB", "2xAxB", "2"},
    {"arith.extf", "", "2xAxBxf32", "2xAxB"},
    {"arith.truncf", "", "2xAxB", "2xAxBxf32"},
    {"arith.cmpf", "predicate = 2 : i64", "2xAxB, 2xAxB", "2xAxBxi1"},
    {"arith.cmpi", "predicate = 2 : i64", "2xAxBxi32, 2xAxBxi32", "2xAxBxi1",
     "3"},
    {"arith.trunci", "", "2xAxBxi32", "2xAxBxi16", "9"},
    {"arith.extsi", "", "2xAxBxi16", "2xAxBxi32", "9"},
    {"arith.extui", "", "2xAxBxi16", "2xAxBxi32", "9"},
    {"arith.fptosi", "", "2xAxB", "2xAxBxi32", "1", 0, 9},
    {"arith.fptoui", "", "2xAxB", "2xAxBxi32", "1", 0, 9},
    {"arith.sitofp", "", "2xAxBxi32", "2xAxB", "9"},
    {"arith.uitofp", "", "2xAxBxi32", "2xAxB", "9"},
    {"math.fma", "", "2xAxB, 2xAxB, 2xAxB", "2xAxB"},
    {"math.absi", "", "2xAxBxi32", "2xAxBxi32", "9"},
};

/// Ops with operands and a result of one type, by what they take.
struct Family {
  unsigned operands;
  bool isOfIntegers;
  double low, high;
  std::vector<const char *> ops;
};
const Family kFamilies[] = {
    {2,
     false,
     -1,
     1,
     {"arith.addf", "arith.subf", "arith.mulf", "arith.maximumf",
      "arith.maxnumf", "arith.minimumf", "arith.minnumf", "math.copysign"}},
    {2, false, 0.5, 2, {"arith.divf", "arith.remf", "math.powf", "math.atan2"}},
    {1, false, -0.9, 0.9, {"arith.negf", "math.exp",  "math.exp2",
                           "math.expm1", "math.absf", "math.sin",
                           "math.cos",   "math.tan",  "math.sinh",
                           "math.cosh",  "math.tanh", "math.asin",
                           "math.acos",  "math.atan", "math.asinh",
                           "math.atanh", "math.erf",  "math.erfc",
                           "math.floor", "math.ceil", "math.roundeven",
                           "math.round", "math.trunc"}},
    {1,
     false,
     1.1,
     2,
     {"math.log", "math.log2", "math.log10", "math.log1p", "math.sqrt",
      "math.rsqrt", "math.cbrt", "math.acosh"}},
    {2,
     true,
     0,
     0,
     {"arith.addi", "arith.subi", "arith.muli", "arith.andi", "arith.ori",
      "arith.xori", "arith.maxsi", "arith.minsi"}},
    // No number is 0 that is divided by.
    {2, true, 1, 1, {"arith.divsi", "arith.remsi"}},
};

class Maker {
public:
  explicit Maker(int64_t n) : n(n) {}
  OpExample make(const Row &row) const;

private:
  /// With numbers for letters.
  std::string fill(StringRef text) const {
    std::string filled;
    for (auto [i, letter] : llvm::enumerate(text)) {
      const bool isSize = letter >= 'A' && letter <= 'D' &&
                          (i + 1 == text.size() ||
                           !llvm::isAlpha(text[i + 1]) || text[i + 1] == 'x');
      filled += isSize ? std::to_string(n * (letter - 'A' + 1))
                       : std::string(1, letter);
    }
    return filled;
  }
  std::vector<std::string> types(StringRef list) const {
    std::vector<std::string> all;
    llvm::SmallVector<StringRef> words;
    list.split(words, ", ");
    for (StringRef word : words) {
      StringRef last = word.rsplit('x').second;
      last = last.empty() ? word : last;
      const bool hasElement = llvm::isAlpha(last.front()) &&
                              !(last.front() >= 'A' && last.front() <= 'D');
      all.push_back("tensor<" + fill(word) + (hasElement ? ">" : "xf64>"));
    }
    return all;
  }
  int64_t n;
};

OpExample Maker::make(const Row &row) const {
  OpExample example;
  example.op = row.op;
  example.bound = std::stoll(fill(row.bound));
  example.low = row.low;
  example.high = row.high;
  const std::vector<std::string> operands = types(row.operands),
                                 results = types(row.results);
  auto isOfFloats = [](StringRef type) {
    return type.ends_with("f64>") || type.ends_with("f32>");
  };
  std::string lists[2];
  std::vector<std::string> names;
  example.arguments.resize(operands.size());
  unsigned number = 0;
  for (bool floats : {false, true})
    for (auto [i, type] : llvm::enumerate(operands)) {
      if (isOfFloats(type) != floats)
        continue;
      example.arguments[i] = number++;
      lists[floats] += (lists[floats].empty() ? "%o" : ", %o") +
                       std::to_string(i) + ": " + type;
    }
  for (unsigned i = 0; i < operands.size(); ++i)
    names.push_back("%o" + std::to_string(i));
  std::vector<std::string> yielded;
  for (unsigned i = 0; i < results.size(); ++i)
    yielded.push_back("%r#" + std::to_string(i));
  const std::string all = llvm::join(results, ", ");
  const std::string properties = fill(row.attributes);
  example.text = "pp.layer @f(" + lists[0] + ")" +
                 (lists[1].empty() ? "" : " params(" + lists[1] + ")") +
                 " -> (" + all + ") {\n  %r:" + std::to_string(results.size()) +
                 " = \"" + row.op + "\"(" + llvm::join(names, ", ") + ")" +
                 (properties.empty() ? "" : " <{" + properties + "}>") +
                 " : (" + llvm::join(operands, ", ") + ") -> (" + all +
                 ")\n  pp.yield " + llvm::join(yielded, ", ") + " : " + all +
                 "\n}\nfunc.func private @use() attributes {test.uses = @f}\n";
  return example;
}

} // namespace

std::vector<OpExample> pp::commtest::makeOpExamples(int64_t n) {
  std::vector<OpExample> examples;
  Maker maker(n);
  for (const Row &row : kRows)
    examples.push_back(maker.make(row));
  for (const Family &family : kFamilies) {
    const std::string type = family.isOfIntegers ? "2xAxBxi32" : "2xAxB";
    std::string operands = type;
    for (unsigned i = 1; i < family.operands; ++i)
      operands += ", " + type;
    for (const char *op : family.ops) {
      Row row{op,  "",         operands.c_str(), type.c_str(),
              "5", family.low, family.high};
      examples.push_back(maker.make(row));
    }
  }
  return examples;
}
