"""PyTorch's half of `cargo xtask bench`.

Reads lines `WORK REPEATS` and answers each with `REPEATS` times in milliseconds on one line. The
first argument is the number of threads, the second a file that EfficientNet-Lite0's weights are
written to, the third and fourth the folders of torch_networks.py and efficientnet_parity.py; weights
and inputs are random, shapes are those of the other half (tools/bench/src/works.rs).
"""

import sys
import time

import torch
from torch import nn

torch.set_num_threads(int(sys.argv[1]))
sys.path[:0] = sys.argv[3:5]

from efficientnet_parity import Net, synthetic  # noqa: E402
from safetensors.torch import save_file  # noqa: E402
from torch_networks import ResNet18, UNet1d, VisionEncoder, VisionTransformer  # noqa: E402

EFFICIENTNET = Net().eval()
synthetic(EFFICIENTNET)
save_file(EFFICIENTNET.state_dict(), sys.argv[2])

COND = 132
SMALL, LARGE = (64, 128, 256), (256, 512, 1024)


def backward(module, run):
    def step():
        module.zero_grad(set_to_none=True)
        run().backward()

    return step


def inference(run):
    def step():
        with torch.inference_mode():
            run()

    return step


def unet(dims, batch, train):
    net = UNet1d(10, COND, list(dims), 5, 8, 128)
    x, steps, cond = torch.randn(batch, 10, 16), torch.rand(batch) * 100, torch.randn(batch, COND)
    if not train:
        return inference(lambda: net(x, steps, cond))
    return backward(net, lambda: net(x, steps, cond).square().mean())


def vision():
    net = VisionEncoder([16, 32, 32], [2, 2, 1], [5, 3, 3], 8, 64)
    x = torch.randn(64, 3, 64, 64)
    return backward(net, lambda: net(x).square().mean())


def resnet(batch, side, train):
    net = ResNet18().to(memory_format=torch.channels_last)
    x = torch.randn(batch, 3, side, side).to(memory_format=torch.channels_last)
    if not train:
        return inference(lambda: net(x))
    return backward(net, lambda: net(x).square().mean())


def vit():
    net, x = VisionTransformer().eval(), torch.randn(1, 3, 224, 224)
    return inference(lambda: net(x))


def efficientnet():
    net = EFFICIENTNET.to(memory_format=torch.channels_last)
    x = torch.rand(16, 112, 112, 3)
    return inference(lambda: net.features(x))


class Average:
    """Exponential moving average in PyTorch's own fused list operations."""

    def __init__(self, module):
        self.module = module
        self.weights = [p.detach().clone() for p in module.parameters()]

    def update(self):
        torch._foreach_lerp_(self.weights, [p.detach() for p in self.module.parameters()], 1e-3)


def adamw():
    net = UNet1d(10, COND, list(LARGE), 5, 8, 128)
    for p in net.parameters():
        p.grad = 1e-3 * torch.randn_like(p)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-4, betas=(0.95, 0.999), fused=True)
    average = Average(net)

    def step():
        optimizer.step()
        average.update()

    return step


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

    return step


def sinkhorn(log):
    cost, epsilon = torch.rand(32, 64, 64), 0.1
    mass = torch.tensor(1.0 / 64)

    def scaling():
        kernel = torch.exp(-cost / epsilon)
        across = kernel.transpose(1, 2).contiguous()
        u, v = torch.ones(32, 64, 1), torch.ones(32, 64, 1)
        for _ in range(50):
            u = mass / (kernel @ v)
            v = mass / (across @ u)
        return u * kernel * v.transpose(1, 2)

    def log_domain():
        f, g = torch.zeros(32, 64, 1), torch.zeros(32, 1, 64)
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
    "unet_large_backward_64": lambda: unet(LARGE, 64, True),
    "adamw_ema_large": adamw,
    "sinkhorn_scaling": lambda: sinkhorn(False),
    "sinkhorn_log": lambda: sinkhorn(True),
    "policy_step": policy,
}


def main():
    print("ready", torch.__version__, flush=True)
    now = (None, None)
    for line in sys.stdin:
        work, repeats = line.split()
        if now[0] != work:
            torch.manual_seed(1)
            now = (work, WORKS[work]())
        times = []
        for _ in range(int(repeats)):
            start = time.perf_counter()
            now[1]()
            times.append(f"{1e3 * (time.perf_counter() - start):.4f}")
        print(*times, flush=True)


main()
