"""What pp-import says of configurations that it cannot follow: each row is a
configuration beside this file, what is different in it (REMOVED removes a key), more
options, and what has to stand in the error. `errors.py PP-IMPORT DIRECTORY`."""

import json
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).parent
LLAMA, GPT2, MISTRAL, QWEN2, QWEN3 = (
    "llama-3-8b", "gpt2", "mistral-7b", "qwen2-0.5b", "qwen3-0.6b")
REMOVED = object()
FROM_SCRATCH = ["--batch=1", "--from-scratch", "-o", "-"]
LLAMA3 = {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
          "original_max_position_embeddings": 8192}

CASES = [
    # Models.
    (LLAMA, {"model_type": "phi3"}, [],
     "found model_type = \"phi3\", expected one of gpt2, llama, mistral, qwen2, qwen3: write the"),
    (LLAMA, {"model_type": REMOVED}, [], "found no key 'model_type', expected a name: is the file"),
    (LLAMA, {"model_type": 3}, [], "found model_type = 3, expected a name: correct it"),
    (LLAMA, {"architectures": ["LlamaForSequenceClassification"]}, [],
     'expected ["LlamaForCausalLM"]: other heads than that of a language model'),
    # Keys that nobody knows.
    (LLAMA, {"rope_trick": 1}, [],
     "found key 'rope_trick', which this tool does not know: it may change what is computed; "
     "where it does not, accept it with --ignore-key=rope_trick"),
    (LLAMA, {}, ["--ignore-key=rope_trick"],
     "found --ignore-key=rope_trick, expected a key of the file: drop the option"),
    (LLAMA, {}, ["--ignore-key=hidden_act"],
     "found --ignore-key=hidden_act, expected a key that this tool does not know: drop the option"),
    # Sizes.
    (LLAMA, {"hidden_size": REMOVED}, [],
     "found no key 'hidden_size', expected a whole number from 1 to 1073741824: is the file complete?"),
    (LLAMA, {"hidden_size": 0}, [], "found hidden_size = 0, expected a whole number from 1 to"),
    (LLAMA, {"hidden_size": "4096"}, [], 'found hidden_size = "4096", expected a whole number'),
    (LLAMA, {"hidden_size": 2**63}, [], "found hidden_size = 9223372036854775808, expected a"),
    (LLAMA, {"num_hidden_layers": 20000}, [],
     "found num_hidden_layers = 20000, expected a whole number from 1 to 16384: correct it"),
    (LLAMA, {"hidden_size": 2**30, "vocab_size": 2**30}, [],
     "parameters, expected at most 1e15: correct its sizes"),
    (LLAMA, {"num_attention_heads": 31}, [],
     "found num_attention_heads = 31, expected a divisor of hidden_size = 4096: or give head_dim"),
    (LLAMA, {"num_key_value_heads": 5}, [],
     "found num_key_value_heads = 5, expected a divisor of num_attention_heads = 32: each is"),
    (LLAMA, {"head_dim": 33}, [], "found heads of 33 numbers, expected an even size"),
    (QWEN3, {"head_dim": REMOVED}, [], "found no key 'head_dim', expected a whole number"),
    (QWEN2, {"num_key_value_heads": REMOVED}, [], "found no key 'num_key_value_heads', expected"),
    (GPT2, {"n_head": 7}, ["--no-dropout"],
     "found n_head = 7, expected a divisor of n_embd = 768: heads are equally wide"),
    (GPT2, {"n_ctx": 512}, ["--no-dropout"],
     "found n_ctx = 512, expected 1024: an old name of n_positions"),
    (LLAMA, {"rms_norm_eps": -1e-5}, [], "found rms_norm_eps = -1e-05, expected a number from 0"),
    (LLAMA, {"tie_word_embeddings": "no"}, [],
     'found tie_word_embeddings = "no", expected true or false: correct it'),
    # Mathematics that there are no ops for.
    (LLAMA, {"hidden_act": "quick_gelu"}, [],
     'found hidden_act = "quick_gelu", expected one of silu, swish, gelu, gelu_new, '
     "gelu_pytorch_tanh, relu: there is no op for another"),
    (LLAMA, {"pretraining_tp": 2}, [],
     "found pretraining_tp = 2, expected 1: products in slices are not supported"),
    (GPT2, {"scale_attn_by_inverse_layer_idx": True}, ["--no-dropout"],
     "found scale_attn_by_inverse_layer_idx = true, expected false: all layers share one"),
    (GPT2, {"reorder_and_upcast_attn": True}, ["--no-dropout"],
     "found reorder_and_upcast_attn = true, expected false: attention has its own order"),
    (GPT2, {"add_cross_attention": True}, ["--no-dropout"],
     "found add_cross_attention = true, expected no such key: models with an encoder are not"),
    (MISTRAL, {"attention_bias": True}, [],
     "found attention_bias = true, expected false: the class Mistral does not read it"),
    (QWEN2, {"attention_bias": False}, [],
     "found attention_bias = false, expected true: the class Qwen2 does not read it"),
    (QWEN3, {"mlp_bias": True}, [],
     "found mlp_bias = true, expected false: the class Qwen3 does not read it"),
    (LLAMA, {"quantization_config": {"quant_method": "awq"}}, [],
     'found quantization_config = {"quant_method":"awq"}, expected no such key: quantized'),
    (LLAMA, {"num_local_experts": 8}, [],
     "found num_local_experts = 8, expected no such key: mixtures of experts are not supported"),
    (LLAMA, {"auto_map": {"AutoModel": "x.Y"}}, [], "the model brings code of its own"),
    (LLAMA, {"final_logit_softcapping": 30.0}, [],
     "found final_logit_softcapping = 30.0, expected no such key: there are no ops for it"),
    (LLAMA, {"pruned_heads": {"0": [1]}}, [], "pruned heads are not supported"),
    (LLAMA, {"sliding_window": 64}, [],
     "found sliding_window = 64, expected no such key: Llama's layers have no window"),
    # Dropout.
    (GPT2, {}, [],
     "found attn_pdrop = 0.1 in config.json, expected 0: nn.attention has no dropout of its "
     "probabilities; write --no-dropout to train without any dropout"),
    (LLAMA, {"attention_dropout": 0.2}, [], "found attention_dropout = 0.2 in config.json, expected"),
    (GPT2, {"resid_pdrop": 1.0}, [], "found resid_pdrop = 1.0, expected a probability below 1"),
    # Positions.
    (LLAMA, {"rope_scaling": {"type": "yarn", "factor": 4.0}}, [],
     'rope_scaling: found type = "yarn", expected one of default, linear, llama3: there are no'),
    (LLAMA, {"rope_scaling": {"rope_type": "dynamic", "factor": 4.0}}, [],
     'rope_scaling: found rope_type = "dynamic", expected one of'),
    (LLAMA, {"rope_scaling": {"rope_type": "linear"}}, [],
     "rope_scaling: found no key 'factor', expected a number above 0"),
    (LLAMA, {"rope_scaling": {"rope_type": "linear", "factor": 2.0, "beta_fast": 32}}, [],
     "rope_scaling: found key 'beta_fast', which this tool does not know: "),
    (LLAMA, {"rope_scaling": dict(LLAMA3, low_freq_factor=4.0)}, [],
     "found low_freq_factor = 4.0, expected less than high_freq_factor = 4.0: correct them"),
    (LLAMA, {"rope_scaling": 2.0}, [], "found rope_scaling = 2.0, expected an object: correct it"),
    (LLAMA, {"rope_parameters": {"rope_theta": 10000.0}}, [],
     "found rope_theta = 500000.0, expected 10000.0 as in rope_parameters: make the two equal"),
    (LLAMA, {"rope_parameters": dict(LLAMA3, rope_theta=500000.0),
             "rope_scaling": dict(LLAMA3, factor=4.0)}, [],
     "expected the same as in rope_parameters: keep one of the two"),
    (LLAMA, {"partial_rotary_factor": 0.5}, [],
     "found partial_rotary_factor = 0.5, expected 1.0: all of a head turns in nn.rotary"),
    (LLAMA, {"rope_parameters": {"rope_theta": 500000.0, "partial_rotary_factor": 0.5}}, [],
     "rope_parameters: found partial_rotary_factor = 0.5, expected 1.0"),
    (LLAMA, {"max_position_embeddings": 64}, [],
     "found --sequence=128, expected at most 64, which is max_position_embeddings of config.json: "
     "raise it there"),
    (GPT2, {"n_positions": 64, "n_ctx": 64}, ["--no-dropout"],
     "found --sequence=128, expected at most 64, which is n_positions of config.json: there are"),
    # Windows.
    (MISTRAL, {"sliding_window": 127}, [],
     "found --sequence=128 with sliding_window = 127 in config.json, expected no sequence longer "
     "than the window: nn.attention has no window, so lower --sequence"),
    (MISTRAL, {"sliding_window": REMOVED, "max_position_embeddings": 8192}, ["--sequence=8192"],
     "found --sequence=8192 with sliding_window = 4096 in"),
    (QWEN2, {"use_sliding_window": True, "sliding_window": 64, "max_window_layers": 23}, [],
     "found --sequence=128 with sliding_window = 64 in config.json"),
    (QWEN2, {"use_sliding_window": True, "max_window_layers": REMOVED}, [],
     "found no key 'max_window_layers'"),
    (QWEN3, {"layer_types": ["full_attention"] * 27 + ["sliding_attention"],
             "sliding_window": 64}, [], "found --sequence=128 with sliding_window = 64"),
    (QWEN3, {"layer_types": ["full_attention"] * 27 + ["linear_attention"]}, [],
     'found "linear_attention" in layer_types, expected full_attention or sliding_attention'),
    (QWEN3, {"layer_types": ["full_attention"]}, [],
     'found layer_types = ["full_attention"], expected a list of num_hidden_layers = 28 types'),
]

# What looks like one of the above and changes nothing.
GOOD = [
    (MISTRAL, {"sliding_window": 128}, []),
    (MISTRAL, {"sliding_window": None}, ["--sequence=8192"]),
    (QWEN2, {"use_sliding_window": True, "sliding_window": 64, "max_window_layers": 24}, []),
    (QWEN2, {"use_sliding_window": True, "sliding_window": 128, "max_window_layers": 0}, []),
    (LLAMA, {"rope_trick": 1}, ["--ignore-key=rope_trick"]),
    (LLAMA, {"quantization_config": None, "num_local_experts": 0, "pruned_heads": {}}, []),
    (LLAMA, {"partial_rotary_factor": 1}, []),
    (LLAMA, {"rope_parameters": dict(LLAMA3, rope_theta=500000), "rope_scaling": LLAMA3}, []),
    (LLAMA, {"rope_scaling": {"type": "linear", "rope_type": "linear", "factor": 2}}, []),
    (LLAMA, {"architectures": REMOVED, "num_key_value_heads": REMOVED, "rope_theta": REMOVED}, []),
    (GPT2, {"attn_pdrop": 0}, []),
    # As transformers 5 writes them.
    (QWEN3, {"rope_theta": REMOVED, "rope_scaling": REMOVED, "torch_dtype": REMOVED,
             "dtype": "bfloat16", "pad_token_id": None, "layer_types": ["full_attention"] * 28,
             "rope_parameters": {"rope_theta": 1000000, "rope_type": "default"}}, []),
    (LLAMA, {"rope_theta": REMOVED, "rope_scaling": REMOVED, "pretraining_tp": REMOVED,
             "head_dim": 128, "mlp_bias": False, "rope_parameters": dict(LLAMA3, rope_theta=5e5)}, []),
    # As the first files had them.
    (GPT2, {"attn_pdrop": 0, "n_special": 0, "predict_special_tokens": True}, []),
]

# Files that are no configurations.
TEXTS = [
    ('{"model_type": "llama", "rms_norm_eps": 1e999}', "number overflow parsing '1e999'"),
    ('{"a": ' + "[" * 5000 + "]" * 5000 + "}",
     "found more than 100 objects and arrays in each other, expected a configuration"),
    ('{"model_type": "llama",\n "hidden_size": }', "found a syntax error at line 2, column 17: "),
    ('{"a": 1, "b": {"c": 1}, "c": 2, "a": 2}', "found key 'a' twice, expected each once: drop one"),
    ("[1]", "found [1], expected an object, { ... }: correct the file"),
    ("", "expected JSON: correct the file"),
]


def main():
    tool, work = sys.argv[1], pathlib.Path(sys.argv[2])
    work.mkdir(parents=True, exist_ok=True)

    def run(text, options):
        (work / "config.json").write_text(text)
        if not any(option.startswith("--sequence") for option in options):
            options = ["--sequence=128", *options]
        return subprocess.run([tool, work, *FROM_SCRATCH, *options], capture_output=True, text=True)

    def edited(base, changes):
        config = json.loads((HERE / base / "config.json").read_text())
        config.update(changes)
        return json.dumps({key: value for key, value in config.items() if value is not REMOVED})

    bad = 0
    for text, options, expected in (
            [(edited(base, changes), options, expected) for base, changes, options, expected in CASES]
            + [(text, [], expected) for text, expected in TEXTS]
            + [(edited(base, changes), options, None) for base, changes, options in GOOD]):
        result = run(text, options)
        good = (result.returncode == 0 if expected is None
                else result.returncode == 1 and not result.stdout and expected in result.stderr)
        if not good:
            bad += 1
            print(f"{text}\n{options}\nexpected: {expected}\nfound {result.returncode}:\n{result.stderr}")
    print(f"{len(CASES) + len(TEXTS) + len(GOOD)} configurations, {bad} wrong")


main()
