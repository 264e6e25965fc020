func.func @attention(%q: tensor<1x8x2x8xbf16>, %k: tensor<1x8x2x8xbf16>, %v: tensor<1x8x2x8xbf16>) -> tensor<1x8x2x8xbf16> {
  %o, %l = nn.attention %q, %k, %v {causal} : (tensor<1x8x2x8xbf16>, tensor<1x8x2x8xbf16>, tensor<1x8x2x8xbf16>) -> (tensor<1x8x2x8xbf16>, tensor<1x2x8xf32>)
  return %o : tensor<1x8x2x8xbf16>
}
