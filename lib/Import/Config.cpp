//===- Config.cpp - Reads config.json -------------------------------------===//
//
// Every key of the file is in one of four classes: it is read; it changes
// nothing of the mathematics and is passed over by name; it is supported at one
// value; or it is an error. So nothing that would change what is computed is
// ever ignored in silence. Defaults are those of the configuration classes of
// transformers 4.57 and 5, and stand only where those two agree.
//
//===----------------------------------------------------------------------===//

#include "ConfigKeys.h"
#include "Decoder.h"

#include <algorithm>
#include <map>

using namespace pp::hf;

/// Keys of all families that say nothing of what is computed in training: names
/// and versions, ids of special tokens (which are tokens as any other here),
/// how to generate, what to return, how to store.
static const std::vector<std::string> neutralKeys = {
    "_name_or_path", "name_or_path", "model_type", "transformers_version",
    "torch_dtype", "dtype", "use_cache", "cache_implementation",
    "_attn_implementation", "attn_implementation",
    "_attn_implementation_autoset", "torchscript", "use_bfloat16",
    "chunk_size_feed_forward", "tokenizer_class", "prefix",
    // Special tokens.
    "bos_token_id", "eos_token_id", "pad_token_id", "sep_token_id",
    "decoder_start_token_id", "forced_bos_token_id", "forced_eos_token_id",
    "suppress_tokens", "begin_suppress_tokens",
    // Results.
    "return_dict", "return_dict_in_generate", "output_attentions",
    "output_hidden_states", "output_scores", "output_past",
    // Other tasks and programs.
    "transformers.js_config", "_num_labels", "id2label", "label2id",
    "num_labels", "problem_type", "finetuning_task", "task_specific_params",
    "is_decoder", "tf_legacy_loss", "remove_invalid_values",
    "exponential_decay_length_penalty",
    // Generation.
    "do_sample", "early_stopping", "max_length", "min_length", "num_beams",
    "num_beam_groups", "diversity_penalty", "temperature", "top_k", "top_p",
    "typical_p", "repetition_penalty", "length_penalty", "no_repeat_ngram_size",
    "encoder_no_repeat_ngram_size", "bad_words_ids", "num_return_sequences"};

/// The text of a model has each.
static constexpr int64_t mostLayers = 1 << 14;

/// What to do about an unknown key.
static const char *const unknownRemedy =
    "it may change what is computed; where it does not, accept it with";

/// What no family has.
static void readCommon(ConfigKeys &keys) {
  keys.passOver(neutralKeys);
  keys.refuse({"quantization_config", "compression_config"},
              "quantized weights cannot be trained, take the model that they "
              "were made from");
  keys.refuse({"auto_map"}, "the model brings code of its own");
  keys.refuse({"num_local_experts", "num_experts", "num_experts_per_tok",
               "n_routed_experts", "n_shared_experts", "moe_intermediate_size",
               "shared_expert_intermediate_size", "decoder_sparse_step",
               "router_aux_loss_coef", "output_router_logits", "norm_topk_prob",
               "mlp_only_layers", "first_k_dense_replace"},
              "mixtures of experts are not supported");
  keys.refuse({"final_logit_softcapping", "attn_logit_softcapping",
               "query_pre_attn_scalar", "embedding_multiplier",
               "residual_multiplier", "attention_multiplier", "logits_scaling",
               "logit_scale", "q_lora_rank", "kv_lora_rank", "use_mrope",
               "no_rope_layers", "attention_chunk_size", "clip_qkv"},
              "there are no ops for it");
  keys.refuse({"is_encoder_decoder", "add_cross_attention",
               "cross_attention_hidden_size", "tie_encoder_decoder"},
              "models with an encoder are not supported");
  keys.refuse({"pruned_heads"}, "pruned heads are not supported");
}

static void checkArchitectures(ConfigKeys &keys,
                               const std::vector<std::string> &expected) {
  const Json *found = keys.take("architectures");
  if (!found)
    return;
  for (const std::string &name : expected)
    if (*found == Json::array({name}))
      return;
  keys.fail("architectures", brief(Json::array({expected[0]})) +
                                 ": other heads than that of a language model "
                                 "are not supported");
}

static void readActivation(ConfigKeys &keys, const std::string &key,
                           Decoder &decoder) {
  const std::string name = keys.text(key);
  const std::string tanh = " {approximate = \"tanh\"}";
  if (name == "silu" || name == "swish")
    decoder.activation = "nn.silu";
  else if (name == "relu")
    decoder.activation = "nn.relu";
  else if (name == "gelu" || name == "gelu_new" ||
           name == "gelu_pytorch_tanh") {
    decoder.activation = "nn.gelu";
    decoder.activationAttributes = name == "gelu" ? "" : tanh;
  } else if (keys.has(key)) {
    keys.fail(key, "one of silu, swish, gelu, gelu_new, gelu_pytorch_tanh, "
                   "relu: there is no op for another");
  }
}

/// A probability of dropping elements.
static double readDropout(ConfigKeys &keys, const std::string &key,
                          const ConfigOptions &options) {
  const double found = keys.number(key, 0.0, /*orZero=*/true);
  if (found >= 1)
    keys.fail(key, "a probability below 1: correct it");
  return options.noDropout ? 0 : found;
}

static void readGpt2(ConfigKeys &keys, const ConfigOptions &options,
                     Decoder &d) {
  d.family = Family::Gpt2;
  checkArchitectures(keys, {"GPT2LMHeadModel", "GPT2Model"});
  d.vocabulary = keys.count("vocab_size");
  d.positions = keys.count("n_positions");
  d.width = keys.count("n_embd");
  d.layers = keys.count("n_layer", {}, 1, mostLayers);
  d.heads = d.keyHeads = keys.count("n_head");
  d.hidden = keys.count("n_inner", 4 * d.width);
  readActivation(keys, "activation_function", d);
  d.eps = keys.number("layer_norm_epsilon", 1e-5, /*orZero=*/true);
  d.initializerRange = keys.number("initializer_range", 0.02, /*orZero=*/true);
  d.isTied = keys.flag("tie_word_embeddings", true);
  d.scalesScores = keys.flag("scale_attn_weights", true);
  d.embeddingDropout = readDropout(keys, "embd_pdrop", options);
  d.residualDropout = readDropout(keys, "resid_pdrop", options);
  d.attentionDropout = readDropout(keys, "attn_pdrop", options);
  keys.require("n_ctx", d.positions, "an old name of n_positions");
  keys.require("scale_attn_by_inverse_layer_idx", false,
               "all layers share one definition");
  keys.require("reorder_and_upcast_attn", false,
               "attention has its own order of scaling and products");
  // Of GPT2DoubleHeadsModel.
  keys.passOver({"summary_type", "summary_use_proj", "summary_activation",
                 "summary_proj_to_labels", "summary_first_dropout"});
  // Of the first files.
  keys.passOver({"predict_special_tokens"});
  keys.refuse({"n_special"}, "the vocabulary has all tokens");
  if (d.width % d.heads != 0)
    keys.fail("n_head", "a divisor of n_embd = " + std::to_string(d.width) +
                            ": heads are equally wide");
  d.headSize = std::max<int64_t>(1, d.width / d.heads);
}

/// What `rope_scaling` or `rope_parameters` says.
static void readRope(const Json &object, const std::string &where,
                     const ConfigOptions &options,
                     std::vector<std::string> &errors,
                     std::optional<double> &theta, Decoder &d) {
  ConfigKeys keys(object, where, errors);
  if (keys.has("rope_theta"))
    theta = keys.number("rope_theta");
  keys.require("partial_rotary_factor", 1.0,
               "all of a head turns in nn.rotary");
  std::string key = keys.has("rope_type") ? "rope_type" : "type";
  if (keys.has("type") && keys.has("rope_type"))
    keys.require("type", *keys.take("rope_type"), "rope_type says so");
  const std::string type = keys.text(key, "default");
  if (type == "linear") {
    d.ropeScaling = RopeScaling{keys.number("factor")};
  } else if (type == "llama3") {
    RopeScaling scaling;
    scaling.factor = keys.number("factor");
    scaling.low = keys.number("low_freq_factor", {}, /*orZero=*/true);
    scaling.high = keys.number("high_freq_factor");
    scaling.original = double(keys.count("original_max_position_embeddings"));
    if (keys.has("low_freq_factor") && scaling.low >= scaling.high)
      keys.fail("low_freq_factor",
                "less than high_freq_factor = " + numberText(scaling.high) +
                    ": correct them");
    d.ropeScaling = scaling;
  } else if (type != "default") {
    keys.fail(key, "one of default, linear, llama3: there are no tables of "
                   "angles for another");
    return; // its keys are not ours
  }
  keys.finish({}, "remove it, or take another type than '" + type +
                      "'; there is no");
}

static void readRopes(ConfigKeys &keys, const Json &object,
                      const std::string &path, const ConfigOptions &options,
                      std::vector<std::string> &errors, Decoder &d) {
  std::optional<double> theta;
  if (keys.has("rope_theta"))
    theta = keys.number("rope_theta");
  else
    keys.take("rope_theta");
  const bool hasBoth = keys.has("rope_scaling") && keys.has("rope_parameters");
  for (const char *key : {"rope_scaling", "rope_parameters"}) {
    const Json *value = keys.take(key);
    if (!value || (hasBoth && key == std::string("rope_scaling")))
      continue;
    if (!value->is_object()) {
      keys.fail(key, "an object: correct it");
      continue;
    }
    std::optional<double> inner;
    readRope(*value, path + ", " + key, options, errors, inner, d);
    if (theta && inner && *theta != *inner)
      keys.fail("rope_theta",
                numberText(*inner) + " as in " + key + ": make the two equal");
    if (inner)
      theta = inner;
  }
  // Written by both spellings at once, they have to say the same.
  if (hasBoth) {
    Decoder other;
    std::optional<double> ignored;
    const Json &scaling = *keys.take("rope_scaling");
    if (scaling.is_object())
      readRope(scaling, path + ", rope_scaling", options, errors, ignored,
               other);
    auto same = [](const RopeScaling &a, const RopeScaling &b) {
      return a.factor == b.factor && a.low == b.low && a.high == b.high &&
             a.original == b.original;
    };
    if (!same(d.ropeScaling.value_or(RopeScaling()),
              other.ropeScaling.value_or(RopeScaling())))
      keys.fail("rope_scaling",
                "the same as in rope_parameters: keep one of the two");
  }
  d.ropeBase = theta.value_or(10000.0);
  keys.require("partial_rotary_factor", 1.0,
               "all of a head turns in nn.rotary");
}

/// The window of the layers that have one. Mistral's layers all have it, and
/// by default one of 4096; Qwen's from layer max_window_layers on, if
/// use_sliding_window says so; layer_types names them one by one.
static void readWindow(ConfigKeys &keys, const Json &object, Decoder &d) {
  bool isUsed = true;
  if (d.modelType != "mistral") {
    isUsed = keys.flag("use_sliding_window", false);
    const int64_t first = keys.count(
        "max_window_layers", isUsed ? std::nullopt : std::optional(d.layers),
        /*lowest=*/0);
    isUsed &= first < d.layers;
  }
  if (const Json *types = keys.take("layer_types")) {
    if (!types->is_array() || int64_t(types->size()) != d.layers) {
      keys.fail("layer_types",
                "a list of num_hidden_layers = " + std::to_string(d.layers) +
                    " types: correct it");
      return;
    }
    isUsed = false;
    for (const Json &type : *types) {
      if (type != "full_attention" && type != "sliding_attention") {
        keys.failWith("found " + brief(type) +
                      " in layer_types, expected full_attention or "
                      "sliding_attention: there are no layers of another type");
        return;
      }
      isUsed |= type == "sliding_attention";
    }
  }
  if (!isUsed)
    keys.passOver({"sliding_window"});
  else if (!object.contains("sliding_window") && d.modelType == "mistral")
    d.window = 4096;
  else if (keys.has("sliding_window") || d.modelType != "mistral")
    d.window = keys.count("sliding_window");
  else
    keys.take("sliding_window"); // null: none
}

/// As the names of transformers' classes begin.
static std::string className(const std::string &modelType) {
  static const std::map<std::string, std::string> names = {
      {"gpt2", "GPT2"},
      {"llama", "Llama"},
      {"mistral", "Mistral"},
      {"qwen2", "Qwen2"},
      {"qwen3", "Qwen3"}};
  return names.at(modelType);
}

static void readLlama(ConfigKeys &keys, const Json &object,
                      const std::string &path, const ConfigOptions &options,
                      std::vector<std::string> &errors, Decoder &d) {
  const std::string &type = d.modelType;
  const bool isLlama = type == "llama", isQwen2 = type == "qwen2";
  const bool isQwen3 = type == "qwen3";
  const std::string name = className(type);
  checkArchitectures(keys, {name + "ForCausalLM", name + "Model"});
  d.vocabulary = keys.count("vocab_size");
  d.width = keys.count("hidden_size");
  d.hidden = keys.count("intermediate_size");
  d.layers = keys.count("num_hidden_layers", {}, 1, mostLayers);
  d.heads = keys.count("num_attention_heads");
  // Other classes have other defaults, which depend on the version.
  d.keyHeads =
      keys.count("num_key_value_heads",
                 isLlama ? std::optional<int64_t>(d.heads) : std::nullopt);
  d.positions = keys.count("max_position_embeddings");
  const bool hasHead = keys.has("head_dim");
  d.headSize = keys.count("head_dim", isQwen3 ? std::optional<int64_t>()
                                              : d.width / d.heads);
  if (!hasHead && !isQwen3 && d.width % d.heads != 0)
    keys.fail("num_attention_heads",
              "a divisor of hidden_size = " + std::to_string(d.width) +
                  ": or give head_dim");
  d.headSize = std::max<int64_t>(1, d.headSize);
  if (d.headSize % 2 != 0)
    keys.failWith("found heads of " + std::to_string(d.headSize) +
                  " numbers, expected an even size: rotary positions turn "
                  "pairs");
  if (d.heads % d.keyHeads != 0)
    keys.fail("num_key_value_heads",
              "a divisor of num_attention_heads = " + std::to_string(d.heads) +
                  ": each is shared by equally many");
  readActivation(keys, "hidden_act", d);
  d.eps = keys.number("rms_norm_eps", {}, /*orZero=*/true);
  d.initializerRange = keys.number("initializer_range", 0.02, /*orZero=*/true);
  d.isTied = keys.flag("tie_word_embeddings", false);
  d.attentionDropout = readDropout(keys, "attention_dropout", options);
  readRopes(keys, object, path, options, errors, d);

  // Of Qwen2, whose classes have the biases without a key.
  d.hasQkvBias = isQwen2;
  d.hasQkNorm = isQwen3;
  if (isLlama || isQwen3)
    d.hasQkvBias = d.hasOutputBias = keys.flag("attention_bias", false);
  else
    keys.require("attention_bias", isQwen2,
                 "the class " + name + " does not read it");
  if (isLlama) {
    d.hasMlpBias = keys.flag("mlp_bias", false);
    keys.require("pretraining_tp", 1,
                 "products in slices are not supported; 1 is the same up to "
                 "rounding");
    keys.passOver({"max_sequence_length", "is_llama_config"});
    keys.refuse({"sliding_window", "use_sliding_window", "layer_types"},
                "Llama's layers have no window");
    keys.refuse({"qk_norm", "use_qk_norm"}, "Llama has no norms of heads");
    keys.require("rope_interleaved", false,
                 "Hugging Face's Llama turns halves");
  } else {
    keys.require("mlp_bias", false, "the class " + name + " does not read it");
    readWindow(keys, object, d);
  }
}

/// All numbers of bytes and of operations fit 64 bits.
static void checkSize(ConfigKeys &keys, const Decoder &decoder) {
  auto sum = [](const std::vector<Parameter> &parameters) {
    double elements = 0;
    for (const Parameter &parameter : parameters) {
      double product = 1;
      for (int64_t size : parameter.shape)
        product *= double(size);
      elements += product;
    }
    return elements;
  };
  const double total =
      sum(embeddingParameters(decoder)) +
      double(decoder.layers) * sum(layerParameters(decoder, 0)) +
      sum(headParameters(decoder));
  if (total > 1e15)
    keys.failWith("found a model of " + numberText(total) +
                  " parameters, expected at most 1e15: correct its sizes");
}

Decoder pp::hf::readConfig(const std::string &path,
                           const ConfigOptions &options) {
  const Json object = parseObject(
      readText(path, "expected Hugging Face's config.json there: give the "
                     "directory that holds it"),
      path);
  std::vector<std::string> errors;
  ConfigKeys keys(object, path, errors);
  Decoder decoder;
  decoder.modelType = keys.text("model_type");
  const std::vector<std::string> types = {"gpt2", "llama", "mistral", "qwen2",
                                          "qwen3"};
  if (std::find(types.begin(), types.end(), decoder.modelType) == types.end()) {
    if (errors.empty())
      keys.fail("model_type", "one of gpt2, llama, mistral, qwen2, qwen3: "
                              "write the model by hand, see docs/Import.md");
    throw Failure{errors};
  }
  readCommon(keys);
  if (decoder.modelType == "gpt2")
    readGpt2(keys, options, decoder);
  else
    readLlama(keys, object, path, options, errors, decoder);
  keys.finish(options.ignoredKeys, unknownRemedy);
  if (errors.empty())
    checkSize(keys, decoder);
  if (!errors.empty())
    throw Failure{errors};
  decoder.config = configAttribute(
      object,
      className(decoder.modelType) +
          (decoder.family == Family::Gpt2 ? "LMHeadModel" : "ForCausalLM"));
  return decoder;
}
