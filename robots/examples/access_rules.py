"""Whose commands an arm obeys, and which: the rules of robots/PROTOCOL.md ("Owning the arm") that a robot enforces by
itself, without a network. Take this file as it is into a driver of your own."""

import math, time

FREE, OWNED, ACTIVE, HOLDING, STOPPED, HOMING, FAULTED = range(7)
REASONS = """malformed no_lease owned not_owner not_active faulted stopped homing moving state sequence dimension
    not_finite bounds step following_error rate""".split()
SERVICES = ["acquire", "release", "enable", "stop", "acknowledge", "recover", "home"]
HOLD_S, STOP_S, MEASURED_S, LEAD, ROUNDING, MOST_CLIENTS = 0.2, 2.0, 1.0, 0.6, 1e-9, 64


class Refused(Exception):
    """The reason's name, then what is wrong."""


class AccessRules:
    def __init__(self, robot, arm, clock=time.monotonic):
        """`robot` is the description, `arm` has joint positions `q`, velocities `v` and the opening `width`; `clock`
        answers seconds: its own time for a robot in lockstep."""
        self.clock = clock
        self.arm, self.joints, self.rate = arm, robot["joints"], 2.5 * robot["control_hz"]
        self.burst_s = max(0.1, 5 / robot["control_hz"])
        opening = robot.get("gripper", {}).get("max_width_m", math.inf)
        self.ranges = [joint["position"] for joint in self.joints] + [[0.0, opening]]
        self.phase, self.owner, self.stop, self.stops, self.accepted = FREE, 0, 0, 0, 0
        self.refused, self.leases, self.last = dict.fromkeys(REASONS, 0), {}, {}
        self.heard = self.credited = self.measured = self.clock()
        self.target, self.allowance, self.commands = [*arm.q, arm.width], [0.0] * len(self.joints), 0.0

    def need(self, holds, reason, what):
        """Refuses, and counts it, where something does not hold."""
        if not holds:
            self.refused[reason] += 1
            raise Refused(f"{reason}: {what}")

    def stand(self, phase, owner):
        """What was commanded before a change does not hold after it."""
        self.phase, self.owner, self.target = phase, owner, [*self.arm.q, self.arm.width]

    def let_go(self):
        self.stop = 2 if self.stop else 0
        self.stand(FAULTED if self.phase == FAULTED else STOPPED if self.stop else FREE, 0)

    def lease(self, client, alive):
        if alive:
            if len(self.leases) >= MOST_CLIENTS:
                del self.leases[next(c for c in self.leases if c != self.owner)]
            self.leases[client] = True
        elif self.leases.pop(client, False) and self.owner == client:
            self.let_go()

    def watch(self):
        """Silence brakes the arm after 200 ms; after 2 s it has to be enabled anew."""
        silent = self.clock() - self.heard
        if self.phase == ACTIVE and silent > HOLD_S:
            self.stand(HOLDING, self.owner)
        if self.phase == HOLDING and silent > STOP_S:
            self.stand(STOPPED, self.owner)

    def serve(self, name, client, known):
        """A service is asked for by a client that knows of so many stops."""
        self.watch()
        phase, mine = self.phase, client == self.owner
        if name == "stop":  # anyone may, always, and it is never forgotten
            self.stop, self.stops = 1 if self.owner and self.stop != 2 else 2, self.stops + 1
            self.stand(FAULTED if phase == FAULTED else STOPPED, self.owner)
        elif name == "acquire":
            self.need(mine or not self.owner, "owned", "the arm belongs to another client")
            self.need(mine or client in self.leases, "no_lease", "declare the token, then acquire")
            if not mine:
                self.stand(OWNED if phase == FREE else phase, client)
        elif name == "acknowledge":
            self.need(not self.stop or known == self.stops, "stopped", "it was stopped again since")
            if self.stop:
                self.stop = 0
                self.stand(FREE if phase == STOPPED and not self.owner else phase, self.owner)
        else:
            self.need(mine, "not_owner", "acquire it first")
            self.need(phase != FAULTED or name in ("release", "recover"), "faulted", "see to it, then recover")
            if name == "release":
                self.let_go()
            elif name == "recover" and phase == FAULTED:
                self.stand(STOPPED, client)
            elif name == "home" and phase != HOMING:
                self.need(phase in (ACTIVE, HOLDING), "not_active", "enable it first")
                self.stand(HOMING, client)
            elif name == "enable" and phase not in (ACTIVE, HOLDING):
                self.enable(client, known)

    def enable(self, client, known):
        self.need(self.phase != HOMING, "homing", "wait until it is there, or stop it")
        self.need(self.stop != 2, "stopped", "a person has to acknowledge that first")
        self.need(not self.stop or known == self.stops, "stopped", "it was stopped again since")
        self.need(self.clock() - self.measured < MEASURED_S, "state", "the arm does not say where it is")
        rests = all(abs(v) <= joint["velocity"] / 20 for v, joint in zip(self.arm.v, self.joints))
        self.need(rests, "moving", "ask again once it is at rest")
        self.stop, self.heard = 0, self.clock()
        self.stand(ACTIVE, client)

    def arrived_home(self):
        self.heard = self.clock()
        self.stand(ACTIVE, self.owner)

    def command(self, client, number, goal):
        """A target: joint positions, then the opening. Where it is refused the one before holds."""
        self.watch()
        self.need(client == self.owner, "not_owner", "acquire it first")
        self.need(self.phase != FAULTED, "faulted", "see to it, then recover")
        self.need(self.phase in (ACTIVE, HOLDING), "not_active", "enable it first")
        last = self.last.get(client)
        follows = number < 2**32 if last is None else last < number <= last + 2**20
        self.need(follows, "sequence", f"{number} after {last}")
        self.need(self.clock() - self.measured < MEASURED_S, "state", "the arm does not say where it is")
        self.judge(goal)
        self.last.pop(client, None)
        self.last[client] = number
        if len(self.last) > MOST_CLIENTS:
            del self.last[next(iter(self.last))]
        self.allowance = [a - abs(q - t) for a, q, t in zip(self.allowance, goal, self.target)]
        self.target, self.heard, self.phase = list(goal), self.clock(), ACTIVE
        self.accepted, self.commands = self.accepted + 1, self.commands - 1

    def judge(self, goal):
        """Limits on one target, and on what targets add up to: time alone credits movement."""
        passed, self.credited = self.clock() - self.credited, self.clock()
        self.commands = min(self.commands + self.rate * passed, self.rate * self.burst_s)
        fastest = [joint["velocity"] for joint in self.joints]
        self.allowance = [min(a + v * passed, v * self.burst_s) for a, v in zip(self.allowance, fastest)]
        self.need(len(goal) == len(self.target), "dimension", f"{len(goal) - 1} joints, it has {len(self.joints)}")
        self.need(all(map(math.isfinite, goal)), "not_finite", "every number must be finite")
        self.need(self.commands >= 1, "rate", f"at most {self.rate} commands a second")
        for q, (low, high), before in zip(goal, self.ranges, self.target):
            inside = min(low, before) - ROUNDING <= q <= max(high, before) + ROUNDING
            self.need(inside, "bounds", f"{q}, allowed: {low} to {high}")
        for q, before, most, at in zip(goal, self.target, self.allowance, self.arm.q):
            self.need(abs(q - before) <= most + ROUNDING, "step", f"{abs(q - before)} at once, allowed: {most}")
            self.need(abs(q - at) <= LEAD, "following_error", f"{abs(q - at)} ahead, allowed: {LEAD}")
