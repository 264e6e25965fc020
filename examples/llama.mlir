// Made by: bench/make_model.py llama --batch=4 --heads=4 --hidden=320 --kv-heads=2 --layers=4 --sequence=128 --vocabulary=256 --width=128

// Token embedding; positions enter by rotation in each block.
pp.layer @embed(%tokens: tensor<4x128xi32>)
    params(%table: tensor<256x128xf32>)
    -> tensor<4x128x128xf32> {
  %y = nn.embedding %tokens, %table : (tensor<4x128xi32>, tensor<256x128xf32>) -> tensor<4x128x128xf32>
  pp.yield %y : tensor<4x128x128xf32>
}

// Grouped-query attention with rotary positions, then SwiGLU.
pp.layer @block(%x: tensor<4x128x128xf32>)
    params(%g1: tensor<128xf32>,
           %w_q: tensor<128x128xf32>,
           %w_k: tensor<64x128xf32>,
           %w_v: tensor<64x128xf32>,
           %w_o: tensor<128x128xf32>,
           %g2: tensor<128xf32>,
           %w_gate: tensor<320x128xf32>,
           %w_up: tensor<320x128xf32>,
           %w_down: tensor<128x320xf32>)
    -> tensor<4x128x128xf32> {
  %n1 = nn.rms_norm %x, %g1 : (tensor<4x128x128xf32>, tensor<128xf32>) -> tensor<4x128x128xf32>
  %q0 = nn.linear %n1, %w_q {transposed} : (tensor<4x128x128xf32>, tensor<128x128xf32>) -> tensor<4x128x128xf32>
  %k0 = nn.linear %n1, %w_k {transposed} : (tensor<4x128x128xf32>, tensor<64x128xf32>) -> tensor<4x128x64xf32>
  %v0 = nn.linear %n1, %w_v {transposed} : (tensor<4x128x128xf32>, tensor<64x128xf32>) -> tensor<4x128x64xf32>
  %q1 = nn.reshape %q0 : (tensor<4x128x128xf32>) -> tensor<4x128x4x32xf32>
  %k1 = nn.reshape %k0 : (tensor<4x128x64xf32>) -> tensor<4x128x2x32xf32>
  %v = nn.reshape %v0 : (tensor<4x128x64xf32>) -> tensor<4x128x2x32xf32>
  %q = nn.rotary %q1 : (tensor<4x128x4x32xf32>) -> tensor<4x128x4x32xf32>
  %k = nn.rotary %k1 : (tensor<4x128x2x32xf32>) -> tensor<4x128x2x32xf32>
  %a, %lse = nn.attention %q, %k, %v {causal} : (tensor<4x128x4x32xf32>, tensor<4x128x2x32xf32>, tensor<4x128x2x32xf32>) -> (tensor<4x128x4x32xf32>, tensor<4x4x128xf32>)
  %ar = nn.reshape %a : (tensor<4x128x4x32xf32>) -> tensor<4x128x128xf32>
  %o = nn.linear %ar, %w_o {transposed} : (tensor<4x128x128xf32>, tensor<128x128xf32>) -> tensor<4x128x128xf32>
  %x1 = nn.add %x, %o : (tensor<4x128x128xf32>, tensor<4x128x128xf32>) -> tensor<4x128x128xf32>
  %n2 = nn.rms_norm %x1, %g2 : (tensor<4x128x128xf32>, tensor<128xf32>) -> tensor<4x128x128xf32>
  %gate = nn.linear %n2, %w_gate {transposed} : (tensor<4x128x128xf32>, tensor<320x128xf32>) -> tensor<4x128x320xf32>
  %up = nn.linear %n2, %w_up {transposed} : (tensor<4x128x128xf32>, tensor<320x128xf32>) -> tensor<4x128x320xf32>
  %act = nn.silu %gate : (tensor<4x128x320xf32>) -> tensor<4x128x320xf32>
  %gu = nn.mul %act, %up : (tensor<4x128x320xf32>, tensor<4x128x320xf32>) -> tensor<4x128x320xf32>
  %down = nn.linear %gu, %w_down {transposed} : (tensor<4x128x320xf32>, tensor<128x320xf32>) -> tensor<4x128x128xf32>
  %y = nn.add %x1, %down : (tensor<4x128x128xf32>, tensor<4x128x128xf32>) -> tensor<4x128x128xf32>
  pp.yield %y : tensor<4x128x128xf32>
}

// Logits from their own matrix and the mean loss.
pp.layer @head(%x: tensor<4x128x128xf32>, %targets: tensor<4x128xi32>)
    params(%g: tensor<128xf32>,
           %w: tensor<256x128xf32>)
    -> tensor<f32> {
  %n = nn.rms_norm %x, %g : (tensor<4x128x128xf32>, tensor<128xf32>) -> tensor<4x128x128xf32>
  %logits = nn.linear %n, %w {transposed} : (tensor<4x128x128xf32>, tensor<256x128xf32>) -> tensor<4x128x256xf32>
  %loss, %lse = nn.cross_entropy %logits, %targets : (tensor<4x128x256xf32>, tensor<4x128xi32>) -> (tensor<f32>, tensor<4x128xf32>)
  pp.yield %loss : tensor<f32>
}

pp.model @llama(%tokens: tensor<4x128xi32>, %targets: tensor<4x128xi32>) -> tensor<f32> {
  %table = pp.param "model.embed_tokens.weight" : tensor<256x128xf32> init(#nn.normal<std = 0.02>)
  %x0 = pp.apply @embed(%tokens) params(%table)
      : (tensor<4x128xi32>) params(tensor<256x128xf32>) -> tensor<4x128x128xf32>

  %g1_0 = pp.param "model.layers.0.input_layernorm.weight" : tensor<128xf32> init(#nn.ones)
  %w_q_0 = pp.param "model.layers.0.self_attn.q_proj.weight" : tensor<128x128xf32> init(#nn.normal<std = 0.02>)
  %w_k_0 = pp.param "model.layers.0.self_attn.k_proj.weight" : tensor<64x128xf32> init(#nn.normal<std = 0.02>)
  %w_v_0 = pp.param "model.layers.0.self_attn.v_proj.weight" : tensor<64x128xf32> init(#nn.normal<std = 0.02>)
  %w_o_0 = pp.param "model.layers.0.self_attn.o_proj.weight" : tensor<128x128xf32> init(#nn.normal<std = 0.00707107>)
  %g2_0 = pp.param "model.layers.0.post_attention_layernorm.weight" : tensor<128xf32> init(#nn.ones)
  %w_gate_0 = pp.param "model.layers.0.mlp.gate_proj.weight" : tensor<320x128xf32> init(#nn.normal<std = 0.02>)
  %w_up_0 = pp.param "model.layers.0.mlp.up_proj.weight" : tensor<320x128xf32> init(#nn.normal<std = 0.02>)
  %w_down_0 = pp.param "model.layers.0.mlp.down_proj.weight" : tensor<128x320xf32> init(#nn.normal<std = 0.00707107>)
  %x1 = pp.apply @block(%x0) params(%g1_0, %w_q_0, %w_k_0, %w_v_0, %w_o_0, %g2_0, %w_gate_0, %w_up_0, %w_down_0)
      : (tensor<4x128x128xf32>) params(tensor<128xf32>, tensor<128x128xf32>, tensor<64x128xf32>, tensor<64x128xf32>, tensor<128x128xf32>, tensor<128xf32>, tensor<320x128xf32>, tensor<320x128xf32>, tensor<128x320xf32>) -> tensor<4x128x128xf32>

  %g1_1 = pp.param "model.layers.1.input_layernorm.weight" : tensor<128xf32> init(#nn.ones)
  %w_q_1 = pp.param "model.layers.1.self_attn.q_proj.weight" : tensor<128x128xf32> init(#nn.normal<std = 0.02>)
  %w_k_1 = pp.param "model.layers.1.self_attn.k_proj.weight" : tensor<64x128xf32> init(#nn.normal<std = 0.02>)
  %w_v_1 = pp.param "model.layers.1.self_attn.v_proj.weight" : tensor<64x128xf32> init(#nn.normal<std = 0.02>)
  %w_o_1 = pp.param "model.layers.1.self_attn.o_proj.weight" : tensor<128x128xf32> init(#nn.normal<std = 0.00707107>)
  %g2_1 = pp.param "model.layers.1.post_attention_layernorm.weight" : tensor<128xf32> init(#nn.ones)
  %w_gate_1 = pp.param "model.layers.1.mlp.gate_proj.weight" : tensor<320x128xf32> init(#nn.normal<std = 0.02>)
  %w_up_1 = pp.param "model.layers.1.mlp.up_proj.weight" : tensor<320x128xf32> init(#nn.normal<std = 0.02>)
  %w_down_1 = pp.param "model.layers.1.mlp.down_proj.weight" : tensor<128x320xf32> init(#nn.normal<std = 0.00707107>)
  %x2 = pp.apply @block(%x1) params(%g1_1, %w_q_1, %w_k_1, %w_v_1, %w_o_1, %g2_1, %w_gate_1, %w_up_1, %w_down_1)
      : (tensor<4x128x128xf32>) params(tensor<128xf32>, tensor<128x128xf32>, tensor<64x128xf32>, tensor<64x128xf32>, tensor<128x128xf32>, tensor<128xf32>, tensor<320x128xf32>, tensor<320x128xf32>, tensor<128x320xf32>) -> tensor<4x128x128xf32>

  %g1_2 = pp.param "model.layers.2.input_layernorm.weight" : tensor<128xf32> init(#nn.ones)
  %w_q_2 = pp.param "model.layers.2.self_attn.q_proj.weight" : tensor<128x128xf32> init(#nn.normal<std = 0.02>)
  %w_k_2 = pp.param "model.layers.2.self_attn.k_proj.weight" : tensor<64x128xf32> init(#nn.normal<std = 0.02>)
  %w_v_2 = pp.param "model.layers.2.self_attn.v_proj.weight" : tensor<64x128xf32> init(#nn.normal<std = 0.02>)
  %w_o_2 = pp.param "model.layers.2.self_attn.o_proj.weight" : tensor<128x128xf32> init(#nn.normal<std = 0.00707107>)
  %g2_2 = pp.param "model.layers.2.post_attention_layernorm.weight" : tensor<128xf32> init(#nn.ones)
  %w_gate_2 = pp.param "model.layers.2.mlp.gate_proj.weight" : tensor<320x128xf32> init(#nn.normal<std = 0.02>)
  %w_up_2 = pp.param "model.layers.2.mlp.up_proj.weight" : tensor<320x128xf32> init(#nn.normal<std = 0.02>)
  %w_down_2 = pp.param "model.layers.2.mlp.down_proj.weight" : tensor<128x320xf32> init(#nn.normal<std = 0.00707107>)
  %x3 = pp.apply @block(%x2) params(%g1_2, %w_q_2, %w_k_2, %w_v_2, %w_o_2, %g2_2, %w_gate_2, %w_up_2, %w_down_2)
      : (tensor<4x128x128xf32>) params(tensor<128xf32>, tensor<128x128xf32>, tensor<64x128xf32>, tensor<64x128xf32>, tensor<128x128xf32>, tensor<128xf32>, tensor<320x128xf32>, tensor<320x128xf32>, tensor<128x320xf32>) -> tensor<4x128x128xf32>

  %g1_3 = pp.param "model.layers.3.input_layernorm.weight" : tensor<128xf32> init(#nn.ones)
  %w_q_3 = pp.param "model.layers.3.self_attn.q_proj.weight" : tensor<128x128xf32> init(#nn.normal<std = 0.02>)
  %w_k_3 = pp.param "model.layers.3.self_attn.k_proj.weight" : tensor<64x128xf32> init(#nn.normal<std = 0.02>)
  %w_v_3 = pp.param "model.layers.3.self_attn.v_proj.weight" : tensor<64x128xf32> init(#nn.normal<std = 0.02>)
  %w_o_3 = pp.param "model.layers.3.self_attn.o_proj.weight" : tensor<128x128xf32> init(#nn.normal<std = 0.00707107>)
  %g2_3 = pp.param "model.layers.3.post_attention_layernorm.weight" : tensor<128xf32> init(#nn.ones)
  %w_gate_3 = pp.param "model.layers.3.mlp.gate_proj.weight" : tensor<320x128xf32> init(#nn.normal<std = 0.02>)
  %w_up_3 = pp.param "model.layers.3.mlp.up_proj.weight" : tensor<320x128xf32> init(#nn.normal<std = 0.02>)
  %w_down_3 = pp.param "model.layers.3.mlp.down_proj.weight" : tensor<128x320xf32> init(#nn.normal<std = 0.00707107>)
  %x4 = pp.apply @block(%x3) params(%g1_3, %w_q_3, %w_k_3, %w_v_3, %w_o_3, %g2_3, %w_gate_3, %w_up_3, %w_down_3)
      : (tensor<4x128x128xf32>) params(tensor<128xf32>, tensor<128x128xf32>, tensor<64x128xf32>, tensor<64x128xf32>, tensor<128x128xf32>, tensor<128xf32>, tensor<320x128xf32>, tensor<320x128xf32>, tensor<128x320xf32>) -> tensor<4x128x128xf32>

  %g_f = pp.param "model.norm.weight" : tensor<128xf32> init(#nn.ones)
  %w_lm = pp.param "lm_head.weight" : tensor<256x128xf32> init(#nn.normal<std = 0.02>)
  %loss = pp.apply @head(%x4, %targets) params(%g_f, %w_lm)
      : (tensor<4x128x128xf32>, tensor<4x128xi32>) params(tensor<128xf32>, tensor<256x128xf32>) -> tensor<f32>
  pp.return %loss : tensor<f32>
}
