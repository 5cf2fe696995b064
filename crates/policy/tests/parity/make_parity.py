"""Writes diffusers.json: the squared-cosine schedule and DDIM as diffusers has them, for parity.rs.

    python -m venv /tmp/diffusers && /tmp/diffusers/bin/pip install diffusers torch numpy
    /tmp/diffusers/bin/python make_parity.py

Both spacings, 8 and 10 steps of 100, samples clipped to [-1, 1], from a fixed noise with a "network"
whose prediction is tanh(sample + step / 100).
"""

import json
from pathlib import Path

import diffusers
import torch


def main():
    runs = []
    for spacing in ("leading", "trailing"):
        # diffusers steps back by 100 // count whatever comes next, so only a divisor of 100 is
        # comparable when the steps end at the last.
        for count in (8, 10) if spacing == "leading" else (5, 10):
            scheduler = diffusers.DDIMScheduler(
                num_train_timesteps=100,
                beta_schedule="squaredcos_cap_v2",
                clip_sample=True,
                set_alpha_to_one=True,
                steps_offset=0,
                prediction_type="epsilon",
                timestep_spacing=spacing,
            )
            scheduler.set_timesteps(count)
            sample = torch.linspace(-2.0, 2.0, 9, dtype=torch.float64)
            start = sample.tolist()
            for t in scheduler.timesteps:
                noise = torch.tanh(sample + t.item() / 100)
                sample = scheduler.step(noise, t, sample, eta=0.0).prev_sample
            runs.append(
                {
                    "spacing": spacing,
                    "count": count,
                    "steps": scheduler.timesteps.tolist(),
                    "start": start,
                    "end": sample.tolist(),
                }
            )
    found = {
        "diffusers": diffusers.__version__,
        "alpha_bar": scheduler.alphas_cumprod.tolist(),
        "runs": runs,
    }
    (Path(__file__).parent / "diffusers.json").write_text(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
