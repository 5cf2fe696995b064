"""The networks of apprentice-networks written with PyTorch, as tests and benches compare with them."""

import torch
from torch import nn

# Factor of the maps before the spatial softmax, as in crates/networks/src/vision.rs.
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


class BasicBlock(nn.Module):
    def __init__(self, inputs, outputs, stride, norm):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = norm(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = norm(outputs)
        self.downsample = None
        if stride != 1 or inputs != outputs:
            shortcut = nn.Conv2d(inputs, outputs, 1, stride, bias=False)
            self.downsample = nn.Sequential(shortcut, norm(outputs))

    def forward(self, x):
        y = nn.functional.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        return nn.functional.relu(y + (x if self.downsample is None else self.downsample(x)))


class ResNet18(nn.Module):
    """Without classifier; `group` channels share a GroupNorm, or batch normalisation when None."""

    def __init__(self, widths=(64, 128, 256, 512), group=16):
        super().__init__()
        norm = nn.BatchNorm2d if group is None else lambda c: nn.GroupNorm(c // group, c)
        self.conv1 = nn.Conv2d(3, widths[0], 7, 2, 3, bias=False)
        self.bn1 = norm(widths[0])
        before = widths[0]
        for stage, width in enumerate(widths):
            stride = 1 if stage == 0 else 2
            blocks = BasicBlock(before, width, stride, norm), BasicBlock(width, width, 1, norm)
            setattr(self, f"layer{stage + 1}", nn.Sequential(*blocks))
            before = width

    def forward(self, x):
        x = nn.functional.relu(self.bn1(self.conv1(x)))
        x = nn.functional.max_pool2d(x, 3, 2, 1)
        return self.layer4(self.layer3(self.layer2(self.layer1(x))))


class Attention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)
        self.heads = heads

    def forward(self, x):
        qkv = self.qkv(x).unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        y = nn.functional.scaled_dot_product_attention(*qkv)
        return self.proj(y.transpose(1, 2).flatten(2))


class LayerScale(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.gamma = nn.Parameter(torch.full((width,), 0.5))

    def forward(self, x):
        return x * self.gamma


class Mlp(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.fc1 = nn.Linear(width, 4 * width)
        self.fc2 = nn.Linear(4 * width, width)

    def forward(self, x):
        return self.fc2(nn.functional.gelu(self.fc1(x)))


class Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.norm1 = nn.LayerNorm(width, 1e-6)
        self.attn = Attention(width, heads)
        self.ls1 = LayerScale(width)
        self.norm2 = nn.LayerNorm(width, 1e-6)
        self.mlp = Mlp(width)
        self.ls2 = LayerScale(width)

    def forward(self, x):
        x = x + self.ls1(self.attn(self.norm1(x)))
        return x + self.ls2(self.mlp(self.norm2(x)))


class VisionTransformer(nn.Module):
    """In the layout of DINOv2; `grid` patches each way."""

    def __init__(self, patch=14, grid=16, width=384, depth=12, heads=6):
        super().__init__()
        self.cls_token = nn.Parameter(torch.randn(1, 1, width))
        self.pos_embed = nn.Parameter(torch.randn(1, grid * grid + 1, width))
        self.patch_embed = nn.Module()
        self.patch_embed.proj = nn.Conv2d(3, width, patch, patch)
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(depth))
        self.norm = nn.LayerNorm(width, 1e-6)
        self.grid = grid

    def positions(self, rows, columns):
        """The embedding of another grid, as DINOv2 makes it: bicubic, without anti-aliasing."""
        class_, patches = self.pos_embed[:, :1], self.pos_embed[:, 1:]
        if (rows, columns) == (self.grid, self.grid):
            return self.pos_embed
        patches = patches.unflatten(1, (self.grid, self.grid)).permute(0, 3, 1, 2)
        # DINOv2 adds a tenth so that rounding down gives the wanted size.
        factors = (rows + 0.1) / self.grid, (columns + 0.1) / self.grid
        patches = nn.functional.interpolate(patches, scale_factor=factors, mode="bicubic")
        return torch.cat([class_, patches.flatten(2).transpose(1, 2)], 1)

    def forward(self, x):
        patches = self.patch_embed.proj(x)
        positions = self.positions(*patches.shape[2:])
        patches = patches.flatten(2).transpose(1, 2)
        x = torch.cat([self.cls_token.expand(len(x), -1, -1), patches], 1) + positions
        for block in self.blocks:
            x = block(x)
        return self.norm(x)
