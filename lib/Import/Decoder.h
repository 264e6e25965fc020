//===- Decoder.h - What a config.json describes -----------------*- C++ -*-===//

#ifndef PP_LIB_IMPORT_DECODER_H
#define PP_LIB_IMPORT_DECODER_H

#include "Json.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace pp::hf {

/// GPT-2: learned positions, layer norms, one matrix for q, k and v, stored
/// [in, out]. Llama, and all that follow it: rotary positions, RMS norms, a
/// gated perceptron, stored [out, in].
enum class Family { Gpt2, Llama };

/// `#nn.rotary_scaling` in its terms.
struct RopeScaling {
  double factor = 1;
  double low = 0, high = 0, original = 0; ///< all 0: linear
};

/// A decoder-only transformer.
struct Decoder {
  std::string modelType; ///< as config.json spells it
  std::string config;    ///< all of config.json, as an attribute
  Family family = Family::Llama;
  int64_t layers = 0, width = 0, heads = 0, keyHeads = 0, headSize = 0;
  int64_t hidden = 0, vocabulary = 0;
  int64_t positions = 0;  ///< the longest sequence
  std::string activation; ///< the op and its attributes
  std::string activationAttributes;
  double eps = 0, initializerRange = 0;
  double ropeBase = 0;
  std::optional<RopeScaling> ropeScaling;
  std::optional<int64_t> window; ///< keys that a query sees, itself included
  bool isTied = false;
  bool hasQkvBias = false, hasOutputBias = false, hasMlpBias = false;
  bool hasQkNorm = false;
  bool scalesScores = true; ///< by 1 / sqrt(head size)
  double embeddingDropout = 0, residualDropout = 0, attentionDropout = 0;
};

/// What the command line says about reading a configuration.
struct ConfigOptions {
  std::vector<std::string> ignoredKeys; ///< accepted though unknown
  bool noDropout = false;
};

/// Reads `path`, a config.json; throws Failure with all that it finds wrong:
/// keys that are missing, unknown, or have values that would need mathematics
/// that there are no ops for.
Decoder readConfig(const std::string &path, const ConfigOptions &options);

/// `config` as the text of a dictionary attribute, a key on a line, of a model
/// of the class `architecture`; throws Failure.
std::string configAttribute(const Json &config,
                            const std::string &architecture);

/// A parameter of the model under Hugging Face's name.
struct Parameter {
  std::string name;
  std::vector<int64_t> shape;
  enum Kind { Embedding, Matrix, Projection, Gain, Bias } kind = Matrix;
  int64_t elements() const;
};

/// Parameters in the model's order: embedding, layers, head. A tied head has
/// none of its own.
std::vector<Parameter> embeddingParameters(const Decoder &decoder);
std::vector<Parameter> layerParameters(const Decoder &decoder, int64_t layer);
std::vector<Parameter> headParameters(const Decoder &decoder);
std::vector<Parameter> allParameters(const Decoder &decoder);

/// What a model is written for.
struct ModelOptions {
  int64_t sequence = 0; ///< tokens
  int64_t batch = 0;    ///< sequences of a micro-batch
  std::string name;
  bool packsDocuments = false; ///< attention and loss stay within documents
};

/// The model as MLIR; checks that the decoder can have it, or throws Failure.
std::string writeModel(const Decoder &decoder, const ModelOptions &options);

/// What training it takes, as text or as JSON.
std::string describe(const Decoder &decoder, int64_t sequence, bool asJson);

/// Checks by the headers of the safetensors files in `directory` that they
/// hold all parameters of the decoder, and nothing else; throws Failure that
/// lists all that do not fit.
void checkWeights(const std::string &directory, const Decoder &decoder);

} // namespace pp::hf

#endif // PP_LIB_IMPORT_DECODER_H
