// Made by: bench/make_model.py gpt --batch=4 --heads=4 --layers=8 --sequence=128 --vocabulary=256 --width=128

// Token and learned position embedding.
pp.layer @embed(%tokens: tensor<4x128xi32>)
    params(%wte: tensor<256x128xf32>,
           %wpe: tensor<128x128xf32>)
    -> tensor<4x128x128xf32> {
  %e = nn.embedding %tokens, %wte : (tensor<4x128xi32>, tensor<256x128xf32>) -> tensor<4x128x128xf32>
  %y = nn.add %e, %wpe : (tensor<4x128x128xf32>, tensor<128x128xf32>) -> tensor<4x128x128xf32>
  pp.yield %y : tensor<4x128x128xf32>
}

// A pre-norm transformer block: attention, then a perceptron, each added to
// the residual stream.
pp.layer @block(%x: tensor<4x128x128xf32>)
    params(%g1: tensor<128xf32>,
           %b1: tensor<128xf32>,
           %w_qkv: tensor<128x384xf32>,
           %b_qkv: tensor<384xf32>,
           %w_o: tensor<128x128xf32>,
           %b_o: tensor<128xf32>,
           %g2: tensor<128xf32>,
           %b2: tensor<128xf32>,
           %w_fc: tensor<128x512xf32>,
           %b_fc: tensor<512xf32>,
           %w_p: tensor<512x128xf32>,
           %b_p: tensor<128xf32>)
    -> tensor<4x128x128xf32> {
  %n1 = nn.layer_norm %x, %g1, %b1 : (tensor<4x128x128xf32>, tensor<128xf32>, tensor<128xf32>) -> tensor<4x128x128xf32>
  %qkv = nn.linear %n1, %w_qkv, %b_qkv : (tensor<4x128x128xf32>, tensor<128x384xf32>, tensor<384xf32>) -> tensor<4x128x384xf32>
  %q0, %k0, %v0 = nn.split %qkv sizes = [128, 128, 128] {axis = 2 : i64} : (tensor<4x128x384xf32>) -> (tensor<4x128x128xf32>, tensor<4x128x128xf32>, tensor<4x128x128xf32>)
  %q = nn.reshape %q0 : (tensor<4x128x128xf32>) -> tensor<4x128x4x32xf32>
  %k = nn.reshape %k0 : (tensor<4x128x128xf32>) -> tensor<4x128x4x32xf32>
  %v = nn.reshape %v0 : (tensor<4x128x128xf32>) -> tensor<4x128x4x32xf32>
  %a, %lse = nn.attention %q, %k, %v {causal} : (tensor<4x128x4x32xf32>, tensor<4x128x4x32xf32>, tensor<4x128x4x32xf32>) -> (tensor<4x128x4x32xf32>, tensor<4x4x128xf32>)
  %ar = nn.reshape %a : (tensor<4x128x4x32xf32>) -> tensor<4x128x128xf32>
  %o = nn.linear %ar, %w_o, %b_o : (tensor<4x128x128xf32>, tensor<128x128xf32>, tensor<128xf32>) -> tensor<4x128x128xf32>
  %x1 = nn.add %x, %o : (tensor<4x128x128xf32>, tensor<4x128x128xf32>) -> tensor<4x128x128xf32>
  %n2 = nn.layer_norm %x1, %g2, %b2 : (tensor<4x128x128xf32>, tensor<128xf32>, tensor<128xf32>) -> tensor<4x128x128xf32>
  %f = nn.linear %n2, %w_fc, %b_fc : (tensor<4x128x128xf32>, tensor<128x512xf32>, tensor<512xf32>) -> tensor<4x128x512xf32>
  %fa = nn.gelu %f {approximate = "tanh"} : (tensor<4x128x512xf32>) -> tensor<4x128x512xf32>
  %p = nn.linear %fa, %w_p, %b_p : (tensor<4x128x512xf32>, tensor<512x128xf32>, tensor<128xf32>) -> tensor<4x128x128xf32>
  %y = nn.add %x1, %p : (tensor<4x128x128xf32>, tensor<4x128x128xf32>) -> tensor<4x128x128xf32>
  pp.yield %y : tensor<4x128x128xf32>
}

// Logits from the embedding matrix (tied) and the mean loss.
pp.layer @head(%x: tensor<4x128x128xf32>, %targets: tensor<4x128xi32>)
    params(%g: tensor<128xf32>,
           %b: tensor<128xf32>,
           %wte: tensor<256x128xf32>)
    -> tensor<f32> {
  %n = nn.layer_norm %x, %g, %b : (tensor<4x128x128xf32>, tensor<128xf32>, tensor<128xf32>) -> tensor<4x128x128xf32>
  %logits = nn.linear %n, %wte {transposed} : (tensor<4x128x128xf32>, tensor<256x128xf32>) -> tensor<4x128x256xf32>
  %loss, %lse = nn.cross_entropy %logits, %targets : (tensor<4x128x256xf32>, tensor<4x128xi32>) -> (tensor<f32>, tensor<4x128xf32>)
  pp.yield %loss : tensor<f32>
}

pp.model @gpt(%tokens: tensor<4x128xi32>, %targets: tensor<4x128xi32>) -> tensor<f32> {
  %wte = pp.param "wte.weight" : tensor<256x128xf32> init(#nn.normal<std = 0.02>)
  %wpe = pp.param "wpe.weight" : tensor<128x128xf32> init(#nn.normal<std = 0.02>)
  %x0 = pp.apply @embed(%tokens) params(%wte, %wpe)
      : (tensor<4x128xi32>) params(tensor<256x128xf32>, tensor<128x128xf32>) -> tensor<4x128x128xf32>

  %g1_0 = pp.param "h.0.ln_1.weight" : tensor<128xf32> init(#nn.ones)
  %b1_0 = pp.param "h.0.ln_1.bias" : tensor<128xf32> init(#nn.zeros)
  %w_qkv_0 = pp.param "h.0.attn.c_attn.weight" : tensor<128x384xf32> init(#nn.normal<std = 0.02>)
  %b_qkv_0 = pp.param "h.0.attn.c_attn.bias" : tensor<384xf32> init(#nn.zeros)
  %w_o_0 = pp.param "h.0.attn.c_proj.weight" : tensor<128x128xf32> init(#nn.normal<std = 0.005>)
  %b_o_0 = pp.param "h.0.attn.c_proj.bias" : tensor<128xf32> init(#nn.zeros)
  %g2_0 = pp.param "h.0.ln_2.weight" : tensor<128xf32> init(#nn.ones)
  %b2_0 = pp.param "h.0.ln_2.bias" : tensor<128xf32> init(#nn.zeros)
  %w_fc_0 = pp.param "h.0.mlp.c_fc.weight" : tensor<128x512xf32> init(#nn.normal<std = 0.02>)
  %b_fc_0 = pp.param "h.0.mlp.c_fc.bias" : tensor<512xf32> init(#nn.zeros)
  %w_p_0 = pp.param "h.0.mlp.c_proj.weight" : tensor<512x128xf32> init(#nn.normal<std = 0.005>)
  %b_p_0 = pp.param "h.0.mlp.c_proj.bias" : tensor<128xf32> init(#nn.zeros)
  %x1 = pp.apply @block(%x0) params(%g1_0, %b1_0, %w_qkv_0, %b_qkv_0, %w_o_0, %b_o_0, %g2_0, %b2_0, %w_fc_0, %b_fc_0, %w_p_0, %b_p_0)
      : (tensor<4x128x128xf32>) params(tensor<128xf32>, tensor<128xf32>, tensor<128x384xf32>, tensor<384xf32>, tensor<128x128xf32>, tensor<128xf32>, tensor<128xf32>, tensor<128xf32>, tensor<128x512xf32>, tensor<512xf32>, tensor<512x128xf32>, tensor<128xf32>) -> tensor<4x128x128xf32>

  %g1_1 = pp.param "h.1.ln_1.weight" : tensor<128xf32> init(#nn.ones)
  %b1_1 = pp.param "h.1.ln_1.bias" : tensor<128xf32> init(#nn.zeros)
  %w_qkv_1 = pp.param "h.1.attn.c_attn.weight" : tensor<128x384xf32> init(#nn.normal<std = 0.02>)
  %b_qkv_1 = pp.param "h.1.attn.c_attn.bias" : tensor<384xf32> init(#nn.zeros)
  %w_o_1 = pp.param "h.1.attn.c_proj.weight" : tensor<128x128xf32> init(#nn.normal<std = 0.005>)
  %b_o_1 = pp.param "h.1.attn.c_proj.bias" : tensor<128xf32> init(#nn.zeros)
  %g2_1 = pp.param "h.1.ln_2.weight" : tensor<128xf32> init(#nn.ones)
  %b2_1 = pp.param "h.1.ln_2.bias" : tensor<128xf32> init(#nn.zeros)
  %w_fc_1 = pp.param "h.1.mlp.c_fc.weight" : tensor<128x512xf32> init(#nn.normal<std = 0.02>)
  %b_fc_1 = pp.param "h.1.mlp.c_fc.bias" : tensor<512xf32> init(#nn.zeros)
  %w_p_1 = pp.param "h.1.mlp.c_proj.weight" : tensor<512x128xf32> init(#nn.normal<std = 0.005>)
  %b_p_1 = pp.param "h.1.mlp.c_proj.bias" : tensor<128xf32> init(#nn.zeros)
  %x2 = pp.apply @block(%x1) params(%g1_1, %b1_1, %w_qkv_1, %b_qkv_1, %w_o_1, %b_o_1, %g2_1, %b2_1, %w_fc_1, %b_fc_1, %w_p_1, %b_p_1)
      : (tensor<4x128x128xf32>) params(tensor<128xf32>, tensor<128xf32>, tensor<128x384xf32>, tensor<384xf32>, tensor<128x128xf32>, tensor<128xf32>, tensor<128xf32>, tensor<128xf32>, tensor<128x512xf32>, tensor<512xf32>, tensor<512x128xf32>, tensor<128xf32>) -> tensor<4x128x128xf32>

  %g1_2 = pp.param "h.2.ln_1.weight" : tensor<128xf32> init(#nn.ones)
  %b1_2 = pp.param "h.2.ln_1.bias" : tensor<128xf32> init(#nn.zeros)
  %w_qkv_2 = pp.param "h.2.attn.c_attn.weight" : tensor<128x384xf32> init(#nn.normal<std = 0.02>)
  %b_qkv_2 = pp.param "h.2.attn.c_attn.bias" : tensor<384xf32> init(#nn.zeros)
  %w_o_2 = pp.param "h.2.attn.c_proj.weight" : tensor<128x128xf32> init(#nn.normal<std = 0.005>)
  %b_o_2 = pp.param "h.2.attn.c_proj.bias" : tensor<128xf32> init(#nn.zeros)
  %g2_2 = pp.param "h.2.ln_2.weight" : tensor<128xf32> init(#nn.ones)
  %b2_2 = pp.param "h.2.ln_2.bias" : tensor<128xf32> init(#nn.zeros)
  %w_fc_2 = pp.param "h.2.mlp.c_fc.weight" : tensor<128x512xf32> init(#nn.normal<std = 0.02>)
  %b_fc_2 = pp.param "h.2.mlp.c_fc.bias" : tensor<512xf32> init(#nn.zeros)
  %w_p_2 = pp.param "h.2.mlp.c_proj.weight" : tensor<512x128xf32> init(#nn.normal<std = 0.005>)
  %b_p_2 = pp.param "h.2.mlp.c_proj.bias" : tensor<128xf32> init(#nn.zeros)
  %x3 = pp.apply @block(%x2) params(%g1_2, %b1_2, %w_qkv_2, %b_qkv_2, %w_o_2, %b_o_2, %g2_2, %b2_2, %w_fc_2, %b_fc_2, %w_p_2, %b_p_2)
      : (tensor<4x128x128xf32>) params(tensor<128xf32>, tensor<128xf32>, tensor<128x384xf32>, tensor<384xf32>, tensor<128x128xf32>, tensor<128xf32>, tensor<128xf32>, tensor<128xf32>, tensor<128x512xf32>, tensor<512xf32>, tensor<512x128xf32>, tensor<128xf32>) -> tensor<4x128x128xf32>

  %g1_3 = pp.param "h.3.ln_1.weight" : tensor<128xf32> init(#nn.ones)
  %b1_3 = pp.param "h.3.ln_1.bias" : tensor<128xf32> init(#nn.zeros)
  %w_qkv_3 = pp.param "h.3.attn.c_attn.weight" : tensor<128x384xf32> init(#nn.normal<std = 0.02>)
  %b_qkv_3 = pp.param "h.3.attn.c_attn.bias" : tensor<384xf32> init(#nn.zeros)
  %w_o_3 = pp.param "h.3.attn.c_proj.weight" : tensor<128x128xf32> init(#nn.normal<std = 0.005>)
  %b_o_3 = pp.param "h.3.attn.c_proj.bias" : tensor<128xf32> init(#nn.zeros)
  %g2_3 = pp.param "h.3.ln_2.weight" : tensor<128xf32> init(#nn.ones)
  %b2_3 = pp.param "h.3.ln_2.bias" : tensor<128xf32> init(#nn.zeros)
  %w_fc_3 = pp.param "h.3.mlp.c_fc.weight" : tensor<128x512xf32> init(#nn.normal<std = 0.02>)
  %b_fc_3 = pp.param "h.3.mlp.c_fc.bias" : tensor<512xf32> init(#nn.zeros)
  %w_p_3 = pp.param "h.3.mlp.c_proj.weight" : tensor<512x128xf32> init(#nn.normal<std = 0.005>)
  %b_p_3 = pp.param "h.3.mlp.c_proj.bias" : tensor<128xf32> init(#nn.zeros)
  %x4 = pp.apply @block(%x3) params(%g1_3, %b1_3, %w_qkv_3, %b_qkv_3, %w_o_3, %b_o_3, %g2_3, %b2_3, %w_fc_3, %b_fc_3, %w_p_3, %b_p_3)
      : (tensor<4x128x128xf32>) params(tensor<128xf32>, tensor<128xf32>, tensor<128x384xf32>, tensor<384xf32>, tensor<128x128xf32>, tensor<128xf32>, tensor<128xf32>, tensor<128xf32>, tensor<128x512xf32>, tensor<512xf32>, tensor<512x128xf32>, tensor<128xf32>) -> tensor<4x128x128xf32>

  %g1_4 = pp.param "h.4.ln_1.weight" : tensor<128xf32> init(#nn.ones)
  %b1_4 = pp.param "h.4.ln_1.bias" : tensor<128xf32> init(#nn.zeros)
  %w_qkv_4 = pp.param "h.4.attn.c_attn.weight" : tensor<128x384xf32> init(#nn.normal<std = 0.02>)
  %b_qkv_4 = pp.param "h.4.attn.c_attn.bias" : tensor<384xf32> init(#nn.zeros)
  %w_o_4 = pp.param "h.4.attn.c_proj.weight" : tensor<128x128xf32> init(#nn.normal<std = 0.005>)
  %b_o_4 = pp.param "h.4.attn.c_proj.bias" : tensor<128xf32> init(#nn.zeros)
  %g2_4 = pp.param "h.4.ln_2.weight" : tensor<128xf32> init(#nn.ones)
  %b2_4 = pp.param "h.4.ln_2.bias" : tensor<128xf32> init(#nn.zeros)
  %w_fc_4 = pp.param "h.4.mlp.c_fc.weight" : tensor<128x512xf32> init(#nn.normal<std = 0.02>)
  %b_fc_4 = pp.param "h.4.mlp.c_fc.bias" : tensor<512xf32> init(#nn.zeros)
  %w_p_4 = pp.param "h.4.mlp.c_proj.weight" : tensor<512x128xf32> init(#nn.normal<std = 0.005>)
  %b_p_4 = pp.param "h.4.mlp.c_proj.bias" : tensor<128xf32> init(#nn.zeros)
  %x5 = pp.apply @block(%x4) params(%g1_4, %b1_4, %w_qkv_4, %b_qkv_4, %w_o_4, %b_o_4, %g2_4, %b2_4, %w_fc_4, %b_fc_4, %w_p_4, %b_p_4)
      : (tensor<4x128x128xf32>) params(tensor<128xf32>, tensor<128xf32>, tensor<128x384xf32>, tensor<384xf32>, tensor<128x128xf32>, tensor<128xf32>, tensor<128xf32>, tensor<128xf32>, tensor<128x512xf32>, tensor<512xf32>, tensor<512x128xf32>, tensor<128xf32>) -> tensor<4x128x128xf32>

  %g1_5 = pp.param "h.5.ln_1.weight" : tensor<128xf32> init(#nn.ones)
  %b1_5 = pp.param "h.5.ln_1.bias" : tensor<128xf32> init(#nn.zeros)
  %w_qkv_5 = pp.param "h.5.attn.c_attn.weight" : tensor<128x384xf32> init(#nn.normal<std = 0.02>)
  %b_qkv_5 = pp.param "h.5.attn.c_attn.bias" : tensor<384xf32> init(#nn.zeros)
  %w_o_5 = pp.param "h.5.attn.c_proj.weight" : tensor<128x128xf32> init(#nn.normal<std = 0.005>)
  %b_o_5 = pp.param "h.5.attn.c_proj.bias" : tensor<128xf32> init(#nn.zeros)
  %g2_5 = pp.param "h.5.ln_2.weight" : tensor<128xf32> init(#nn.ones)
  %b2_5 = pp.param "h.5.ln_2.bias" : tensor<128xf32> init(#nn.zeros)
  %w_fc_5 = pp.param "h.5.mlp.c_fc.weight" : tensor<128x512xf32> init(#nn.normal<std = 0.02>)
  %b_fc_5 = pp.param "h.5.mlp.c_fc.bias" : tensor<512xf32> init(#nn.zeros)
  %w_p_5 = pp.param "h.5.mlp.c_proj.weight" : tensor<512x128xf32> init(#nn.normal<std = 0.005>)
  %b_p_5 = pp.param "h.5.mlp.c_proj.bias" : tensor<128xf32> init(#nn.zeros)
  %x6 = pp.apply @block(%x5) params(%g1_5, %b1_5, %w_qkv_5, %b_qkv_5, %w_o_5, %b_o_5, %g2_5, %b2_5, %w_fc_5, %b_fc_5, %w_p_5, %b_p_5)
      : (tensor<4x128x128xf32>) params(tensor<128xf32>, tensor<128xf32>, tensor<128x384xf32>, tensor<384xf32>, tensor<128x128xf32>, tensor<128xf32>, tensor<128xf32>, tensor<128xf32>, tensor<128x512xf32>, tensor<512xf32>, tensor<512x128xf32>, tensor<128xf32>) -> tensor<4x128x128xf32>

  %g1_6 = pp.param "h.6.ln_1.weight" : tensor<128xf32> init(#nn.ones)
  %b1_6 = pp.param "h.6.ln_1.bias" : tensor<128xf32> init(#nn.zeros)
  %w_qkv_6 = pp.param "h.6.attn.c_attn.weight" : tensor<128x384xf32> init(#nn.normal<std = 0.02>)
  %b_qkv_6 = pp.param "h.6.attn.c_attn.bias" : tensor<384xf32> init(#nn.zeros)
  %w_o_6 = pp.param "h.6.attn.c_proj.weight" : tensor<128x128xf32> init(#nn.normal<std = 0.005>)
  %b_o_6 = pp.param "h.6.attn.c_proj.bias" : tensor<128xf32> init(#nn.zeros)
  %g2_6 = pp.param "h.6.ln_2.weight" : tensor<128xf32> init(#nn.ones)
  %b2_6 = pp.param "h.6.ln_2.bias" : tensor<128xf32> init(#nn.zeros)
  %w_fc_6 = pp.param "h.6.mlp.c_fc.weight" : tensor<128x512xf32> init(#nn.normal<std = 0.02>)
  %b_fc_6 = pp.param "h.6.mlp.c_fc.bias" : tensor<512xf32> init(#nn.zeros)
  %w_p_6 = pp.param "h.6.mlp.c_proj.weight" : tensor<512x128xf32> init(#nn.normal<std = 0.005>)
  %b_p_6 = pp.param "h.6.mlp.c_proj.bias" : tensor<128xf32> init(#nn.zeros)
  %x7 = pp.apply @block(%x6) params(%g1_6, %b1_6, %w_qkv_6, %b_qkv_6, %w_o_6, %b_o_6, %g2_6, %b2_6, %w_fc_6, %b_fc_6, %w_p_6, %b_p_6)
      : (tensor<4x128x128xf32>) params(tensor<128xf32>, tensor<128xf32>, tensor<128x384xf32>, tensor<384xf32>, tensor<128x128xf32>, tensor<128xf32>, tensor<128xf32>, tensor<128xf32>, tensor<128x512xf32>, tensor<512xf32>, tensor<512x128xf32>, tensor<128xf32>) -> tensor<4x128x128xf32>

  %g1_7 = pp.param "h.7.ln_1.weight" : tensor<128xf32> init(#nn.ones)
  %b1_7 = pp.param "h.7.ln_1.bias" : tensor<128xf32> init(#nn.zeros)
  %w_qkv_7 = pp.param "h.7.attn.c_attn.weight" : tensor<128x384xf32> init(#nn.normal<std = 0.02>)
  %b_qkv_7 = pp.param "h.7.attn.c_attn.bias" : tensor<384xf32> init(#nn.zeros)
  %w_o_7 = pp.param "h.7.attn.c_proj.weight" : tensor<128x128xf32> init(#nn.normal<std = 0.005>)
  %b_o_7 = pp.param "h.7.attn.c_proj.bias" : tensor<128xf32> init(#nn.zeros)
  %g2_7 = pp.param "h.7.ln_2.weight" : tensor<128xf32> init(#nn.ones)
  %b2_7 = pp.param "h.7.ln_2.bias" : tensor<128xf32> init(#nn.zeros)
  %w_fc_7 = pp.param "h.7.mlp.c_fc.weight" : tensor<128x512xf32> init(#nn.normal<std = 0.02>)
  %b_fc_7 = pp.param "h.7.mlp.c_fc.bias" : tensor<512xf32> init(#nn.zeros)
  %w_p_7 = pp.param "h.7.mlp.c_proj.weight" : tensor<512x128xf32> init(#nn.normal<std = 0.005>)
  %b_p_7 = pp.param "h.7.mlp.c_proj.bias" : tensor<128xf32> init(#nn.zeros)
  %x8 = pp.apply @block(%x7) params(%g1_7, %b1_7, %w_qkv_7, %b_qkv_7, %w_o_7, %b_o_7, %g2_7, %b2_7, %w_fc_7, %b_fc_7, %w_p_7, %b_p_7)
      : (tensor<4x128x128xf32>) params(tensor<128xf32>, tensor<128xf32>, tensor<128x384xf32>, tensor<384xf32>, tensor<128x128xf32>, tensor<128xf32>, tensor<128xf32>, tensor<128xf32>, tensor<128x512xf32>, tensor<512xf32>, tensor<512x128xf32>, tensor<128xf32>) -> tensor<4x128x128xf32>

  %g_f = pp.param "ln_f.weight" : tensor<128xf32> init(#nn.ones)
  %b_f = pp.param "ln_f.bias" : tensor<128xf32> init(#nn.zeros)
  %loss = pp.apply @head(%x8, %targets) params(%g_f, %b_f, %wte)
      : (tensor<4x128x128xf32>, tensor<4x128xi32>) params(tensor<128xf32>, tensor<128xf32>, tensor<256x128xf32>) -> tensor<f32>
  pp.return %loss : tensor<f32>
}
