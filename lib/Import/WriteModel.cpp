//===- WriteModel.cpp - A decoder as MLIR ---------------------------------===//
//
// Text for people: three layers, each defined once, and a model that applies
// them in a row, as in examples/gpt.mlir and examples/llama.mlir. Parameters
// have Hugging Face's names, shapes and orders of dimensions, so that files can
// be read as they are; an nn.linear of a stored [out, in] matrix is
// `transposed`.
//
//===----------------------------------------------------------------------===//

#include "Decoder.h"
#include "Json.h"

#include <cmath>
#include <cstdio>
#include <map>

using namespace pp::hf;

namespace {
/// A value of a layer: its name without `%`, and its type.
struct Value {
  std::string name, type;
};
using Values = std::vector<Value>;
using Shape = std::vector<int64_t>;
} // namespace

static std::string tensor(const Shape &shape,
                          const std::string &element = "f32") {
  std::string text = "tensor<";
  for (int64_t size : shape)
    text += std::to_string(size) + "x";
  return text + element + ">";
}

static std::string join(const std::vector<std::string> &parts,
                        const std::string &between = ", ") {
  std::string text;
  for (const std::string &part : parts)
    text += (text.empty() ? "" : between) + part;
  return text;
}

namespace {
class Writer {
public:
  Writer(const Decoder &decoder, const ModelOptions &options)
      : d(decoder), sequence(options.sequence), batch(options.batch),
        model(options.name), packsDocuments(options.packsDocuments),
        ids(tensor({batch, sequence}, "i32")),
        stream(tensor({batch, sequence, d.width})) {}

  std::string write();

private:
  /// `%RESULT = NAME %a, %b {attributes} : (types) -> type`.
  Value op(const std::string &result, const std::string &name,
           const Values &operands, const std::string &type,
           const std::string &attributes = "");
  void beginLayer(const std::string &name, const std::string &comment,
                  const Values &inputs, const std::vector<Parameter> &list,
                  const std::string &result);
  void endLayer(const Value &result);
  /// A parameter of the open layer, by the end of its name.
  Value parameter(const std::string &end) const;
  bool hasParameter(const std::string &end) const;

  Value linear(const std::string &result, const Value &input,
               const std::string &name, int64_t out);
  Value norm(const std::string &result, const Value &input,
             const std::string &name);
  Value dropout(const Value &input, double p, int site);
  Value heads(const Value &input, const std::string &name, int64_t count,
              bool turns);
  Value attention(const Value &q, const Value &k, const Value &v);

  void embed();
  Values blockInputs(const std::string &x) const;
  void gptBlock();
  void llamaBlock();
  void head();
  void body();
  std::string initializer(const Parameter &parameter) const;

  const Decoder &d;
  int64_t sequence, batch;
  std::string model;
  bool packsDocuments;
  std::string ids, stream;
  std::string text;
  std::map<std::string, Value> known; // parameters of the open layer
};
} // namespace

/// `model.layers.3.mlp.up_proj.weight` as `up_proj`: the last part of a name
/// that is no number, with `_bias` where it is one.
static std::string shortName(const std::string &name) {
  const size_t last = name.rfind('.');
  const size_t before = name.rfind('.', last - 1);
  const size_t begin = before == std::string::npos ? 0 : before + 1;
  std::string part = name.substr(begin, last - begin);
  // GPT-2 has two c_proj.
  if (name.find("mlp.c_proj") != std::string::npos)
    part = "c_proj_mlp";
  return name.substr(last) == ".bias" ? part + "_bias" : part;
}

Value Writer::op(const std::string &result, const std::string &name,
                 const Values &operands, const std::string &type,
                 const std::string &attributes) {
  std::vector<std::string> names, types;
  for (const Value &operand : operands) {
    names.push_back("%" + operand.name);
    types.push_back(operand.type);
  }
  text += "  %" + result + " = " + name + " " + join(names) + attributes +
          " : (" + join(types) + ") -> " + type + "\n";
  return {result, type};
}

void Writer::beginLayer(const std::string &name, const std::string &comment,
                        const Values &inputs,
                        const std::vector<Parameter> &list,
                        const std::string &result) {
  std::vector<std::string> arguments, parameters;
  for (const Value &input : inputs)
    arguments.push_back("%" + input.name + ": " + input.type);
  known.clear();
  for (const Parameter &each : list) {
    Value value{shortName(each.name), tensor(each.shape)};
    parameters.push_back("%" + value.name + ": " + value.type);
    known[value.name] = value;
  }
  text += "// " + comment + "\npp.layer @" + name + "(" + join(arguments) +
          ")\n    params(" + join(parameters, ",\n           ") + ")\n    -> " +
          result + " {\n";
}

void Writer::endLayer(const Value &result) {
  text += "  pp.yield %" + result.name + " : " + result.type + "\n}\n\n";
}

Value Writer::parameter(const std::string &name) const {
  return known.at(name);
}
bool Writer::hasParameter(const std::string &name) const {
  return known.count(name) != 0;
}

Value Writer::linear(const std::string &result, const Value &input,
                     const std::string &name, int64_t out) {
  Values operands = {input, parameter(name)};
  if (hasParameter(name + "_bias"))
    operands.push_back(parameter(name + "_bias"));
  return op(result, "nn.linear", operands, tensor({batch, sequence, out}),
            d.family == Family::Gpt2 ? "" : " {transposed}");
}

Value Writer::norm(const std::string &result, const Value &input,
                   const std::string &name) {
  const std::string eps = " {eps = " + numberText(d.eps) + "}";
  if (d.family == Family::Gpt2)
    return op(result, "nn.layer_norm",
              {input, parameter(name), parameter(name + "_bias")}, input.type,
              eps);
  return op(result, "nn.rms_norm", {input, parameter(name)}, input.type, eps);
}

Value Writer::dropout(const Value &input, double p, int site) {
  if (p == 0)
    return input;
  return op(input.name + "_dropped", "nn.dropout", {input}, input.type,
            " {p = " + numberText(p) + ", site = " + std::to_string(site) +
                " : i64}");
}

/// Rows as heads, normalised and turned as the model has it.
Value Writer::heads(const Value &input, const std::string &name, int64_t count,
                    bool turns) {
  const std::string type = tensor({batch, sequence, count, d.headSize});
  const bool isLlama = d.family == Family::Llama;
  const bool isNormalised = isLlama && turns && d.hasQkNorm;
  const bool isTurned = isLlama && turns;
  Value value = op(name + (isTurned || isNormalised ? "_heads" : ""),
                   "nn.reshape", {input}, type);
  if (isNormalised)
    value = norm(name + "_normed", value, name + "_norm");
  if (!isTurned)
    return value;
  std::string attributes = " {base = " + numberText(d.ropeBase);
  if (d.ropeScaling) {
    const RopeScaling &s = *d.ropeScaling;
    attributes +=
        ", scaling = #nn.rotary_scaling<factor = " + numberText(s.factor);
    if (s.original != 0)
      attributes += ", low = " + numberText(s.low) +
                    ", high = " + numberText(s.high) +
                    ", original = " + numberText(s.original);
    attributes += ">";
  }
  return op(name, "nn.rotary", {value}, type, attributes + "}");
}

Value Writer::attention(const Value &q, const Value &k, const Value &v) {
  const std::string lse = tensor({batch, d.heads, sequence});
  std::vector<std::string> types = {q.type, k.type, v.type};
  if (packsDocuments)
    types.push_back(ids);
  text += "  %a, %lse = nn.attention %" + q.name + ", %" + k.name + ", %" +
          v.name + (packsDocuments ? " documents(%documents)" : "") +
          (d.scalesScores ? " {causal}" : " {causal, scale = 1.0}") + " : (" +
          join(types) + ") -> (" + q.type + ", " + lse + ")\n";
  return op("rows", "nn.reshape", {{"a", q.type}},
            tensor({batch, sequence, d.heads * d.headSize}));
}

void Writer::embed() {
  const bool isGpt = d.family == Family::Gpt2;
  const std::vector<Parameter> list = embeddingParameters(d);
  beginLayer("embed",
             isGpt ? "Token and learned position embedding."
                   : "Token embedding; positions enter by rotation in each "
                     "block.",
             {{"tokens", ids}}, list, stream);
  Value y = op("e", "nn.embedding",
               {{"tokens", ids}, parameter(shortName(list[0].name))}, stream);
  if (isGpt) {
    Value positions = parameter("wpe");
    if (sequence < d.positions) {
      const std::string type = tensor({sequence, d.width});
      text += "  %positions = nn.slice %wpe offsets = [0, 0] sizes = [" +
              std::to_string(sequence) + ", " + std::to_string(d.width) +
              "] : (" + positions.type + ") -> " + type + "\n";
      positions = {"positions", type};
    }
    y = op("y", "nn.add", {y, positions}, stream);
  }
  endLayer(dropout(y, d.embeddingDropout, 0));
}

/// The stream, and where attention stays within documents, these.
Values Writer::blockInputs(const std::string &x) const {
  Values inputs = {{x, stream}};
  if (packsDocuments)
    inputs.push_back({"documents", ids});
  return inputs;
}

void Writer::gptBlock() {
  const Value x{"x", stream};
  const std::string c = std::to_string(d.width);
  beginLayer("block",
             "A pre-norm transformer block: attention, then a perceptron, each "
             "added to\n// the residual stream.",
             blockInputs("x"), layerParameters(d, 0), stream);
  const Value n1 = norm("n1", x, "ln_1");
  const Value qkv = linear("qkv", n1, "c_attn", 3 * d.width);
  text += "  %q0, %k0, %v0 = nn.split %qkv sizes = [" + join({c, c, c}) +
          "] {axis = 2 : i64} : (" + qkv.type + ") -> (" +
          join({stream, stream, stream}) + ")\n";
  const Value q = heads({"q0", stream}, "q", d.heads, true);
  const Value k = heads({"k0", stream}, "k", d.heads, true);
  const Value v = heads({"v0", stream}, "v", d.heads, false);
  const Value o = linear("o", attention(q, k, v), "c_proj", d.width);
  const Value x1 =
      op("x1", "nn.add", {x, dropout(o, d.residualDropout, 0)}, stream);
  const Value n2 = norm("n2", x1, "ln_2");
  const Value wide = linear("f", n2, "c_fc", d.hidden);
  const Value act =
      op("act", d.activation, {wide}, wide.type, d.activationAttributes);
  const Value p = linear("p", act, "c_proj_mlp", d.width);
  endLayer(op("y", "nn.add", {x1, dropout(p, d.residualDropout, 1)}, stream));
}

void Writer::llamaBlock() {
  const Value x{"x", stream};
  beginLayer("block",
             std::string(d.keyHeads < d.heads ? "Grouped-query attention"
                                              : "Attention") +
                 (d.hasQkNorm ? " with normalised heads and" : " with") +
                 " rotary positions, then a\n// gated perceptron.",
             blockInputs("x"), layerParameters(d, 0), stream);
  const Value n1 = norm("n1", x, "input_layernorm");
  const int64_t rows = d.heads * d.headSize, keys = d.keyHeads * d.headSize;
  const Value q0 = linear("q0", n1, "q_proj", rows);
  const Value k0 = linear("k0", n1, "k_proj", keys);
  const Value v0 = linear("v0", n1, "v_proj", keys);
  const Value q = heads(q0, "q", d.heads, true);
  const Value k = heads(k0, "k", d.keyHeads, true);
  const Value v = heads(v0, "v", d.keyHeads, false);
  const Value o = linear("o", attention(q, k, v), "o_proj", d.width);
  const Value x1 = op("x1", "nn.add", {x, o}, stream);
  const Value n2 = norm("n2", x1, "post_attention_layernorm");
  const Value gate = linear("gate", n2, "gate_proj", d.hidden);
  const Value up = linear("up", n2, "up_proj", d.hidden);
  const Value act =
      op("act", d.activation, {gate}, gate.type, d.activationAttributes);
  const Value gated = op("gated", "nn.mul", {act, up}, up.type);
  const Value down = linear("down", gated, "down_proj", d.width);
  endLayer(op("y", "nn.add", {x1, down}, stream));
}

/// The head's parameters as its layer has them: a tied table is the last.
static std::vector<Parameter> headWithTable(const Decoder &d) {
  std::vector<Parameter> list = headParameters(d);
  if (d.isTied)
    list.push_back(embeddingParameters(d)[0]);
  return list;
}

void Writer::head() {
  const Value x{"x", stream};
  const std::vector<Parameter> list = headWithTable(d);
  beginLayer("head",
             d.isTied ? "Logits from the embedding matrix (tied) and the mean "
                        "loss."
                      : "Logits from their own matrix and the mean loss.",
             {x, {"targets", ids}}, list, "tensor<f32>");
  const Value n = norm("n", x, shortName(list[0].name));
  const Value logits =
      op("logits", "nn.linear", {n, parameter(shortName(list.back().name))},
         tensor({batch, sequence, d.vocabulary}), " {transposed}");
  text += std::string("  %loss, %lse = nn.cross_entropy %logits, %targets") +
          (packsDocuments ? " {ignore_index = -100 : i64}" : "") + " : (" +
          join({logits.type, ids}) + ") -> (tensor<f32>, " +
          tensor({batch, sequence}) + ")\n";
  endLayer({"loss", "tensor<f32>"});
}

std::string Writer::initializer(const Parameter &parameter) const {
  double deviation = d.initializerRange;
  switch (parameter.kind) {
  case Parameter::Gain:
    return "#nn.ones";
  case Parameter::Bias:
    return "#nn.zeros";
  case Parameter::Projection:
    deviation /= std::sqrt(2.0 * double(d.layers));
    break;
  case Parameter::Embedding:
  case Parameter::Matrix:
    break;
  }
  char rounded[32];
  std::snprintf(rounded, sizeof rounded, "%.6g", deviation);
  return "#nn.normal<std = " + numberText(std::stod(rounded)) + ">";
}

/// The parameters and the applications of the layers.
void Writer::body() {
  text += "pp.model @" + model + "(%tokens: " + ids + ", %targets: " + ids +
          (packsDocuments
               ? ",\n         %documents: " + ids + " {pp.data = \"documents\"}"
               : "") +
          ") -> tensor<f32>\n    attributes {pp.config = " + d.config + "} {\n";
  std::map<std::string, std::string> symbols; // by name
  auto apply = [&](const std::string &result, const std::string &layer,
                   const Values &inputs, const std::vector<Parameter> &list,
                   const std::string &suffix, const std::string &type) {
    std::vector<std::string> names, types, operands, operandTypes;
    for (const Parameter &each : list) {
      std::string &symbol = symbols[each.name];
      const std::string of = tensor(each.shape);
      if (symbol.empty()) {
        symbol = "%" + shortName(each.name) + suffix;
        text += "  " + symbol + " = pp.param \"" + each.name + "\" : " + of +
                " init(" + initializer(each) + ")\n";
      }
      names.push_back(symbol);
      types.push_back(of);
    }
    for (const Value &input : inputs) {
      operands.push_back("%" + input.name);
      operandTypes.push_back(input.type);
    }
    text += "  %" + result + " = pp.apply @" + layer + "(" + join(operands) +
            ") params(" + join(names) + ")\n      : (" + join(operandTypes) +
            ") params(" + join(types) + ") -> " + type + "\n";
  };
  apply("x0", "embed", {{"tokens", ids}}, embeddingParameters(d), "", stream);
  for (int64_t i = 0; i < d.layers; ++i) {
    text += "\n";
    apply("x" + std::to_string(i + 1), "block",
          blockInputs("x" + std::to_string(i)), layerParameters(d, i),
          "_" + std::to_string(i), stream);
  }
  text += "\n";
  apply("loss", "head",
        {{"x" + std::to_string(d.layers), stream}, {"targets", ids}},
        headWithTable(d), "", "tensor<f32>");
  text += "  pp.return %loss : tensor<f32>\n}\n";
}

std::string Writer::write() {
  text = "// Made by pp-import --sequence=" + std::to_string(sequence) +
         " --batch=" + std::to_string(batch) +
         (packsDocuments ? " --pack-documents" : "") +
         " from a config.json of " + d.modelType + ".\n\n";
  embed();
  d.family == Family::Gpt2 ? gptBlock() : llamaBlock();
  head();
  body();
  return text;
}

std::string pp::hf::writeModel(const Decoder &decoder,
                               const ModelOptions &options) {
  const int64_t sequence = options.sequence;
  const std::string found = "found --sequence=" + std::to_string(sequence);
  std::vector<std::string> errors;
  if (sequence > decoder.positions)
    errors.push_back(
        found + ", expected at most " + std::to_string(decoder.positions) +
        ", which is " +
        (decoder.family == Family::Gpt2
             ? "n_positions of config.json: there are no more positions"
             : "max_position_embeddings of config.json: raise it there to "
               "train longer sequences than those of the model"));
  if (decoder.window && *decoder.window < sequence)
    errors.push_back(
        found + " with sliding_window = " + std::to_string(*decoder.window) +
        " in config.json, expected no sequence longer than the window: "
        "nn.attention has no window, so lower --sequence");
  if (decoder.attentionDropout != 0)
    errors.push_back(
        std::string("found ") +
        (decoder.family == Family::Gpt2 ? "attn_pdrop" : "attention_dropout") +
        " = " + numberText(decoder.attentionDropout) +
        " in config.json, expected 0: nn.attention has no dropout of its "
        "probabilities; write --no-dropout to train without any dropout");
  if (!errors.empty())
    throw Failure{errors};
  return Writer(decoder, options).write();
}
