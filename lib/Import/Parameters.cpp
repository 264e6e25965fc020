//===- Parameters.cpp - Names and shapes of Hugging Face ------------------===//
//
// The one list of what a model's files hold. The writer of the model and the
// check of the files read it.
//
//===----------------------------------------------------------------------===//

#include "Decoder.h"

using namespace pp::hf;

int64_t Parameter::elements() const {
  int64_t product = 1;
  for (int64_t size : shape)
    product *= size;
  return product;
}

std::vector<Parameter> pp::hf::embeddingParameters(const Decoder &d) {
  if (d.family == Family::Gpt2)
    return {{"wte.weight", {d.vocabulary, d.width}, Parameter::Embedding},
            {"wpe.weight", {d.positions, d.width}, Parameter::Embedding}};
  return {{"model.embed_tokens.weight",
           {d.vocabulary, d.width},
           Parameter::Embedding}};
}

static std::vector<Parameter> gptLayer(const Decoder &d) {
  using P = Parameter;
  const int64_t c = d.width, f = d.hidden;
  return {{"ln_1.weight", {c}, P::Gain},
          {"ln_1.bias", {c}, P::Bias},
          {"attn.c_attn.weight", {c, 3 * c}, P::Matrix},
          {"attn.c_attn.bias", {3 * c}, P::Bias},
          {"attn.c_proj.weight", {c, c}, P::Projection},
          {"attn.c_proj.bias", {c}, P::Bias},
          {"ln_2.weight", {c}, P::Gain},
          {"ln_2.bias", {c}, P::Bias},
          {"mlp.c_fc.weight", {c, f}, P::Matrix},
          {"mlp.c_fc.bias", {f}, P::Bias},
          {"mlp.c_proj.weight", {f, c}, P::Projection},
          {"mlp.c_proj.bias", {c}, P::Bias}};
}

static std::vector<Parameter> llamaLayer(const Decoder &d) {
  using P = Parameter;
  const int64_t c = d.width, f = d.hidden;
  const int64_t q = d.heads * d.headSize, k = d.keyHeads * d.headSize;
  std::vector<Parameter> list;
  auto linear = [&](const std::string &name, int64_t out, int64_t in,
                    bool hasBias) {
    list.push_back({name + ".weight", {out, in}, P::Matrix});
    if (hasBias)
      list.push_back({name + ".bias", {out}, P::Bias});
  };
  list.push_back({"input_layernorm.weight", {c}, P::Gain});
  linear("self_attn.q_proj", q, c, d.hasQkvBias);
  linear("self_attn.k_proj", k, c, d.hasQkvBias);
  linear("self_attn.v_proj", k, c, d.hasQkvBias);
  if (d.hasQkNorm) {
    list.push_back({"self_attn.q_norm.weight", {d.headSize}, P::Gain});
    list.push_back({"self_attn.k_norm.weight", {d.headSize}, P::Gain});
  }
  linear("self_attn.o_proj", c, q, d.hasOutputBias);
  list.push_back({"post_attention_layernorm.weight", {c}, P::Gain});
  linear("mlp.gate_proj", f, c, d.hasMlpBias);
  linear("mlp.up_proj", f, c, d.hasMlpBias);
  linear("mlp.down_proj", c, f, d.hasMlpBias);
  return list;
}

std::vector<Parameter> pp::hf::layerParameters(const Decoder &d,
                                               int64_t layer) {
  const bool isGpt = d.family == Family::Gpt2;
  std::vector<Parameter> list = isGpt ? gptLayer(d) : llamaLayer(d);
  const std::string prefix =
      (isGpt ? "h." : "model.layers.") + std::to_string(layer) + ".";
  for (Parameter &parameter : list)
    parameter.name = prefix + parameter.name;
  return list;
}

std::vector<Parameter> pp::hf::headParameters(const Decoder &d) {
  std::vector<Parameter> list;
  if (d.family == Family::Gpt2)
    list = {{"ln_f.weight", {d.width}, Parameter::Gain},
            {"ln_f.bias", {d.width}, Parameter::Bias}};
  else
    list = {{"model.norm.weight", {d.width}, Parameter::Gain}};
  if (!d.isTied)
    list.push_back(
        {"lm_head.weight", {d.vocabulary, d.width}, Parameter::Matrix});
  return list;
}

std::vector<Parameter> pp::hf::allParameters(const Decoder &d) {
  std::vector<Parameter> list = embeddingParameters(d);
  auto append = [&](const std::vector<Parameter> &more) {
    list.insert(list.end(), more.begin(), more.end());
  };
  for (int64_t i = 0; i < d.layers; ++i)
    append(layerParameters(d, i));
  append(headParameters(d));
  return list;
}
