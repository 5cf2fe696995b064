"""PyTorch's half of `cargo xtask bench`.

Reads lines `WORK REPEATS` and answers each with `REPEATS` times in milliseconds on one line. Asked for
`limits`, it answers with what the device reaches: bytes copied a second, and products and sums a second
in f32 and in bf16. Asked for `facts WORK`, it answers with the bytes of weights and their like that
one run moves at least, and its products and sums.

The first argument is the number of threads, the second a file that EfficientNet-Lite0's weights are
written to, the third and fourth the folders of torch_networks.py and efficientnet_parity.py, the fifth
the device, the sixth how a work is run: `eager`, `compile` (torch.compile) or `graphs` (CUDA graphs).
Weights and inputs are random, shapes are those of the other half (tools/bench/src/works.rs).
"""

import math
import sys
import time

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

torch.set_num_threads(int(sys.argv[1]))
sys.path[:0] = sys.argv[3:5]

from efficientnet_parity import Net, synthetic  # noqa: E402
from safetensors.torch import save_file  # noqa: E402
from torch_networks import ResNet18, SpatialSoftmax, UNet1d, VisionEncoder, VisionTransformer  # noqa: E402

EFFICIENTNET = Net().eval()
synthetic(EFFICIENTNET)
save_file(EFFICIENTNET.state_dict(), sys.argv[2])

DEVICE, MODE = sys.argv[5], sys.argv[6]
torch.set_default_device(DEVICE)

COND = 132
SMALL, LARGE = (64, 128, 256), (256, 512, 1024)


class Work:
    """What is timed, the modules whose weights it reads, how often it reads or writes as much memory as
    they take, and whether gradients are wanted."""

    def __init__(self, run, modules=(), passes=1, gradients=False):
        self.run, self.modules, self.passes, self.gradients = run, modules, passes, gradients

    def once(self):
        with torch.inference_mode(not self.gradients):
            self.run()


def backward(module, run):
    def step():
        module.zero_grad(set_to_none=True)
        run().backward()

    # Forward, both gradients, and the weights' gradients written.
    return Work(step, [module], 4, True)


def inference(run, *modules, passes=1):
    return Work(run, modules, passes)


def unet(dims, batch, train, dtype=torch.float32):
    net = UNet1d(10, COND, list(dims), 5, 8, 128).to(dtype)
    x, cond = torch.randn(batch, 10, 16, dtype=dtype), torch.randn(batch, COND, dtype=dtype)
    steps = torch.rand(batch, dtype=dtype) * 100
    if not train:
        return inference(lambda: net(x, steps, cond), net)
    return backward(net, lambda: net(x, steps, cond).square().mean())


def vision():
    net = VisionEncoder([16, 32, 32], [2, 2, 1], [5, 3, 3], 8, 64)
    x = torch.randn(64, 3, 64, 64)
    return backward(net, lambda: net(x).square().mean())


def resnet(batch, side, train):
    net = ResNet18().to(memory_format=torch.channels_last)
    x = torch.randn(batch, 3, side, side).to(memory_format=torch.channels_last)
    if not train:
        return inference(lambda: net(x), net)
    return backward(net, lambda: net(x).square().mean())


def vit():
    net, x = VisionTransformer().eval(), torch.randn(1, 3, 224, 224)
    return inference(lambda: net(x), net)


def efficientnet():
    net = EFFICIENTNET.to(DEVICE, memory_format=torch.channels_last)
    x = torch.rand(16, 112, 112, 3)
    return inference(lambda: net.features(x), net)


class Average:
    """Exponential moving average in PyTorch's own fused list operations."""

    def __init__(self, module):
        self.module = module
        self.weights = [p.detach().clone() for p in module.parameters()]

    def update(self):
        torch._foreach_lerp_(self.weights, [p.detach() for p in self.module.parameters()], 1e-3)


def adamw(fused):
    net = UNet1d(10, COND, list(LARGE), 5, 8, 128)
    for p in net.parameters():
        p.grad = 1e-3 * torch.randn_like(p)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-4, betas=(0.95, 0.999), fused=fused)
    average = Average(net)

    def step():
        optimizer.step()
        average.update()

    # Weights, gradients, two moments and average read, all but the gradients written.
    return Work(step, [net], 9, True)


class Policy(nn.Module):
    """The demo's policy: two cameras, two moments, 20 numbers of proprioception a moment."""

    def __init__(self):
        super().__init__()
        self.eyes = nn.ModuleList(
            VisionEncoder([16, 32, 32], [2, 2, 1], [5, 3, 3], 8, 64) for _ in range(2)
        )
        self.unet = UNet1d(10, 2 * (2 * 64 + 20), [64, 128], 3, 8, 64)

    def forward(self, images, proprioception, noisy, steps):
        seen = [eye(x).reshape(16, 128) for eye, x in zip(self.eyes, images)]
        cond = torch.cat([*seen, proprioception], 1).repeat(4, 1)
        return self.unet(noisy, steps, cond)


def policy():
    net = Policy()
    images = [torch.randn(32, 3, 64, 64) for _ in range(2)]
    proprioception, noisy = torch.randn(16, 40), torch.randn(64, 10, 16)
    noise, steps = torch.randn(64, 10, 16), torch.rand(64) * 100
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-4, betas=(0.95, 0.999), fused=True)
    average = Average(net)

    def step():
        optimizer.zero_grad(set_to_none=True)
        (net(images, proprioception, noisy, steps) - noise).square().mean().backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
        average.update()

    return Work(step, [net], 13, True)


def denoise(dims, dtype=torch.float32):
    """Eight steps from noise to chunk; shares of signal and noise are a cosine's."""
    net, x = UNet1d(10, COND, list(dims), 5, 8, 128).to(dtype), torch.randn(1, 10, 16)
    cond = torch.randn(1, COND, dtype=dtype)
    steps = [torch.tensor([12.0 * (7 - i)], dtype=dtype) for i in range(8)]
    angles = [torch.pi / 2 * (7 - i) / 8 for i in range(9)]
    shares = [(math.cos(max(a, 0.0)), math.sin(max(a, 0.0))) for a in angles]

    def run():
        now = x
        for i, step in enumerate(steps):
            (signal, spread), (next_signal, next_spread) = shares[i], shares[i + 1]
            left = net(now.to(dtype), step, cond).float()
            clean = (now * signal - left * spread).clamp(-1, 1)
            now = clean * next_signal + (now * spread + left * signal) * next_spread
        return now

    return inference(run, net, passes=8)


def training():
    """A hundred steps of the demo's training, from pictures in memory to averaged weights."""
    ticks, horizon = 8 * 60, 16
    frames = [torch.randint(0, 256, (ticks, 3, 64, 64), dtype=torch.uint8) for _ in range(2)]
    seen, actions = torch.rand(ticks, 20) * 2 - 1, torch.rand(ticks, 10) * 2 - 1
    level = [math.cos((t / 100 + 0.008) / 1.008 * math.pi / 2) ** 2 for t in range(101)]
    beta = torch.tensor([min(1 - level[t + 1] / level[t], 0.999) for t in range(100)])
    alpha = torch.cumprod(1 - beta, 0)

    def window(rows, offsets):
        first = rows // 60 * 60
        return torch.minimum(torch.maximum(rows[:, None] + offsets, first[:, None]), first[:, None] + 59)

    def run():
        net = Policy()
        optimizer = torch.optim.AdamW(net.parameters(), lr=1e-4, betas=(0.95, 0.999), fused=True)
        average = Average(net)
        order = torch.randperm(ticks)
        for step in range(100):
            rows = order[torch.arange(step * 16, step * 16 + 16) % ticks]
            past = window(rows, torch.arange(-1, 1)).flatten()
            images = [f[past].float() / 127.5 - 1 for f in frames]
            proprioception = seen[past].reshape(16, 40)
            clean = actions[window(rows, torch.arange(-1, horizon - 1))].transpose(1, 2).repeat(4, 1, 1)
            at = torch.randint(0, 100, (64,))
            share = alpha[at][:, None, None]
            noise = torch.randn_like(clean)
            noisy = clean * share.sqrt() + noise * (1 - share).sqrt()
            optimizer.zero_grad(set_to_none=True)
            left = net(images, proprioception, noisy, at.float())
            error = noisy * (1 - share).sqrt() + left * share.sqrt() - noise
            loss = (error.square() * (1 / share).clamp(max=100)).mean()
            loss.item()
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            optimizer.step()
            average.update()

    return Work(run, [], 0, True)


class LargePolicy(nn.Module):
    def __init__(self):
        super().__init__()
        self.eye = ResNet18().to(memory_format=torch.channels_last)
        self.unet = UNet1d(10, 1024, list(LARGE), 5, 8, 128)

    def forward(self, images, noisy, steps):
        return self.unet(noisy, steps, SpatialSoftmax()(self.eye(images)))


def resnet_unet_step(batch):
    net = LargePolicy()
    images = torch.randn(batch, 3, 96, 96).to(memory_format=torch.channels_last)
    noisy = torch.randn(batch, 10, 16)
    steps = torch.rand(batch) * 100
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-4, betas=(0.95, 0.999), fused=True)
    average = Average(net)

    def step():
        optimizer.zero_grad(set_to_none=True)
        net(images, noisy, steps).square().mean().backward()
        optimizer.step()
        average.update()

    return Work(step, [net], 13, True)


def sinkhorn(log):
    cost, epsilon = torch.rand(32, 64, 64, dtype=torch.float64), 0.1
    mass = torch.tensor(1.0 / 64, dtype=torch.float64)

    def scaling():
        kernel = torch.exp(-cost / epsilon)
        across = kernel.transpose(1, 2).contiguous()
        u = v = torch.ones(32, 64, 1, dtype=cost.dtype)
        for _ in range(50):
            u = mass / (kernel @ v)
            v = mass / (across @ u)
        return u * kernel * v.transpose(1, 2)

    def log_domain():
        f, g = torch.zeros(32, 64, 1, dtype=cost.dtype), torch.zeros(32, 1, 64, dtype=cost.dtype)
        share = epsilon * mass.log()
        for _ in range(50):
            f = share - epsilon * torch.logsumexp((g - cost) / epsilon, 2, keepdim=True)
            g = share - epsilon * torch.logsumexp((f - cost) / epsilon, 1, keepdim=True)
        return torch.exp((f + g - cost) / epsilon)

    return inference(log_domain if log else scaling)


WORKS = {
    "resnet_forward_16": lambda: resnet(16, 96, False),
    "resnet_backward_16": lambda: resnet(16, 96, True),
    "resnet_backward_8": lambda: resnet(8, 224, True),
    "vit_forward_1": vit,
    "efficientnet_forward_16": efficientnet,
    "vision_backward_64": vision,
    "unet_small_forward_1": lambda: unet(SMALL, 1, False),
    "unet_small_backward_64": lambda: unet(SMALL, 64, True),
    "unet_large_forward_1": lambda: unet(LARGE, 1, False),
    "unet_large_forward_1_bf16": lambda: unet(LARGE, 1, False, torch.bfloat16),
    "unet_large_backward_64": lambda: unet(LARGE, 64, True),
    "adamw_ema_large": lambda: adamw(False),
    "adamw_ema_large_fused": lambda: adamw(True),
    "sinkhorn_scaling": lambda: sinkhorn(False),
    "sinkhorn_log": lambda: sinkhorn(True),
    "policy_step": policy,
    "training_100": training,
    "denoise_8": lambda: denoise(SMALL),
    "denoise_8_large": lambda: denoise(LARGE),
    "denoise_8_large_bf16": lambda: denoise(LARGE, torch.bfloat16),
    "resnet_unet_step_64": lambda: resnet_unet_step(64),
    "resnet_unet_step_8": lambda: resnet_unet_step(8),
}


def wait():
    if DEVICE == "cuda":
        torch.cuda.synchronize()


def prepared(work):
    """The work as it is to be run; graphs only record what needs no gradients."""
    if MODE == "compile":
        return Work(torch.compile(work.run), work.modules, work.gradients).once
    if MODE != "graphs" or work.gradients:
        return work.once
    aside = torch.cuda.Stream()
    with torch.cuda.stream(aside):
        for _ in range(3):
            work.once()
    torch.cuda.current_stream().wait_stream(aside)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        work.once()
    return graph.replay


def median(run, repeats):
    times = []
    for _ in range(repeats):
        wait()
        start = time.perf_counter()
        run()
        wait()
        times.append(time.perf_counter() - start)
    return sorted(times)[repeats // 2]


def limits():
    """Bytes a second of a copy (read and written), products and sums a second of a large product."""
    on_gpu = DEVICE == "cuda"
    numbers, side = (1 << 28, 8192) if on_gpu else (1 << 25, 1024)
    source, target = torch.randn(numbers), torch.empty(numbers)
    found = [8 * numbers / median(lambda: target.copy_(source), 9)]
    for dtype in (torch.float32, torch.bfloat16):
        a, b = torch.randn(side, side, dtype=dtype), torch.randn(side, side, dtype=dtype)
        found.append(2 * side**3 / median(lambda: a @ b, 9))
    return found


def facts(work):
    size = sum(p.numel() * p.element_size() for m in work.modules for p in m.parameters())
    size *= work.passes
    with FlopCounterMode(display=False) as counter:
        work.once()
    return size, counter.get_total_flops()


def main():
    print("ready PyTorch", torch.__version__, flush=True)
    now = (None, None)
    for line in sys.stdin:
        words = line.split()
        torch.manual_seed(1)
        if words == ["limits"]:
            print(*limits(), flush=True)
            continue
        if words[0] == "facts":
            print(*facts(WORKS[words[1]]()), flush=True)
            continue
        work, repeats = words
        if now[0] != work:
            now = (work, prepared(WORKS[work]()))
        times = []
        for _ in range(int(repeats)):
            wait()
            start = time.perf_counter()
            now[1]()
            wait()
            times.append(f"{1e3 * (time.perf_counter() - start):.4f}")
        print(*times, flush=True)


main()
