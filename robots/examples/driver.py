"""A driver on the native link (robots/PROTOCOL.md) with the access rules that a robot enforces by itself, of a
SIMULATED arm: its joints are servos of a few lines. Put your robot's own interface in place of `Arm`.

    apprentice robot describe robots/examples/planar_arm > planar_arm.toml
    python robots/examples/driver.py tcp/127.0.0.1:7620 planar_arm.toml

It needs eclipse-zenoh, ends with its standard input, and does not answer `reset`: a person sets up the scenes.
"""

import json, math, struct, sys, threading, time, tomllib
from pathlib import Path
import zenoh

FREE, OWNED, ACTIVE, HOLDING, STOPPED, HOMING, FAULTED = range(7)
PHASES = ["free", "owned", "active", "holding", "stopped", "homing", "faulted"]
REASONS = """malformed no_lease owned not_owner not_active faulted stopped homing moving state sequence dimension
 not_finite bounds step following_error rate""".split()
SERVICES = ["acquire", "release", "enable", "stop", "acknowledge", "recover", "home"]
HOLD_S, STOP_S, BURST_S, LEAD, ROUNDING = 0.2, 2.0, 0.1, 0.6, 1e-9
HEADER = struct.Struct("<4sHH")


class Refused(Exception):
    """The reason's name, then what to do."""


class Arm:
    """Simulated: joints follow their targets within their limits, and brake without one."""

    def __init__(self, robot):
        self.q, self.v, self.width = list(robot["home"]), [0.0] * len(robot["home"]), 0.0
        self.limits = [(j["velocity"], j["acceleration"]) for j in robot["joints"]]

    def step(self, target, dt):
        for i, (fastest, push) in enumerate(self.limits):
            away = target[i] - self.q[i] if target else 0.0
            wanted = math.copysign(min(fastest, abs(away) / 0.05, math.sqrt(push * abs(away))), away)
            self.v[i] += max(-push * dt, min(push * dt, wanted - self.v[i]))
            self.q[i] += self.v[i] * dt
        self.width = target[-1] if target else self.width

    def picture(self, width, height):  # seen from above, 1 m wide
        rgb, x, y, turn = bytearray(b"\x60" * (width * height * 3)), 0.0, 0.0, 0.0
        for q, length in zip(self.q, [0.3, 0.2]):
            turn += q
            for _ in range(20):
                x, y = x + length / 20 * math.cos(turn), y + length / 20 * math.sin(turn)
                column, row = int((0.5 - y) * width), int((0.7 - x) * height)
                if 0 <= column < width and 0 <= row < height:
                    rgb[(row * width + column) * 3] = 255
        return bytes(rgb)


class Driver:
    def __init__(self, session, robot):
        self.session, self.robot, self.arm, self.lock = session, robot, Arm(robot), threading.RLock()
        self.prefix, self.n = f"apprentice/{robot['name']}/", len(robot["joints"])
        self.phase, self.owner, self.stop, self.stops, self.accepted = FREE, 0, 0, 0, 0
        self.refused, self.numbers, self.leases, self.last = dict.fromkeys(REASONS, 0), {}, {}, {}
        self.heard = self.credited = self.told = time.monotonic()
        self.target, self.chunk, self.said = None, None, None
        self.allowance, self.commands, self.cycles = [0.0] * self.n, 0.0, 0

    def send(self, key, kind, rest, priority=zenoh.Priority.REAL_TIME):
        self.numbers[key] = self.numbers.get(key, 0) + 1
        head = HEADER.pack(b"APRT", 3, kind) + struct.pack("<QQ", self.numbers[key], time.monotonic_ns())
        drop = zenoh.CongestionControl.DROP
        self.session.put(self.prefix + key, head + rest, express=True, priority=priority, congestion_control=drop)

    def tell(self, why=""):
        """Publishes how the arm stands whenever that has changed, and once a second."""
        stands, now = (self.phase, self.owner, self.stop, self.stops), time.monotonic()
        if stands != self.said:
            text = f"{PHASES[self.phase]}: {why}".encode()[:256]
            self.send("event", 10, struct.pack("<BH", self.phase, len(text)) + text, zenoh.Priority.DATA_HIGH)
        if stands != self.said or now - self.told > 0.9:
            self.said, self.told = stands, now
            counts = (self.accepted, len(REASONS), *self.refused.values())
            status = struct.pack(f"<BBQIQH{len(REASONS)}Q", self.phase, self.stop, self.stops, self.owner, *counts)
            self.send("status", 9, status, zenoh.Priority.DATA_HIGH)

    def refuse(self, reason, what):
        self.refused[reason] += 1
        raise Refused(f"{reason}: {what}")

    def read(self, payload, kind, layout, key, path):
        """Numbers of a message, which begin with the client whose key it came on."""
        size = HEADER.size + struct.calcsize(layout)
        if len(payload) < size or HEADER.unpack_from(payload) != (b"APRT", 3, kind):
            self.refuse("malformed", f"it has {len(payload)} bytes, kind {kind} of version 3 has {size} or more")
        numbers = struct.unpack_from(layout, payload, HEADER.size)
        if not numbers[0] or str(key) != f"{self.prefix}{path}/{numbers[0]:08x}":
            self.refuse("malformed", "the key does not end in the client's number, as eight lower-case digits")
        return numbers, payload[size:]

    def judge(self, numbers):
        """Whether the arm may go there: limits on one target, and on what they add up to."""
        now = time.monotonic()
        passed, self.credited = now - self.credited, now
        rate = 2.5 * self.robot["control_hz"]
        self.commands = min(self.commands + rate * passed, rate * BURST_S)
        for i, joint in enumerate(self.robot["joints"]):
            self.allowance[i] = min(self.allowance[i] + joint["velocity"] * passed, joint["velocity"] * BURST_S)
        if len(numbers) != self.n + 1:
            self.refuse("dimension", f"{len(numbers) - 1} joints, the arm has {self.n}")
        if not all(map(math.isfinite, numbers)):
            self.refuse("not_finite", "every number must be finite")
        if self.commands < 1:
            self.refuse("rate", f"at most {rate} commands a second")
        for i, (joint, q, before) in enumerate(zip(self.robot["joints"], numbers, self.target)):
            low, high = min(joint["position"][0], before), max(joint["position"][1], before)
            if not low - ROUNDING <= q <= high + ROUNDING:
                self.refuse("bounds", f"{joint['name']} at {q}, allowed: {joint['position']}")
            if abs(q - before) > self.allowance[i] + ROUNDING:
                self.refuse("step", f"{joint['name']} leaps by {abs(q - before)}, allowed: {self.allowance[i]}")
            if abs(q - self.arm.q[i]) > LEAD:
                self.refuse("following_error", f"{joint['name']} is more than {LEAD} away")
        if not -ROUNDING <= numbers[-1] <= self.robot["gripper"]["max_width_m"] + ROUNDING:
            self.refuse("bounds", f"opening {numbers[-1]}")

    def follow(self, numbers):
        self.allowance = [a - abs(q - t) for a, q, t in zip(self.allowance, numbers, self.target)]
        self.target, self.accepted, self.commands = list(numbers), self.accepted + 1, self.commands - 1
