"""Writes data/*.safetensors: what PyTorch computes, for the tests in this folder to compare with.

    python -m venv /tmp/parity && /tmp/parity/bin/pip install torch numpy safetensors
    /tmp/parity/bin/python make_parity.py

Every file holds one module under the names that apprentice-nn gives its tensors and in its layout
(channels last, convolutions [kernel * in, out], linear maps [in, out]), the inputs, the output, a
`probe` of the output's shape, and the gradients of sum(output * probe), of inputs as `gradient.NAME`
and of weights likewise. Weights and inputs are single precision, the arithmetic is double.
"""

from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import nn

DATA = Path(__file__).parent / "data"


class GroupNormMish(nn.Module):
    def __init__(self, groups, channels):
        super().__init__()
        self.norm = nn.GroupNorm(groups, channels)

    def forward(self, x):
        return nn.functional.mish(self.norm(x))


class SpatialSoftmax(nn.Module):
    def forward(self, x):
        height, width = x.shape[2:]
        share = x.flatten(2).softmax(2).reshape(x.shape)
        across = torch.linspace(-1, 1, width, dtype=x.dtype)
        down = torch.linspace(-1, 1, height, dtype=x.dtype)
        return torch.cat(
            [(share.sum(2) * across).sum(2), (share.sum(3) * down).sum(2)], 1
        )


class VisionEncoder(nn.Module):
    def __init__(self, channels, strides, kernels, groups, out):
        super().__init__()
        before = [3, *channels[:-1]]
        self.convolutions = nn.ModuleList(
            nn.Conv2d(i, o, k, s, k // 2)
            for i, o, k, s in zip(before, channels, kernels, strides)
        )
        self.norms = nn.ModuleList(GroupNormMish(groups, c) for c in channels)
        self.project = nn.Linear(2 * channels[-1], out)

    def forward(self, x):
        for convolution, norm in zip(self.convolutions, self.norms):
            x = norm(convolution(x))
        return self.project(SpatialSoftmax()(x))


class ResidualBlock(nn.Module):
    def __init__(self, inputs, outputs, cond, kernel, groups):
        super().__init__()
        self.first = nn.Conv1d(inputs, outputs, kernel, padding=kernel // 2)
        self.first_norm = GroupNormMish(groups, outputs)
        self.second = nn.Conv1d(outputs, outputs, kernel, padding=kernel // 2)
        self.second_norm = GroupNormMish(groups, outputs)
        self.film = nn.Linear(cond, 2 * outputs)
        self.shortcut = nn.Conv1d(inputs, outputs, 1) if inputs != outputs else None

    def forward(self, x, cond):
        y = self.first_norm(self.first(x))
        scale, shift = self.film(nn.functional.mish(cond)).unsqueeze(2).chunk(2, 1)
        y = self.second_norm(self.second((1 + scale) * y + shift))
        return y + (x if self.shortcut is None else self.shortcut(x))


class UNet1d(nn.Module):
    """From the description in Diffusion Policy (Chi et al. 2023, arXiv 2303.04137)."""

    def __init__(self, action_dim, cond_dim, dims, kernel, groups, step_dim):
        super().__init__()
        self.step_in = nn.Linear(step_dim, 4 * step_dim)
        self.step_out = nn.Linear(4 * step_dim, step_dim)
        self.step_dim = step_dim

        def block(inputs, outputs):
            return ResidualBlock(inputs, outputs, step_dim + cond_dim, kernel, groups)

        pairs = list(zip([action_dim, *dims], dims))
        self.down = nn.ModuleList(b for i, o in pairs for b in (block(i, o), block(o, o)))
        self.downsample = nn.ModuleList(nn.Conv1d(c, c, 3, 2, 1) for c in dims[:-1])
        self.middle = nn.ModuleList(block(dims[-1], dims[-1]) for _ in range(2))
        back = list(reversed(pairs[1:]))
        self.up = nn.ModuleList(b for i, o in back for b in (block(2 * o, i), block(i, i)))
        self.upsample = nn.ModuleList(nn.ConvTranspose1d(i, i, 4, 2, 1) for i, _ in back)
        self.last = nn.Conv1d(dims[0], dims[0], kernel, padding=kernel // 2)
        self.last_norm = GroupNormMish(groups, dims[0])
        self.out = nn.Conv1d(dims[0], action_dim, 1)

    def forward(self, x, steps, cond):
        half = self.step_dim // 2
        places = torch.arange(half, dtype=x.dtype) / (half - 1)
        phase = steps[:, None] * 10000.0 ** -places
        step = torch.cat([phase.sin(), phase.cos()], 1)
        step = self.step_out(nn.functional.mish(self.step_in(step)))
        cond = torch.cat([step, cond], 1)
        skips = []
        for level in range(len(self.down) // 2):
            x = self.down[2 * level + 1](self.down[2 * level](x, cond), cond)
            skips.append(x)
            if level < len(self.downsample):
                x = self.downsample[level](x)
        for block in self.middle:
            x = block(x, cond)
        for level, upsample in enumerate(self.upsample):
            x = self.up[2 * level](torch.cat([x, skips.pop()], 1), cond)
            x = upsample(self.up[2 * level + 1](x, cond))
        return self.out(self.last_norm(self.last(x)))


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
