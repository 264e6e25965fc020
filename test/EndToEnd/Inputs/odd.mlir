// Rare ops in sizes that no vector divides: micro-batches of 2 x 5 tokens.

pp.layer @embed(%tokens: tensor<2x5xi32>) params(%wte: tensor<256x12xf32>) -> tensor<2x5x12xf32> {
  %v1 = nn.embedding %tokens, %wte : (tensor<2x5xi32>, tensor<256x12xf32>) -> tensor<2x5x12xf32>
  pp.yield %v1 : tensor<2x5x12xf32>
}

// Through bf16, f64 and i32; softmax along other axes; batched products.
pp.layer @casts(%x: tensor<2x5x12xf32>) params(%g: tensor<12xf32>, %be: tensor<12xf32>, %w: tensor<12x12xf32>, %b: tensor<12xf32>) -> tensor<2x5x12xf32> {
  %v1 = nn.layer_norm %x, %g, %be {eps = 1.0e-3} : (tensor<2x5x12xf32>, tensor<12xf32>, tensor<12xf32>) -> tensor<2x5x12xf32>
  %v2 = nn.linear %v1, %w, %b : (tensor<2x5x12xf32>, tensor<12x12xf32>, tensor<12xf32>) -> tensor<2x5x12xf32>
  %v3 = nn.gelu %v2 {approximate = "none"} : (tensor<2x5x12xf32>) -> tensor<2x5x12xf32>
  %v4 = nn.cast %v3 : (tensor<2x5x12xf32>) -> tensor<2x5x12xbf16>
  %v5 = nn.mul %v4, %v4 : (tensor<2x5x12xbf16>, tensor<2x5x12xbf16>) -> tensor<2x5x12xbf16>
  %v6 = nn.cast %v5 : (tensor<2x5x12xbf16>) -> tensor<2x5x12xf32>
  %v7 = nn.cast %v3 : (tensor<2x5x12xf32>) -> tensor<2x5x12xf64>
  %v8 = math.tanh %v7 : tensor<2x5x12xf64>
  %v9 = nn.cast %v8 : (tensor<2x5x12xf64>) -> tensor<2x5x12xf32>
  %v10 = nn.cast %v3 : (tensor<2x5x12xf32>) -> tensor<2x5x12xi32>
  %v11 = nn.cast %v10 : (tensor<2x5x12xi32>) -> tensor<2x5x12xf32>
  %v12 = nn.softmax %v3 {axis = 1 : i64} : (tensor<2x5x12xf32>) -> tensor<2x5x12xf32>
  %v13 = nn.softmax %v3 {axis = 0 : i64} : (tensor<2x5x12xf32>) -> tensor<2x5x12xf32>
  %v14 = nn.matmul %v12, %v3 {transpose_b} : (tensor<2x5x12xf32>, tensor<2x5x12xf32>) -> tensor<2x5x5xf32>
  %v15 = nn.softmax %v14 {axis = 2 : i64} : (tensor<2x5x5xf32>) -> tensor<2x5x5xf32>
  %v16 = nn.matmul %v15, %v13 : (tensor<2x5x5xf32>, tensor<2x5x12xf32>) -> tensor<2x5x12xf32>
  %v17 = nn.matmul %v15, %v16 {transpose_a} : (tensor<2x5x5xf32>, tensor<2x5x12xf32>) -> tensor<2x5x12xf32>
  %v18 = nn.add %v6, %v9 : (tensor<2x5x12xf32>, tensor<2x5x12xf32>) -> tensor<2x5x12xf32>
  %v19 = nn.add %v18, %v11 : (tensor<2x5x12xf32>, tensor<2x5x12xf32>) -> tensor<2x5x12xf32>
  %v20 = nn.add %v19, %v16 : (tensor<2x5x12xf32>, tensor<2x5x12xf32>) -> tensor<2x5x12xf32>
  %v21 = nn.add %v20, %v17 : (tensor<2x5x12xf32>, tensor<2x5x12xf32>) -> tensor<2x5x12xf32>
  %v22 = nn.add %x, %v21 : (tensor<2x5x12xf32>, tensor<2x5x12xf32>) -> tensor<2x5x12xf32>
  pp.yield %v22 : tensor<2x5x12xf32>
}

// Operands and reductions of all ranks.
pp.layer @broadcasts(%x: tensor<2x5x12xf32>) params(%a: tensor<1x12xf32>, %s: tensor<f32>, %t1: tensor<2x1x12xf32>, %col: tensor<5x1xf32>) -> tensor<2x5x12xf32> {
  %v1 = nn.reduce_mean %x axes = [1, 2] {keepdims} : (tensor<2x5x12xf32>) -> tensor<2x1x1xf32>
  %v2 = nn.reduce_max %x axes = [2] {keepdims} : (tensor<2x5x12xf32>) -> tensor<2x5x1xf32>
  %v3 = nn.reduce_sum %x axes = [0, 2] : (tensor<2x5x12xf32>) -> tensor<5xf32>
  %v4 = nn.reshape %v3 : (tensor<5xf32>) -> tensor<1x5x1xf32>
  %v5 = nn.reduce_mean %x axes = [0, 1, 2] : (tensor<2x5x12xf32>) -> tensor<f32>
  %v6 = nn.sub %x, %v1 : (tensor<2x5x12xf32>, tensor<2x1x1xf32>) -> tensor<2x5x12xf32>
  %v7 = nn.sub %v2, %v6 : (tensor<2x5x1xf32>, tensor<2x5x12xf32>) -> tensor<2x5x12xf32>
  %v8 = nn.mul %v7, %a : (tensor<2x5x12xf32>, tensor<1x12xf32>) -> tensor<2x5x12xf32>
  %v9 = nn.add %v8, %s : (tensor<2x5x12xf32>, tensor<f32>) -> tensor<2x5x12xf32>
  %v10 = nn.mul %t1, %v9 : (tensor<2x1x12xf32>, tensor<2x5x12xf32>) -> tensor<2x5x12xf32>
  %v11 = nn.add %v10, %v4 : (tensor<2x5x12xf32>, tensor<1x5x1xf32>) -> tensor<2x5x12xf32>
  %v12 = nn.add %v5, %v11 : (tensor<f32>, tensor<2x5x12xf32>) -> tensor<2x5x12xf32>
  %v13 = nn.add %a, %col : (tensor<1x12xf32>, tensor<5x1xf32>) -> tensor<5x12xf32>
  %v14 = math.exp %v13 : tensor<5x12xf32>
  %v15 = nn.broadcast %v14 : (tensor<5x12xf32>) -> tensor<2x5x12xf32>
  %v16 = nn.div %v12, %v15 : (tensor<2x5x12xf32>, tensor<2x5x12xf32>) -> tensor<2x5x12xf32>
  %v17 = nn.add %x, %v16 : (tensor<2x5x12xf32>, tensor<2x5x12xf32>) -> tensor<2x5x12xf32>
  pp.yield %v17 : tensor<2x5x12xf32>
}

// Boxes with steps, attention to fewer keys, activations of upstream ops.
pp.layer @shapes(%x: tensor<2x5x12xf32>) params(%w: tensor<12x12xf32>) -> tensor<2x5x12xf32> {
  %v1 = nn.slice %x offsets = [0, 0, 1] sizes = [2, 5, 4] strides = [1, 1, 2] : (tensor<2x5x12xf32>) -> tensor<2x5x4xf32>
  %v2 = nn.slice %x offsets = [0, 0, 0] sizes = [2, 3, 12] strides = [1, 2, 1] : (tensor<2x5x12xf32>) -> tensor<2x3x12xf32>
  %v3, %v4, %v5 = nn.split %x sizes = [2, 6, 4] {axis = 2 : i64} : (tensor<2x5x12xf32>) -> (tensor<2x5x2xf32>, tensor<2x5x6xf32>, tensor<2x5x4xf32>)
  %v6 = nn.concatenate %v5, %v4, %v3 {axis = 2 : i64} : (tensor<2x5x4xf32>, tensor<2x5x6xf32>, tensor<2x5x2xf32>) -> tensor<2x5x12xf32>
  %v7 = nn.transpose %v6 permutation = [2, 0, 1] : (tensor<2x5x12xf32>) -> tensor<12x2x5xf32>
  %v8 = nn.reshape %v7 : (tensor<12x2x5xf32>) -> tensor<120xf32>
  %v9 = nn.reshape %v8 : (tensor<120xf32>) -> tensor<2x5x12xf32>
  %v10 = nn.reshape %x : (tensor<2x5x12xf32>) -> tensor<2x5x4x3xf32>
  %v11 = nn.reshape %v2 : (tensor<2x3x12xf32>) -> tensor<2x3x4x3xf32>
  %v12, %v13 = nn.attention %v10, %v11, %v11 {scale = 0.7} : (tensor<2x5x4x3xf32>, tensor<2x3x4x3xf32>, tensor<2x3x4x3xf32>) -> (tensor<2x5x4x3xf32>, tensor<2x4x5xf32>)
  %v14 = nn.reshape %v12 : (tensor<2x5x4x3xf32>) -> tensor<2x5x12xf32>
  %v15 = nn.slice %x offsets = [0, 0, 0] sizes = [2, 5, 4] : (tensor<2x5x12xf32>) -> tensor<2x5x4xf32>
  %v16 = nn.concatenate %v15, %v1, %v1 {axis = 2 : i64} : (tensor<2x5x4xf32>, tensor<2x5x4xf32>, tensor<2x5x4xf32>) -> tensor<2x5x12xf32>
  %v17 = arith.constant dense<0.0> : tensor<2x5x12xf32>
  %v18 = arith.constant dense<1.25> : tensor<2x5x12xf32>
  %v19 = arith.constant dense<5.0e-01> : tensor<2x5x12xf32>
  %v20 = arith.addf %v14, %v9 : tensor<2x5x12xf32>
  %v21 = arith.cmpf ogt, %v20, %v17 : tensor<2x5x12xf32>
  %v22 = math.erf %v20 : tensor<2x5x12xf32>
  %v23 = arith.mulf %v22, %v19 : tensor<2x5x12xf32>
  %v24 = arith.maximumf %v20, %v19 : tensor<2x5x12xf32>
  %v25 = math.powf %v24, %v18 : tensor<2x5x12xf32>
  %v26 = arith.select %v21, %v25, %v23 : tensor<2x5x12xi1>, tensor<2x5x12xf32>
  %v27 = math.tanh %v16 : tensor<2x5x12xf32>
  %v28 = arith.mulf %v16, %v16 : tensor<2x5x12xf32>
  %v29 = arith.addf %v28, %v18 : tensor<2x5x12xf32>
  %v30 = math.sqrt %v29 : tensor<2x5x12xf32>
  %v31 = arith.negf %v30 : tensor<2x5x12xf32>
  %v32 = arith.subf %v27, %v31 : tensor<2x5x12xf32>
  %v33 = arith.addf %v26, %v32 : tensor<2x5x12xf32>
  %v34 = math.sin %v33 : tensor<2x5x12xf32>
  %v35 = math.exp %v34 : tensor<2x5x12xf32>
  %v36 = math.log1p %v35 : tensor<2x5x12xf32>
  %v37 = math.fma %v33, %v19, %v36 : tensor<2x5x12xf32>
  %v38 = nn.linear %v37, %w : (tensor<2x5x12xf32>, tensor<12x12xf32>) -> tensor<2x5x12xf32>
  %v39 = nn.add %x, %v38 : (tensor<2x5x12xf32>, tensor<2x5x12xf32>) -> tensor<2x5x12xf32>
  pp.yield %v39 : tensor<2x5x12xf32>
}

// One byte is not to be learnt.
pp.layer @head(%x: tensor<2x5x12xf32>, %targets: tensor<2x5xi32>) params(%g: tensor<12xf32>, %w: tensor<256x12xf32>) -> tensor<f32> {
  %v1 = nn.rms_norm %x, %g : (tensor<2x5x12xf32>, tensor<12xf32>) -> tensor<2x5x12xf32>
  %v2 = nn.linear %v1, %w {transposed} : (tensor<2x5x12xf32>, tensor<256x12xf32>) -> tensor<2x5x256xf32>
  %v3, %v4 = nn.cross_entropy %v2, %targets {ignore_index = 32 : i64} : (tensor<2x5x256xf32>, tensor<2x5xi32>) -> (tensor<f32>, tensor<2x5xf32>)
  pp.yield %v3 : tensor<f32>
}

pp.model @odd(%tokens: tensor<2x5xi32>, %targets: tensor<2x5xi32>) -> tensor<f32> {
  %p1 = pp.param "embed.wte" : tensor<256x12xf32> init(#nn.normal<std = 0.08>)
  %x2 = pp.apply @embed(%tokens) params(%p1)
 : (tensor<2x5xi32>) params(tensor<256x12xf32>) -> tensor<2x5x12xf32>
  %p3 = pp.param "casts.g" : tensor<12xf32> init(#nn.ones)
  %p4 = pp.param "casts.be" : tensor<12xf32> init(#nn.normal<std = 0.08>)
  %p5 = pp.param "casts.w" : tensor<12x12xf32> init(#nn.normal<std = 0.08>)
  %p6 = pp.param "casts.b" : tensor<12xf32> init(#nn.normal<std = 0.08>)
  %x7 = pp.apply @casts(%x2) params(%p3, %p4, %p5, %p6)
 : (tensor<2x5x12xf32>) params(tensor<12xf32>, tensor<12xf32>, tensor<12x12xf32>, tensor<12xf32>) -> tensor<2x5x12xf32>
  %p8 = pp.param "broadcasts.a" : tensor<1x12xf32> init(#nn.normal<std = 0.08>)
  %p9 = pp.param "broadcasts.s" : tensor<f32> init(#nn.constant<value = 0.5>)
  %p10 = pp.param "broadcasts.t1" : tensor<2x1x12xf32> init(#nn.normal<std = 0.08>)
  %p11 = pp.param "broadcasts.col" : tensor<5x1xf32> init(#nn.normal<std = 0.08>)
  %x12 = pp.apply @broadcasts(%x7) params(%p8, %p9, %p10, %p11)
 : (tensor<2x5x12xf32>) params(tensor<1x12xf32>, tensor<f32>, tensor<2x1x12xf32>, tensor<5x1xf32>) -> tensor<2x5x12xf32>
  %p13 = pp.param "shapes.w" : tensor<12x12xf32> init(#nn.normal<std = 0.08>)
  %x14 = pp.apply @shapes(%x12) params(%p13)
 : (tensor<2x5x12xf32>) params(tensor<12x12xf32>) -> tensor<2x5x12xf32>
  %p15 = pp.param "head.g" : tensor<12xf32> init(#nn.ones)
  %p16 = pp.param "head.w" : tensor<256x12xf32> init(#nn.normal<std = 0.08>)
  %x17 = pp.apply @head(%x14, %targets) params(%p15, %p16)
 : (tensor<2x5x12xf32>, tensor<2x5xi32>) params(tensor<12xf32>, tensor<256x12xf32>) -> tensor<f32>
  pp.return %x17 : tensor<f32>
}
