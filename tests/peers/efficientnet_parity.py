"""Reference outputs of EfficientNet-Lite0 from PyTorch, for crates/networks/tests/efficientnet.rs.

    python3 tests/peers/efficientnet_parity.py photo WEIGHTS.safetensors PHOTO.bmp OUT.safetensors
    python3 tests/peers/efficientnet_parity.py synthetic OUT.safetensors
    python3 tests/peers/efficientnet_parity.py legacy-pth OUT.pth
    python3 tests/peers/efficientnet_parity.py time

`photo` runs the published weights on a real photograph at three sizes. `synthetic` runs weights
that both sides compute from one formula (below), in 64 bits, so that the comparison needs no download.
`legacy-pth` writes a tiny checkpoint in PyTorch's old, non-zip format. `time` prints how long
PyTorch takes here. Needs torch, numpy and safetensors; one CPU is enough.
"""

import struct
import sys
import time

import numpy as np
import torch
from safetensors.numpy import save_file
from safetensors.torch import load_file
from torch import nn
from torch.nn import functional as F

STAGES = [  # repeats, kernel, stride, expansion, output
    (1, 3, 1, 1, 16), (2, 3, 2, 6, 24), (2, 5, 2, 6, 40), (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112), (4, 5, 2, 6, 192), (1, 3, 1, 6, 320),
]


def same(x, conv):
    """TensorFlow's 'SAME' padding: the odd pixel goes right and below."""
    k, s = conv.kernel_size[0], conv.stride[0]
    pads = []
    for size in (x.shape[3], x.shape[2]):
        total = max((-(-size // s) - 1) * s + k - size, 0)
        pads += [total // 2, total - total // 2]
    return conv(F.pad(x, pads))


def norm(channels):
    return nn.BatchNorm2d(channels, eps=1e-3)


class Block(nn.Module):
    def __init__(self, inp, out, kernel, stride, expansion):
        super().__init__()
        mid = inp * expansion
        self.residual = stride == 1 and inp == out
        if expansion != 1:
            self._expand_conv = nn.Conv2d(inp, mid, 1, bias=False)
            self._bn0 = norm(mid)
        self._depthwise_conv = nn.Conv2d(mid, mid, kernel, stride, groups=mid, bias=False)
        self._bn1 = norm(mid)
        self._project_conv = nn.Conv2d(mid, out, 1, bias=False)
        self._bn2 = norm(out)

    def forward(self, x):
        y = x
        if hasattr(self, "_expand_conv"):
            y = F.relu6(self._bn0(self._expand_conv(y)))
        y = F.relu6(self._bn1(same(y, self._depthwise_conv)))
        y = self._bn2(self._project_conv(y))
        return x + y if self.residual else y


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self._conv_stem = nn.Conv2d(3, 32, 3, 2, bias=False)
        self._bn0 = norm(32)
        blocks, inp = [], 32
        for repeats, kernel, stride, expansion, out in STAGES:
            for r in range(repeats):
                blocks.append(Block(inp, out, kernel, stride if r == 0 else 1, expansion))
                inp = out
        self._blocks = nn.ModuleList(blocks)
        self._conv_head = nn.Conv2d(320, 1280, 1, bias=False)
        self._bn1 = norm(1280)
        self._fc = nn.Linear(1280, 1000)

    def features(self, rgb):
        """rgb: [B, H, W, 3] in 0..1."""
        x = (rgb.permute(0, 3, 1, 2) * 255 - 127) / 128
        x = F.relu6(self._bn0(same(x, self._conv_stem)))
        for block in self._blocks:
            x = block(x)
        return F.relu6(self._bn1(self._conv_head(x))).mean((2, 3))


def formula(seed, count):
    """`count` numbers in [0, 1) with 24 bits each: a 32-bit integer hash of the index."""
    with np.errstate(over="ignore"):
        h = np.arange(count, dtype=np.uint32) * np.uint32(0x9E3779B1) + np.uint32(seed) * np.uint32(0x85EBCA77)
        for shift, factor in ((16, 0x7FEB352D), (15, 0x846CA68B)):
            h ^= h >> np.uint32(shift)
            h *= np.uint32(factor)
        h ^= h >> np.uint32(16)
    return (h >> np.uint32(8)).astype(np.float64) / 2.0**24


def synthetic(net):
    """Fills the network by name order, so that neither side needs a file."""
    state = net.state_dict()
    names = sorted(n for n in state if not n.endswith("num_batches_tracked"))
    for seed, name in enumerate(names):
        shape = tuple(state[name].shape)
        u = formula(seed, int(np.prod(shape)))
        if len(shape) > 1:  # zero mean, variance 2 / fan-in
            v = (2.0 * u - 1.0) * np.sqrt(6.0 / np.prod(shape[1:]))
        elif name.endswith(("running_var", "bn0.weight", "bn1.weight", "bn2.weight")):
            v = 0.5 + u
        else:
            v = u - 0.5
        state[name] = torch.from_numpy(v.astype(np.float32).reshape(shape))
    net.load_state_dict(state)


def bitmap(path):
    """A 24-bit uncompressed BMP as [H, W, 3] RGB bytes."""
    data = open(path, "rb").read()
    offset, width, height, bits = (
        struct.unpack_from(f, data, at)[0] for f, at in (("<I", 10), ("<i", 18), ("<i", 22), ("<H", 28))
    )
    assert bits == 24 and height > 0
    stride = (width * 3 + 3) // 4 * 4
    rows = np.frombuffer(data, np.uint8, stride * height, offset).reshape(height, stride)
    return rows[::-1, : width * 3].reshape(height, width, 3)[:, :, ::-1]


def nearest(photo, size):
    """Pixel floor(i * side / size): exact on both sides, unlike any filter."""
    pick = [np.arange(size) * side // size for side in photo.shape[:2]]
    return torch.from_numpy(photo[pick[0]][:, pick[1]].astype(np.float32) / np.float32(255))[None]


@torch.no_grad()
def main(mode, *args):
    torch.manual_seed(0)
    net = Net().eval()
    out = {}
    if mode == "photo":
        weights, photo, path = args
        missing, unexpected = net.load_state_dict(load_file(weights), strict=False)
        assert not unexpected and all(n.endswith("num_batches_tracked") for n in missing)
        for size in (96, 112, 224):
            features = net.features(nearest(bitmap(photo), size))
            out[f"features_{size}"] = features.numpy()
            out[f"logits_{size}"] = net._fc(features).numpy()
            print(size, "classes", net._fc(features)[0].topk(5).indices.tolist())
        save_file(out, path)
    elif mode == "synthetic":
        synthetic(net)
        pixels = formula(1000, 2 * 97 * 64 * 3).astype(np.float32).reshape(2, 97, 64, 3)
        pixels = torch.from_numpy(pixels)
        features = net.features(pixels)
        # Random weights magnify what is rounded off: PyTorch's own 32 bits are a yardstick of their size.
        exact = net.double().features(pixels.double())
        print("PyTorch's 32 bits are off by", ((features - exact).abs().max() / exact.max()).item())
        out = {"features": exact, "logits": net._fc(exact)}
        save_file({name: x.float().numpy() for name, x in out.items()}, args[0])
    elif mode == "legacy-pth":
        state = {"a.weight": torch.arange(6.0).reshape(2, 3).t(), "a.count": torch.tensor(7)}
        torch.save(state, args[0], _use_new_zipfile_serialization=False)
    elif mode == "time":
        torch.set_num_threads(2)
        for shape in ((16, 112, 112, 3), (1, 96, 96, 3)):
            x = torch.rand(shape)
            net.to(memory_format=torch.channels_last)
            times = []
            for _ in range(15):
                start = time.perf_counter()
                net.features(x)
                times.append(time.perf_counter() - start)
            print(shape, f"{1e3 * min(times):.1f} ms least, {1e3 * sorted(times)[7]:.1f} ms median")
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main(*sys.argv[1:])
