"""Writes the files in this folder: checkpoints as their projects save them, and what PyTorch computes.

    python -m venv /tmp/imports && /tmp/imports/bin/pip install torch torchvision lerobot
    /tmp/imports/bin/python make_imports.py

Every file holds a state_dict under its prefix, an input `x` (channels last), the output `out`, a
`probe` of the output's shape, and the gradients of sum(output * probe) as `gradient.NAME`. The U-Nets
are LeRobot's own; the other networks are small ones of the same names as torchvision's and DINOv2's.
"""

import sys
from pathlib import Path

import torch
import torchvision
from lerobot.configs.types import FeatureType, PolicyFeature
from lerobot.policies.diffusion.configuration_diffusion import DiffusionConfig
from lerobot.policies.diffusion.modeling_diffusion import DiffusionConditionalUnet1d
from safetensors.torch import save_file
from torch import nn

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "../parity"))
from torch_networks import ResNet18, VisionTransformer  # noqa: E402


def shaken(module):
    """Norms start at one and zero, which would hide an exchange of the two."""
    for part in module.modules():
        if isinstance(part, (nn.GroupNorm, nn.LayerNorm, nn.BatchNorm2d)):
            nn.init.normal_(part.weight, 1.0, 0.5)
            nn.init.normal_(part.bias, 0.0, 0.5)
        if isinstance(part, nn.BatchNorm2d):
            nn.init.normal_(part.running_mean, 0.0, 0.5)
            nn.init.uniform_(part.running_var, 0.5, 2.0)
    return module.double().eval()


def computed(module, prefix, out, inputs):
    probe = torch.randn(out.shape).double()
    (out * probe).sum().backward()
    found = {f"{prefix}{k}": v for k, v in module.state_dict().items()}
    for name, parameter in module.named_parameters():
        found[f"gradient.{prefix}{name}"] = parameter.grad
    for name, buffer in module.named_buffers():
        found[f"gradient.{prefix}{name}"] = torch.zeros_like(buffer)
    last = lambda t: t.movedim(1, -1) if t.dim() == 4 else t  # noqa: E731
    found |= {k: last(v) for k, v in inputs.items()}
    found |= {f"gradient.{k}": last(v.grad) for k, v in inputs.items() if v.grad is not None}
    return found | {"out": last(out), "probe": last(probe)}


def floats(found):
    found = {k: v for k, v in found.items() if v.is_floating_point()}
    return {k: v.detach().float().contiguous().clone() for k, v in found.items()}


def vision(name, module, prefix, x):
    module, x = shaken(module), x.double().requires_grad_()
    found = computed(module, prefix, module(x), {"x": x})
    save_file(floats(found), HERE / f"{name}.safetensors")


def unet(film):
    config = DiffusionConfig(
        down_dims=(8, 16),
        n_groups=8,
        kernel_size=3,
        diffusion_step_embed_dim=8,
        use_film_scale_modulation=film,
    )
    config.output_features = {"action": PolicyFeature(FeatureType.ACTION, (3,))}
    module = shaken(DiffusionConditionalUnet1d(config, global_cond_dim=5))
    x = torch.randn(2, 8, 3).double().requires_grad_()
    cond = torch.randn(2, 5).double().requires_grad_()
    steps = torch.tensor([3.0, 50.0]).double()
    out = module(x, steps, cond)
    return module, {"x": x, "cond": cond, "steps": steps}, out


def diffusion_policy(name):
    """Diffusion Policy's name of a tensor that LeRobot calls `name`."""
    name = name.replace("conv1.block", "blocks.0.block").replace("conv2.block", "blocks.1.block")
    for kind in ("weight", "bias"):
        if name.endswith(f".2.{kind}") and "block" not in name:
            name = name.removesuffix(kind) + f"conv.{kind}"
    return name


def main():
    torch.manual_seed(1)
    theirs = set(torchvision.models.resnet18().state_dict()) - {"fc.weight", "fc.bias"}
    assert set(ResNet18(group=None).state_dict()) == theirs
    grouped = ResNet18(widths=(16, 16, 16, 32), group=16)
    vision("resnet18_group", grouped, "", torch.randn(2, 3, 40, 50))
    small = dict(widths=(4, 4, 6, 8), group=None)
    vision("resnet18_batch", ResNet18(**small), "", torch.randn(2, 3, 40, 50))
    net = ResNet18(**small)
    parts = net.conv1, net.bn1, nn.ReLU(), nn.MaxPool2d(3, 2, 1)
    row = nn.Sequential(*parts, net.layer1, net.layer2, net.layer3, net.layer4)
    vision("resnet18_in_a_row", row, "backbone.", torch.randn(1, 3, 33, 33))
    vit = dict(patch=5, grid=3, width=32, depth=2, heads=2)
    vision("vit", VisionTransformer(**vit), "", torch.randn(2, 3, 15, 15))
    vision("vit_stretched", VisionTransformer(**vit), "", torch.randn(1, 3, 10, 25))
    module, inputs, out = unet(True)
    found = computed(module, "diffusion.unet.", out, inputs)
    save_file(floats(found), HERE / "unet_lerobot.safetensors")
    module, inputs, out = unet(False)
    found = floats(computed(module, "", out, inputs))
    weights = {f"model.{diffusion_policy(k)}": found.pop(k) for k in module.state_dict()}
    stale = {k: torch.zeros_like(v) for k, v in weights.items()}
    save_file(found, HERE / "unet_diffusion_policy.safetensors")
    checkpoint = {"state_dicts": {"model": stale, "ema_model": weights}}
    torch.save(checkpoint, HERE / "policy.ckpt")


main()
