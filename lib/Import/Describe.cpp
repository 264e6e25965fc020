//===- Describe.cpp - What training a model takes -------------------------===//
//
// Sizes by formulas, without weights and without compiling:
//
//   FLOPs a token = 6 (N - E) + 6 L A S
//
// N parameters, E those of embedding tables that are looked up only (a tied one
// is the head's matrix as well, and counts), L layers, A = heads times head
// size, S the sequence. A product costs 2 a weight forward and twice that
// backward; scores and values cost 4 A a pair forward, and a query sees S / 2
// keys on average.
//
//===----------------------------------------------------------------------===//

#include "Decoder.h"
#include "Json.h"

#include <cstdio>

using namespace pp::hf;

namespace {
/// Bytes of a parameter's states under AdamW, whatever the schedule. Under bf16
/// there is a master in f32; gradients are f32.
struct StateBytes {
  const char *precision;
  int64_t parameter, gradient, master, moments;
  int64_t sum() const { return parameter + gradient + master + moments; }
};
constexpr StateBytes states[] = {{"f32", 4, 4, 0, 8}, {"bf16", 2, 4, 4, 8}};
} // namespace

static std::string grouped(int64_t number) {
  std::string text = std::to_string(number);
  for (size_t at = text.size(); at > 3;)
    text.insert(at -= 3, ",");
  return text;
}

static std::string sizeText(double bytes) {
  const char *units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  int unit = 0;
  for (; bytes >= 1024 && unit < 4; ++unit)
    bytes /= 1024;
  char text[32];
  std::snprintf(text, sizeof text, "%.4g %s", bytes, units[unit]);
  return text;
}

std::string pp::hf::describe(const Decoder &d, int64_t sequence, bool asJson) {
  int64_t total = 0, embeddings = 0, layer = 0;
  for (const Parameter &parameter : layerParameters(d, 0))
    layer += parameter.elements();
  for (const Parameter &parameter : embeddingParameters(d)) {
    total += parameter.elements();
    // The head multiplies with a tied table, which is the first.
    if (!d.isTied || parameter.name == "wpe.weight")
      embeddings += parameter.elements();
  }
  total += d.layers * layer;
  for (const Parameter &parameter : headParameters(d))
    total += parameter.elements();
  const double attention =
      6.0 * double(d.layers) * double(d.heads * d.headSize) * double(sequence);
  const double flops = 6.0 * double(total - embeddings) + attention;

  if (asJson) {
    Json bytes;
    for (const StateBytes &state : states)
      bytes[state.precision] = {{"parameters", state.parameter * total},
                                {"gradients", state.gradient * total},
                                {"masters", state.master * total},
                                {"moments", state.moments * total},
                                {"sum", state.sum() * total}};
    const Json object = {{"model_type", d.modelType},
                         {"layers", d.layers},
                         {"width", d.width},
                         {"heads", d.heads},
                         {"key_heads", d.keyHeads},
                         {"head_size", d.headSize},
                         {"hidden", d.hidden},
                         {"vocabulary", d.vocabulary},
                         {"tied", d.isTied},
                         {"sequence", sequence},
                         {"parameters", total},
                         {"parameters_per_layer", layer},
                         {"embedding_parameters", embeddings},
                         {"attention_flops_per_token", attention},
                         {"flops_per_token", flops},
                         {"state_bytes", bytes}};
    return object.dump(2) + "\n";
  }
  std::string text;
  auto line = [&](const std::string &name, const std::string &value) {
    text += name + std::string(18 - std::min<size_t>(18, name.size()), ' ') +
            value + "\n";
  };
  line("model", d.modelType + ", vocabulary " + grouped(d.vocabulary) +
                    (d.isTied ? ", tied head" : ""));
  line("layers", std::to_string(d.layers) + " of width " +
                     std::to_string(d.width) + ", perceptron " +
                     std::to_string(d.hidden));
  line("heads", std::to_string(d.heads) + " of " + std::to_string(d.headSize) +
                    ", " + std::to_string(d.keyHeads) + " of keys");
  if (d.window)
    line("sliding window", grouped(*d.window));
  if (d.embeddingDropout != 0 || d.residualDropout != 0 ||
      d.attentionDropout != 0)
    line("dropout", numberText(d.embeddingDropout) + " of the embedding, " +
                        numberText(d.residualDropout) + " before sums, " +
                        numberText(d.attentionDropout) + " in attention");
  line("parameters", grouped(total) + ", " + grouped(layer) + " a layer, " +
                         grouped(embeddings) + " looked up only");
  char number[64];
  std::snprintf(number, sizeof number, "%.4g", flops);
  std::string flopsLine = number;
  std::snprintf(number, sizeof number, "%.4g", attention);
  line("FLOPs a token", flopsLine +
                            ": 6 (parameters - looked up only) + 6 layers "
                            "heads head-size sequence, " +
                            number + " of it, at sequence " +
                            std::to_string(sequence));
  for (const StateBytes &state : states) {
    auto part = [&](const char *name, int64_t bytes) {
      return bytes ? std::string(", ") + name + " " + std::to_string(bytes)
                   : std::string();
    };
    line(std::string("states, ") + state.precision,
         sizeText(double(state.sum() * total)) +
             " with AdamW: " + std::to_string(state.sum()) +
             " bytes a parameter (itself " + std::to_string(state.parameter) +
             part("gradient", state.gradient) + part("master", state.master) +
             part("moments", state.moments) + ")");
  }
  return text;
}
