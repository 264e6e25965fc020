// Made by pp-import --sequence=128 --batch=4 from a config.json of qwen3.

// Token embedding; positions enter by rotation in each block.
pp.layer @embed(%tokens: tensor<4x128xi32>)
    params(%embed_tokens: tensor<256x128xf32>)
    -> tensor<4x128x128xf32> {
  %e = nn.embedding %tokens, %embed_tokens : (tensor<4x128xi32>, tensor<256x128xf32>) -> tensor<4x128x128xf32>
  pp.yield %e : tensor<4x128x128xf32>
}

// Grouped-query attention with normalised heads and rotary positions, then a
// gated perceptron.
pp.layer @block(%x: tensor<4x128x128xf32>)
    params(%input_layernorm: tensor<128xf32>,
           %q_proj: tensor<256x128xf32>,
           %k_proj: tensor<128x128xf32>,
           %v_proj: tensor<128x128xf32>,
           %q_norm: tensor<64xf32>,
           %k_norm: tensor<64xf32>,
           %o_proj: tensor<128x256xf32>,
           %post_attention_layernorm: tensor<128xf32>,
           %gate_proj: tensor<384x128xf32>,
           %up_proj: tensor<384x128xf32>,
           %down_proj: tensor<128x384xf32>)
    -> tensor<4x128x128xf32> {
  %n1 = nn.rms_norm %x, %input_layernorm {eps = 1.0e-06} : (tensor<4x128x128xf32>, tensor<128xf32>) -> tensor<4x128x128xf32>
  %q0 = nn.linear %n1, %q_proj {transposed} : (tensor<4x128x128xf32>, tensor<256x128xf32>) -> tensor<4x128x256xf32>
  %k0 = nn.linear %n1, %k_proj {transposed} : (tensor<4x128x128xf32>, tensor<128x128xf32>) -> tensor<4x128x128xf32>
  %v0 = nn.linear %n1, %v_proj {transposed} : (tensor<4x128x128xf32>, tensor<128x128xf32>) -> tensor<4x128x128xf32>
  %q_heads = nn.reshape %q0 : (tensor<4x128x256xf32>) -> tensor<4x128x4x64xf32>
  %q_normed = nn.rms_norm %q_heads, %q_norm {eps = 1.0e-06} : (tensor<4x128x4x64xf32>, tensor<64xf32>) -> tensor<4x128x4x64xf32>
  %q = nn.rotary %q_normed {base = 1000000.0} : (tensor<4x128x4x64xf32>) -> tensor<4x128x4x64xf32>
  %k_heads = nn.reshape %k0 : (tensor<4x128x128xf32>) -> tensor<4x128x2x64xf32>
  %k_normed = nn.rms_norm %k_heads, %k_norm {eps = 1.0e-06} : (tensor<4x128x2x64xf32>, tensor<64xf32>) -> tensor<4x128x2x64xf32>
  %k = nn.rotary %k_normed {base = 1000000.0} : (tensor<4x128x2x64xf32>) -> tensor<4x128x2x64xf32>
  %v = nn.reshape %v0 : (tensor<4x128x128xf32>) -> tensor<4x128x2x64xf32>
  %a, %lse = nn.attention %q, %k, %v {causal} : (tensor<4x128x4x64xf32>, tensor<4x128x2x64xf32>, tensor<4x128x2x64xf32>) -> (tensor<4x128x4x64xf32>, tensor<4x4x128xf32>)
  %rows = nn.reshape %a : (tensor<4x128x4x64xf32>) -> tensor<4x128x256xf32>
  %o = nn.linear %rows, %o_proj {transposed} : (tensor<4x128x256xf32>, tensor<128x256xf32>) -> tensor<4x128x128xf32>
  %x1 = nn.add %x, %o : (tensor<4x128x128xf32>, tensor<4x128x128xf32>) -> tensor<4x128x128xf32>
  %n2 = nn.rms_norm %x1, %post_attention_layernorm {eps = 1.0e-06} : (tensor<4x128x128xf32>, tensor<128xf32>) -> tensor<4x128x128xf32>
  %gate = nn.linear %n2, %gate_proj {transposed} : (tensor<4x128x128xf32>, tensor<384x128xf32>) -> tensor<4x128x384xf32>
  %up = nn.linear %n2, %up_proj {transposed} : (tensor<4x128x128xf32>, tensor<384x128xf32>) -> tensor<4x128x384xf32>
  %act = nn.silu %gate : (tensor<4x128x384xf32>) -> tensor<4x128x384xf32>
  %gated = nn.mul %act, %up : (tensor<4x128x384xf32>, tensor<4x128x384xf32>) -> tensor<4x128x384xf32>
  %down = nn.linear %gated, %down_proj {transposed} : (tensor<4x128x384xf32>, tensor<128x384xf32>) -> tensor<4x128x128xf32>
  %y = nn.add %x1, %down : (tensor<4x128x128xf32>, tensor<4x128x128xf32>) -> tensor<4x128x128xf32>
  pp.yield %y : tensor<4x128x128xf32>
}

// Logits from the embedding matrix (tied) and the mean loss.
pp.layer @head(%x: tensor<4x128x128xf32>, %targets: tensor<4x128xi32>)
    params(%norm: tensor<128xf32>,
           %embed_tokens: tensor<256x128xf32>)
    -> tensor<f32> {
  %n = nn.rms_norm %x, %norm {eps = 1.0e-06} : (tensor<4x128x128xf32>, tensor<128xf32>) -> tensor<4x128x128xf32>
  %logits = nn.linear %n, %embed_tokens {transposed} : (tensor<4x128x128xf32>, tensor<256x128xf32>) -> tensor<4x128x256xf32>
  %loss, %lse = nn.cross_entropy %logits, %targets : (tensor<4x128x256xf32>, tensor<4x128xi32>) -> (tensor<f32>, tensor<4x128xf32>)
  pp.yield %loss : tensor<f32>
}

pp.model @qwen3(%tokens: tensor<4x128xi32>, %targets: tensor<4x128xi32>) -> tensor<f32>
    attributes {pp.config = {
      architectures = ["Qwen3ForCausalLM"],
      model_type = "qwen3",
      vocab_size = 256,
      hidden_size = 128,
      intermediate_size = 384,
      num_hidden_layers = 4,
      num_attention_heads = 4,
      num_key_value_heads = 2,
      head_dim = 64,
      max_position_embeddings = 128,
      hidden_act = "silu",
      rms_norm_eps = 1.0e-06,
      rope_theta = 1000000.0,
      initializer_range = 0.02,
      tie_word_embeddings = true}} {
  %embed_tokens = pp.param "model.embed_tokens.weight" : tensor<256x128xf32> init(#nn.normal<std = 0.02>)
  %x0 = pp.apply @embed(%tokens) params(%embed_tokens)
      : (tensor<4x128xi32>) params(tensor<256x128xf32>) -> tensor<4x128x128xf32>

  %input_layernorm_0 = pp.param "model.layers.0.input_layernorm.weight" : tensor<128xf32> init(#nn.ones)
  %q_proj_0 = pp.param "model.layers.0.self_attn.q_proj.weight" : tensor<256x128xf32> init(#nn.normal<std = 0.02>)
  %k_proj_0 = pp.param "model.layers.0.self_attn.k_proj.weight" : tensor<128x128xf32> init(#nn.normal<std = 0.02>)
  %v_proj_0 = pp.param "model.layers.0.self_attn.v_proj.weight" : tensor<128x128xf32> init(#nn.normal<std = 0.02>)
  %q_norm_0 = pp.param "model.layers.0.self_attn.q_norm.weight" : tensor<64xf32> init(#nn.ones)
  %k_norm_0 = pp.param "model.layers.0.self_attn.k_norm.weight" : tensor<64xf32> init(#nn.ones)
  %o_proj_0 = pp.param "model.layers.0.self_attn.o_proj.weight" : tensor<128x256xf32> init(#nn.normal<std = 0.02>)
  %post_attention_layernorm_0 = pp.param "model.layers.0.post_attention_layernorm.weight" : tensor<128xf32> init(#nn.ones)
  %gate_proj_0 = pp.param "model.layers.0.mlp.gate_proj.weight" : tensor<384x128xf32> init(#nn.normal<std = 0.02>)
  %up_proj_0 = pp.param "model.layers.0.mlp.up_proj.weight" : tensor<384x128xf32> init(#nn.normal<std = 0.02>)
  %down_proj_0 = pp.param "model.layers.0.mlp.down_proj.weight" : tensor<128x384xf32> init(#nn.normal<std = 0.02>)
  %x1 = pp.apply @block(%x0) params(%input_layernorm_0, %q_proj_0, %k_proj_0, %v_proj_0, %q_norm_0, %k_norm_0, %o_proj_0, %post_attention_layernorm_0, %gate_proj_0, %up_proj_0, %down_proj_0)
      : (tensor<4x128x128xf32>) params(tensor<128xf32>, tensor<256x128xf32>, tensor<128x128xf32>, tensor<128x128xf32>, tensor<64xf32>, tensor<64xf32>, tensor<128x256xf32>, tensor<128xf32>, tensor<384x128xf32>, tensor<384x128xf32>, tensor<128x384xf32>) -> tensor<4x128x128xf32>

  %input_layernorm_1 = pp.param "model.layers.1.input_layernorm.weight" : tensor<128xf32> init(#nn.ones)
  %q_proj_1 = pp.param "model.layers.1.self_attn.q_proj.weight" : tensor<256x128xf32> init(#nn.normal<std = 0.02>)
  %k_proj_1 = pp.param "model.layers.1.self_attn.k_proj.weight" : tensor<128x128xf32> init(#nn.normal<std = 0.02>)
  %v_proj_1 = pp.param "model.layers.1.self_attn.v_proj.weight" : tensor<128x128xf32> init(#nn.normal<std = 0.02>)
  %q_norm_1 = pp.param "model.layers.1.self_attn.q_norm.weight" : tensor<64xf32> init(#nn.ones)
  %k_norm_1 = pp.param "model.layers.1.self_attn.k_norm.weight" : tensor<64xf32> init(#nn.ones)
  %o_proj_1 = pp.param "model.layers.1.self_attn.o_proj.weight" : tensor<128x256xf32> init(#nn.normal<std = 0.02>)
  %post_attention_layernorm_1 = pp.param "model.layers.1.post_attention_layernorm.weight" : tensor<128xf32> init(#nn.ones)
  %gate_proj_1 = pp.param "model.layers.1.mlp.gate_proj.weight" : tensor<384x128xf32> init(#nn.normal<std = 0.02>)
  %up_proj_1 = pp.param "model.layers.1.mlp.up_proj.weight" : tensor<384x128xf32> init(#nn.normal<std = 0.02>)
  %down_proj_1 = pp.param "model.layers.1.mlp.down_proj.weight" : tensor<128x384xf32> init(#nn.normal<std = 0.02>)
  %x2 = pp.apply @block(%x1) params(%input_layernorm_1, %q_proj_1, %k_proj_1, %v_proj_1, %q_norm_1, %k_norm_1, %o_proj_1, %post_attention_layernorm_1, %gate_proj_1, %up_proj_1, %down_proj_1)
      : (tensor<4x128x128xf32>) params(tensor<128xf32>, tensor<256x128xf32>, tensor<128x128xf32>, tensor<128x128xf32>, tensor<64xf32>, tensor<64xf32>, tensor<128x256xf32>, tensor<128xf32>, tensor<384x128xf32>, tensor<384x128xf32>, tensor<128x384xf32>) -> tensor<4x128x128xf32>

  %input_layernorm_2 = pp.param "model.layers.2.input_layernorm.weight" : tensor<128xf32> init(#nn.ones)
  %q_proj_2 = pp.param "model.layers.2.self_attn.q_proj.weight" : tensor<256x128xf32> init(#nn.normal<std = 0.02>)
  %k_proj_2 = pp.param "model.layers.2.self_attn.k_proj.weight" : tensor<128x128xf32> init(#nn.normal<std = 0.02>)
  %v_proj_2 = pp.param "model.layers.2.self_attn.v_proj.weight" : tensor<128x128xf32> init(#nn.normal<std = 0.02>)
  %q_norm_2 = pp.param "model.layers.2.self_attn.q_norm.weight" : tensor<64xf32> init(#nn.ones)
  %k_norm_2 = pp.param "model.layers.2.self_attn.k_norm.weight" : tensor<64xf32> init(#nn.ones)
  %o_proj_2 = pp.param "model.layers.2.self_attn.o_proj.weight" : tensor<128x256xf32> init(#nn.normal<std = 0.02>)
  %post_attention_layernorm_2 = pp.param "model.layers.2.post_attention_layernorm.weight" : tensor<128xf32> init(#nn.ones)
  %gate_proj_2 = pp.param "model.layers.2.mlp.gate_proj.weight" : tensor<384x128xf32> init(#nn.normal<std = 0.02>)
  %up_proj_2 = pp.param "model.layers.2.mlp.up_proj.weight" : tensor<384x128xf32> init(#nn.normal<std = 0.02>)
  %down_proj_2 = pp.param "model.layers.2.mlp.down_proj.weight" : tensor<128x384xf32> init(#nn.normal<std = 0.02>)
  %x3 = pp.apply @block(%x2) params(%input_layernorm_2, %q_proj_2, %k_proj_2, %v_proj_2, %q_norm_2, %k_norm_2, %o_proj_2, %post_attention_layernorm_2, %gate_proj_2, %up_proj_2, %down_proj_2)
      : (tensor<4x128x128xf32>) params(tensor<128xf32>, tensor<256x128xf32>, tensor<128x128xf32>, tensor<128x128xf32>, tensor<64xf32>, tensor<64xf32>, tensor<128x256xf32>, tensor<128xf32>, tensor<384x128xf32>, tensor<384x128xf32>, tensor<128x384xf32>) -> tensor<4x128x128xf32>

  %input_layernorm_3 = pp.param "model.layers.3.input_layernorm.weight" : tensor<128xf32> init(#nn.ones)
  %q_proj_3 = pp.param "model.layers.3.self_attn.q_proj.weight" : tensor<256x128xf32> init(#nn.normal<std = 0.02>)
  %k_proj_3 = pp.param "model.layers.3.self_attn.k_proj.weight" : tensor<128x128xf32> init(#nn.normal<std = 0.02>)
  %v_proj_3 = pp.param "model.layers.3.self_attn.v_proj.weight" : tensor<128x128xf32> init(#nn.normal<std = 0.02>)
  %q_norm_3 = pp.param "model.layers.3.self_attn.q_norm.weight" : tensor<64xf32> init(#nn.ones)
  %k_norm_3 = pp.param "model.layers.3.self_attn.k_norm.weight" : tensor<64xf32> init(#nn.ones)
  %o_proj_3 = pp.param "model.layers.3.self_attn.o_proj.weight" : tensor<128x256xf32> init(#nn.normal<std = 0.02>)
  %post_attention_layernorm_3 = pp.param "model.layers.3.post_attention_layernorm.weight" : tensor<128xf32> init(#nn.ones)
  %gate_proj_3 = pp.param "model.layers.3.mlp.gate_proj.weight" : tensor<384x128xf32> init(#nn.normal<std = 0.02>)
  %up_proj_3 = pp.param "model.layers.3.mlp.up_proj.weight" : tensor<384x128xf32> init(#nn.normal<std = 0.02>)
  %down_proj_3 = pp.param "model.layers.3.mlp.down_proj.weight" : tensor<128x384xf32> init(#nn.normal<std = 0.02>)
  %x4 = pp.apply @block(%x3) params(%input_layernorm_3, %q_proj_3, %k_proj_3, %v_proj_3, %q_norm_3, %k_norm_3, %o_proj_3, %post_attention_layernorm_3, %gate_proj_3, %up_proj_3, %down_proj_3)
      : (tensor<4x128x128xf32>) params(tensor<128xf32>, tensor<256x128xf32>, tensor<128x128xf32>, tensor<128x128xf32>, tensor<64xf32>, tensor<64xf32>, tensor<128x256xf32>, tensor<128xf32>, tensor<384x128xf32>, tensor<384x128xf32>, tensor<128x384xf32>) -> tensor<4x128x128xf32>

  %norm = pp.param "model.norm.weight" : tensor<128xf32> init(#nn.ones)
  %loss = pp.apply @head(%x4, %targets) params(%norm, %embed_tokens)
      : (tensor<4x128x128xf32>, tensor<4x128xi32>) params(tensor<128xf32>, tensor<256x128xf32>) -> tensor<f32>
  pp.return %loss : tensor<f32>
}
