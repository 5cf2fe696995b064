"""Writes data/*.safetensors: what PyTorch computes, for the tests in this folder to compare with.

    python -m venv /tmp/parity && /tmp/parity/bin/pip install torch numpy safetensors
    /tmp/parity/bin/python make_parity.py

Every file holds one module under the names that apprentice-networks gives its tensors and in its layout
(channels last, convolutions [kernel * in, out], linear maps [in, out]), the inputs, the output, a
`probe` of the output's shape, and the gradients of sum(output * probe), of inputs as `gradient.NAME`
and of weights likewise. Weights and inputs are single precision, the arithmetic is double.
"""

from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import nn
from torch_networks import GroupNormMish, SpatialSoftmax, UNet1d, VisionEncoder

DATA = Path(__file__).parent / "data"


def last(x):
    """Channels last."""
    return x.movedim(1, -1) if x.dim() > 2 else x


def tensors(module, of):
    """`of` each tensor of a module, in our names and layout."""
    found = {}
    for path, part in module.named_modules():
        name = path + "." if path else ""
        if isinstance(part, nn.Linear):
            found[name + "weight"] = of(part.weight).T
        elif isinstance(part, nn.ConvTranspose1d):
            found[name + "weight"] = of(part.weight).permute(0, 2, 1).flatten(1)
        elif isinstance(part, nn.Conv1d):
            found[name + "weight"] = of(part.weight).permute(2, 1, 0).flatten(0, 1)
        elif isinstance(part, nn.Conv2d):
            found[name + "weight"] = of(part.weight).permute(2, 3, 1, 0).flatten(0, 2)
        elif isinstance(part, nn.GroupNorm):
            found[name + "gamma"] = of(part.weight)
            found[name + "beta"] = of(part.bias)
            continue
        else:
            continue
        found[name + "bias"] = of(part.bias)
    return found


def write(name, found):
    plain = {k: v.detach().float().contiguous().clone() for k, v in found.items()}
    save_file(plain, DATA / f"{name}.safetensors")


def shaken(module):
    """Norms start at one and zero, which would hide an exchange of the two."""
    for part in module.modules():
        if isinstance(part, nn.GroupNorm):
            nn.init.normal_(part.weight, 1.0, 0.5)
            nn.init.normal_(part.bias, 0.0, 0.5)
    return module.double()


def case(name, module, **inputs):
    module = shaken(module)
    inputs = {k: v.double().requires_grad_() for k, v in inputs.items()}
    out = module(*inputs.values())
    probe = torch.randn(out.shape).double()
    (out * probe).sum().backward()
    found = tensors(module, lambda p: p)
    found |= {f"gradient.{k}": v for k, v in tensors(module, lambda p: p.grad).items()}
    found |= {k: last(v) for k, v in inputs.items()}
    found |= {f"gradient.{k}": last(v.grad) for k, v in inputs.items() if k != "steps"}
    write(name, found | {"out": last(out), "probe": last(probe)})


def adamw(name, clip):
    """Six steps on the sum of squares of a linear map's outputs, the last weights as `after.NAME`."""
    module = nn.Linear(7, 5).double()
    found = tensors(module, lambda p: p.detach().clone())
    x = torch.randn(9, 7).double()
    optimizer = torch.optim.AdamW(
        module.parameters(), lr=0.02, betas=(0.95, 0.999), eps=1e-8, weight_decay=0.1
    )
    for _ in range(6):
        optimizer.zero_grad()
        module(x).square().sum().backward()
        if clip is not None:
            nn.utils.clip_grad_norm_(module.parameters(), clip)
        optimizer.step()
    after = {f"after.{k}": v for k, v in tensors(module, lambda p: p).items()}
    write(name, found | after | {"x": x})


def main():
    torch.manual_seed(1)
    DATA.mkdir(exist_ok=True)
    case("conv2d_k5_s2", nn.Conv2d(3, 8, 5, 2, 2), x=torch.randn(2, 3, 11, 9))
    case("conv2d_k3_s1", nn.Conv2d(8, 6, 3, 1, 1), x=torch.randn(3, 8, 6, 7))
    case("conv2d_k3_s3_p0", nn.Conv2d(4, 5, 3, 3, 0), x=torch.randn(2, 4, 8, 10))
    case("conv1d_k5", nn.Conv1d(6, 8, 5, 1, 2), x=torch.randn(3, 6, 16))
    case("conv1d_k5_short", nn.Conv1d(6, 8, 5, 1, 2), x=torch.randn(3, 6, 2))
    case("conv1d_k3_s2", nn.Conv1d(6, 6, 3, 2, 1), x=torch.randn(3, 6, 16))
    case("conv1d_k1", nn.Conv1d(6, 4, 1), x=torch.randn(3, 6, 5))
    case("conv_transpose1d", nn.ConvTranspose1d(6, 4, 4, 2, 1), x=torch.randn(3, 6, 5))
    case("linear", nn.Linear(6, 4), x=torch.randn(5, 6))
    case("group_norm_1d", nn.GroupNorm(4, 12), x=3.0 * torch.randn(3, 12, 7) + 2.0)
    case("group_norm_2d", nn.GroupNorm(2, 6), x=torch.randn(3, 6, 5, 4))
    case("group_norm_mish_1d", GroupNormMish(4, 12), x=torch.randn(3, 12, 7))
    case("group_norm_mish_2d", GroupNormMish(8, 16), x=torch.randn(3, 16, 5, 4) - 1.0)
    case("mish", nn.Mish(), x=12.0 * torch.randn(40, 16))
    case("spatial_softmax", SpatialSoftmax(), x=4.0 * torch.randn(3, 5, 6, 7))
    case(
        "vision_encoder",
        VisionEncoder([8, 16, 16], [2, 2, 1], [5, 3, 3], 4, 10),
        x=torch.rand(2, 3, 20, 24) * 2.0 - 1.0,
    )
    case(
        "unet1d_two_levels",
        UNet1d(3, 5, [8, 16], 5, 4, 8),
        x=torch.randn(3, 3, 8),
        steps=torch.tensor([0.0, 17.0, 99.0]),
        cond=torch.randn(3, 5),
    )
    case(
        "unet1d_three_levels",
        UNet1d(2, 4, [4, 8, 12], 3, 2, 8),
        x=torch.randn(2, 2, 8),
        steps=torch.tensor([3.0, 50.0]),
        cond=torch.randn(2, 4),
    )
    adamw("adamw", None)
    adamw("adamw_clipped", 0.5)


main()
