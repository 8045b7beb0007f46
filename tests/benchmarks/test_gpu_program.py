"""Bytes and operations of a program for a GPU, counted from its text."""

from benchmarks.gpu_program import cost

# A strided 4x4 convolution from 3 to 8 channels, as XLA writes it and its gradients.
LABELS = "window={size=4x4 stride=2x2 pad=1_1x1_1}, dim_labels=b01f_o01i->b01f"
PROGRAM = f"""HloModule jit_step

%fused (a: f32[8]) -> f32[8] {{
  ROOT %n = f32[8]{{0}} negate(%a)
}}

ENTRY %main (x: bf16[2,16,16,3], k: bf16[8,4,4,3]) -> bf16[8,4,4,3] {{
  %x = bf16[2,16,16,3]{{3,2,1,0}} parameter(0), metadata={{op_name="x"}}
  %k = bf16[8,4,4,3]{{3,2,1,0}} parameter(1)
  %copy.1 = bf16[8,4,4,3]{{0,2,1,3}} copy(%k)
  %conv.1 = (bf16[2,8,8,8]{{3,2,1,0}}, u8[0]{{0}}) custom-call(%x, %k), {LABELS}, \
custom_call_target="__cudnn$convForward"
  %y = bf16[2,8,8,8]{{3,2,1,0}} get-tuple-element(%conv.1), index=0
  %sums = (f32[8]{{0}}, /*index=1*/bf16[2,8,8,8]{{3,2,1,0}}) fusion(%y, /*index=1*/%y), calls=%fused
  %dy = bf16[2,8,8,8]{{3,2,1,0}} get-tuple-element(%sums), index=1
  %product = f32[8,2]{{1,0}} fusion(%y, %k), kind=kCustom, calls=%dots, \
backend_config={{"fusion_backend_config":{{"kind":"__triton_nested_gemm_fusion"}}}}
  %conv.2 = (bf16[2,16,16,3]{{3,2,1,0}}, u8[0]{{0}}) custom-call(%dy, %k), {LABELS}, \
custom_call_target="__cudnn$convBackwardInput"
  %conv.3 = (bf16[8,4,4,3]{{3,2,1,0}}, u8[0]{{0}}) custom-call(%x, %dy), {LABELS}, \
custom_call_target="__cudnn$convBackwardFilter"
  ROOT %dk = bf16[8,4,4,3]{{3,2,1,0}} get-tuple-element(%conv.3), index=0
}}
"""


def test_cost():
    found = cost(PROGRAM)
    names = ("Forward", "BackwardInput", "BackwardFilter")
    convolutions = {f"__cudnn$conv{name}": 1 for name in names}
    assert found.kernels == {"copy": 1, "fusion": 1, "product": 1, **convolutions}
    kernel, map_ = 8 * 4 * 4 * 3, 2 * 8 * 8 * 8
    copied, summed = 2 * kernel * 2, 8 * 4 + 3 * map_ * 2  # a bfloat16 has two bytes
    assert found.by_products == 8 * 2 * 4 + (map_ + kernel) * 2
    assert found.moved == copied + summed + found.by_products
    # A convolution and both of its gradients need as many multiplications and additions.
    assert found.conv_flops == {"bf16": 3 * 2 * map_ * 4 * 4 * 3}
