"""Writes pot.json: what POT computes, for parity.rs beside this folder to compare with.

    python -m venv /tmp/pot && /tmp/pot/bin/pip install POT torch numpy
    /tmp/pot/bin/python make_parity.py

Plans from ot.sinkhorn (scaling) and ot.bregman.sinkhorn_log, run until they stop changing; gradients
of the transport cost with respect to the cost matrix by automatic differentiation through 5000 of
the iterations, in double precision.
"""

import json
from pathlib import Path

import numpy as np
import ot
import torch


def differentiated(cost, epsilon):
    c = torch.tensor(cost, requires_grad=True)
    n, m = c.shape
    f, g = torch.zeros(n, dtype=c.dtype), torch.zeros(m, dtype=c.dtype)
    la, lb = -np.log(n), -np.log(m)
    for _ in range(5000):
        f = epsilon * (la - torch.logsumexp((g[None, :] - c) / epsilon, 1))
        g = epsilon * (lb - torch.logsumexp((f[:, None] - c) / epsilon, 0))
    plan = torch.exp((f[:, None] + g[None, :] - c) / epsilon)
    (plan * c).sum().backward()
    return c.grad.numpy()


def main():
    rng = np.random.default_rng(7)
    cases = []
    for rows, columns, epsilon in [(4, 4, 1.0), (6, 9, 0.1), (16, 16, 0.1), (5, 3, 0.02)]:
        a, b = rng.normal(size=(rows, 8)), rng.normal(size=(columns, 8))
        cost = ot.dist(a, b, metric="cosine")
        mass = np.full(rows, 1 / rows), np.full(columns, 1 / columns)
        options = {"numItermax": 200_000, "stopThr": 1e-14}
        plan = ot.bregman.sinkhorn_log(*mass, cost, epsilon, **options)
        if epsilon >= 0.1:
            again = ot.sinkhorn(*mass, cost, epsilon, method="sinkhorn", **options)
            assert np.abs(plan - again).max() < 1e-9
        cases.append(
            {
                "rows": rows,
                "columns": columns,
                "epsilon": epsilon,
                "a": a.astype(np.float32).ravel().tolist(),
                "b": b.astype(np.float32).ravel().tolist(),
                "cost": cost.ravel().tolist(),
                "plan": plan.ravel().tolist(),
                "gradient": differentiated(cost, epsilon).ravel().tolist(),
            }
        )
    text = json.dumps({"POT": ot.__version__, "cases": cases})
    (Path(__file__).parent / "pot.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
