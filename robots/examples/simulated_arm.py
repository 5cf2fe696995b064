"""A SIMULATED arm of two joints that turns in a plane: what robots/examples/driver.py drives in place of a real one."""

import math


class Arm:
    """Joints follow their targets within their limits, and brake where there is no target."""

    def __init__(self, robot):
        self.q, self.v, self.width = list(robot["home"]), [0.0] * len(robot["home"]), 0.0
        self.limits = [(joint["velocity"], joint["acceleration"]) for joint in robot["joints"]]

    def step(self, target, dt):
        """Goes on for dt seconds towards joint positions (rad) and an opening (m), or brakes."""
        for i, (fastest, push) in enumerate(self.limits):
            away = target[i] - self.q[i] if target else 0.0
            wanted = math.copysign(min(fastest, abs(away) / 0.05, math.sqrt(push * abs(away))), away)
            self.v[i] += max(-push * dt, min(push * dt, wanted - self.v[i]))
            self.q[i] += self.v[i] * dt
        self.width = target[-1] if target else self.width

    def picture(self, width, height):
        """RGB bytes of the arm seen from above, 1 m wide: red on grey."""
        rgb, x, y, turn = bytearray(b"\x60" * (width * height * 3)), 0.0, 0.0, 0.0
        for q, length in zip(self.q, [0.3, 0.2]):
            turn += q
            for _ in range(20):
                x, y = x + length / 20 * math.cos(turn), y + length / 20 * math.sin(turn)
                column, row = int((0.5 - y) * width), int((0.7 - x) * height)
                if 0 <= column < width and 0 <= row < height:
                    rgb[(row * width + column) * 3] = 255
        return bytes(rgb)
