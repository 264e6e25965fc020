"""Writes a model of equal layers in a chain, between an embedding and a loss.

usage: chain.py LAYERS
"""

import sys

ids, x, table, weight = "tensor<2x5xi32>", "tensor<2x5x8xf32>", "tensor<16x8xf32>", "tensor<8x8xf32>"
layers = int(sys.argv[1]) - 2
print(f"""pp.layer @embed(%t: {ids}) params(%w: {table}) -> {x} {{
  %y = nn.embedding %t, %w : ({ids}, {table}) -> {x}
  pp.yield %y : {x}
}}
pp.layer @block(%x: {x}) params(%w: {weight}) -> {x} {{
  %y = nn.linear %x, %w : ({x}, {weight}) -> {x}
  pp.yield %y : {x}
}}
pp.layer @head(%x: {x}, %t: {ids}) params(%w: {table}) -> tensor<f32> {{
  %l = nn.linear %x, %w {{transposed}} : ({x}, {table}) -> tensor<2x5x16xf32>
  %loss, %lse = nn.cross_entropy %l, %t : (tensor<2x5x16xf32>, {ids}) -> (tensor<f32>, {ids.replace("i32", "f32")})
  pp.yield %loss : tensor<f32>
}}
pp.model @chain(%tokens: {ids}, %targets: {ids}) -> tensor<f32> {{
  %e = pp.param "e" : {table} init(#nn.zeros)
  %x0 = pp.apply @embed(%tokens) params(%e) {{stage = 0 : i64}} : ({ids}) params({table}) -> {x}""")
for i in range(layers):
    print(f"""  %w{i} = pp.param "w{i}" : {weight} init(#nn.zeros)
  %x{i + 1} = pp.apply @block(%x{i}) params(%w{i}) {{stage = {i + 1} : i64}} : ({x}) params({weight}) -> {x}""")
print(f"""  %h = pp.param "h" : {table} init(#nn.zeros)
  %l = pp.apply @head(%x{layers}, %targets) params(%h) {{stage = {layers + 1} : i64}} : ({x}, {ids}) params({table}) -> tensor<f32>
  pp.return %l : tensor<f32>
}}""")
