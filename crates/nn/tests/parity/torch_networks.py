"""The networks of apprentice-nn written with PyTorch, as tests and benches compare with them."""

import torch
from torch import nn

# Factor of the maps before the spatial softmax, as in crates/nn/src/vision.rs.
SHARPNESS = 6.0


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
        return self.project(SpatialSoftmax()(SHARPNESS * x))


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
