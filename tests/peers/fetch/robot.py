"""gymnasium-robotics' Fetch as a robot on Apprentice's link, written from robots/PROTOCOL.md and with the rules of
robots/examples, in lockstep or in real time.

    python robot.py tcp/127.0.0.1:7600 SCENES.jsonl [--real-time]

After each scene a line is appended to SCENES.jsonl: its seed, whether the block lies on a mat, on which, and how often
it was dropped. The teleop question is answered by a scripted person, who carries to the two mats by turns. Needs what
requirements.txt says, and OpenGL without a screen (MUJOCO_GL=egl; Debian: libegl1 and libgl1-mesa-dri).
"""

import json
import os
import queue
import struct
import sys
import threading
import time
import tomllib
from pathlib import Path

os.environ.setdefault("MUJOCO_GL", "egl")
HERE = Path(__file__).parent
sys.path.append(str(HERE.parents[2] / "robots/examples"))

import zenoh  # noqa: E402
from access_rules import ACTIVE, HOMING, OWNED, REASONS, SERVICES, AccessRules, Refused  # noqa: E402
from scene import SIDES, Scene, Teleoperator  # noqa: E402

HEADER = struct.Struct("<4sHH")


def number(key, prefix):
    """The client whose key this is: eight lower-case hexadecimal digits, not all 0; otherwise 0."""
    digits = str(key).removeprefix(prefix)
    return int(digits, 16) if len(digits) == 8 and set(digits) <= set("0123456789abcdef") else 0


class Arm:
    """The scene as the rules look at an arm."""

    def __init__(self, scene):
        self.scene = scene
        self.measure()

    def measure(self):
        q, v, self.width = self.scene.state()
        self.q, self.v = [float(x) for x in q], [float(x) for x in v]


class SceneTime:
    """In lockstep silence is counted in the scene's own time."""

    def __init__(self):
        self.seconds = 0.0

    def monotonic(self):
        return self.seconds


class Robot:
    """Whatever comes over the link is put into one queue, and one thread takes it out: OpenGL wants that."""

    def __init__(self, session, robot, log, real_time):
        self.session, self.robot, self.log, self.real_time = session, robot, log, real_time
        self.clock = time if real_time else SceneTime()
        self.scene = Scene(robot)
        self.arm = Arm(self.scene)
        self.rules, self.prefix = AccessRules(robot, self.arm, self.clock.monotonic), f"apprentice/{robot['name']}/"
        self.period = 1 / robot["control_hz"]
        self.frames_every = round(robot["control_hz"] / robot["policy_hz"])
        self.queue, self.numbers, self.said, self.told, self.cycles = queue.Queue(), {}, None, (0.0, 0.0), 0
        self.scenes = len(log.read_text().splitlines()) if log.exists() else 0
        self.number, self.seed, self.person, self.moved = None, None, None, False

    def send(self, key, kind, rest, priority=zenoh.Priority.DATA_HIGH):
        self.numbers[key] = self.numbers.get(key, 0) + 1
        stamp = round(self.clock.monotonic() * 1e9)
        drop, block = zenoh.CongestionControl.DROP, zenoh.CongestionControl.BLOCK
        self.session.put(
            self.prefix + key,
            HEADER.pack(b"APRT", 3, kind) + struct.pack("<QQ", self.numbers[key], stamp) + rest,
            express=True, priority=priority, congestion_control=drop if self.real_time else block,
        )
        return self.numbers[key]

    def tell(self):
        """How the arm stands: whenever that has changed, and once a second of either time."""
        rules, now = self.rules, (time.monotonic(), self.clock.monotonic())
        stands = (rules.phase, rules.stop, rules.stops, rules.owner)
        if stands != self.said or any(n - t > 0.9 for n, t in zip(now, self.told)):
            self.said, self.told = stands, now
            counts = (rules.accepted, len(REASONS), *rules.refused.values())
            self.send("status", 9, struct.pack(f"<BBQIQH{len(REASONS)}Q", *stands, *counts))
        if rules.owner == 0:
            self.note()

    def read(self, payload, key, kind, layout, path):
        size = HEADER.size + struct.calcsize(layout)
        fits = len(payload) >= size and HEADER.unpack_from(payload) == (b"APRT", 3, kind)
        self.rules.need(fits, "malformed", f"{len(payload)} bytes; kind {kind} of version 3 has {size} or more")
        client, *numbers = struct.unpack_from(layout, payload, HEADER.size)
        own = client and client == number(key, f"{self.prefix}{path}/")
        self.rules.need(own, "malformed", "the key does not end in the client's number, eight lower-case digits")
        return client, numbers, payload[size:]

    def publish(self, frames):
        """State, and the picture where it is wanted; the answer to who asked for time to pass."""
        arm = self.arm
        state = struct.pack(f"<H{2 * len(arm.q) + 1}d", len(arm.q), *arm.q, *arm.v, arm.width)
        state = self.send("state", 1, state, zenoh.Priority.REAL_TIME)
        seen = []
        if frames:
            camera = self.robot["cameras"][0]
            head = struct.pack("<HH", camera["width"], camera["height"])
            seen = [self.send(f"camera/{camera['name']}", 3, head + self.scene.picture().tobytes(), zenoh.Priority.DATA)]
        return HEADER.pack(b"APRT", 3, 6) + struct.pack(f"<QH{len(seen)}Q", state, len(seen), *seen)

    def pass_time(self):
        """One control period."""
        rules, scene = self.rules, self.scene
        rules.watch()
        if rules.phase == HOMING:
            for i, (joint, home) in enumerate(zip(self.robot["joints"], self.robot["home"])):
                step = 0.5 * joint["velocity"] * self.period
                rules.target[i] += max(-step, min(step, home - rules.target[i]))
            if all(abs(home - q) < 0.005 for home, q in zip(self.robot["home"], self.arm.q)):
                rules.arrived_home()
        if rules.phase in (ACTIVE, HOMING):
            self.moved = self.moved or rules.phase == ACTIVE
            scene.move(rules.target[:-1], rules.target[-1])
        scene.step(self.period)
        self.arm.measure()
        rules.measured = self.clock.monotonic()
        self.tell()

    # What is asked for, each in the one thread.

    def advance(self, payload, _):
        if self.real_time:
            raise Refused("real_time: time passes by itself here")
        duration, newest, frames = struct.unpack_from("<QQB", payload, HEADER.size)
        waiting = time.monotonic() + 0.2
        while newest and self.rules.last.get(self.rules.owner, 0) < newest and time.monotonic() < waiting:
            try:
                self.queue.get(timeout=0.001)()
            except queue.Empty:
                pass
        for _ in range(max(1, round(duration / 1e9 / self.period))):
            self.clock.seconds += self.period
            self.pass_time()
        return self.publish(bool(frames))

    def reset(self, payload, key):
        client, (seed,), _ = self.read(payload, key, 5, "<IQ", "reset")
        rules = self.rules
        rules.need(client == rules.owner, "not_owner", "acquire it first")
        rules.need(not rules.stop, "stopped", "it was stopped; that has to be seen to first")
        self.note()
        self.scene.reset(seed % 2**63)
        self.arm.measure()
        rules.stand(OWNED, client)
        self.number, self.seed, self.person = self.scenes, seed, None
        return self.publish(True)

    def teleop(self, *_):
        if self.person is None:
            self.person = Teleoperator(self.scene, SIDES[self.scenes % 2], self.scenes)
        action = self.person.action()
        return HEADER.pack(b"APRT", 3, 7) + struct.pack(f"<H{len(action)}d", len(action), *action)

    def verdict(self, *_):
        """Whether the task is done, and the scene's number; which way it was done is nobody's business here."""
        if self.seed is None:
            raise Refused("no scene was set up yet")
        ended = self.scene.verdict()
        said = {"success": ended["success"], "drops": ended["drops"], "seed": self.seed}
        return json.dumps({**said, "facts": {"scene": self.number}}).encode()

    def service(self, name):
        def work(payload, key):
            client, (known,), _ = self.read(payload, key, 11, "<IQ", f"service/{name}")
            self.rules.serve(name, client, known)
            return HEADER.pack(b"APRT", 3, 12) + bytes([self.rules.phase])

        return work

    def command(self, payload, key):
        client, (sequence, _, n), rest = self.read(payload, key, 2, "<IQQH", "command")
        self.rules.need(len(rest) == 8 * n + 8, "malformed", f"{n} joints have {38 + 8 * n} bytes")
        self.rules.command(client, sequence, struct.unpack(f"<{n + 1}d", rest))

    def lease(self, sample):
        client = number(sample.key_expr, self.prefix + "lease/")
        if client:
            self.rules.lease(client, sample.kind == zenoh.SampleKind.PUT)

    def note(self):
        """How the scene ended, where anything moved in it."""
        if self.seed is not None and self.moved:
            with self.log.open("a") as log:
                log.write(json.dumps({"scene": self.scenes, "seed": self.seed, **self.scene.verdict()}) + "\n")
            self.scenes += 1
        self.moved = False

    # From the threads of the link into the queue.

    def answer(self, work):
        def handle(query):
            payload = query.payload.to_bytes() if query.payload else b""

            def task():
                try:
                    query.reply(query.key_expr, work(payload, query.key_expr))
                except Exception as problem:  # the runtime is told, whatever it is
                    query.reply_err(str(problem).encode())
                query.drop()
                self.tell()

            self.queue.put(task)

        return handle

    def hear(self, work):
        def handle(sample):
            def task():
                try:
                    work(sample)
                except Refused:
                    pass  # it is counted, and the status says so
                self.tell()

            self.queue.put(task)

        return handle

    def serve(self, ended):
        due = time.monotonic()
        while not ended.is_set():
            try:
                self.queue.get(timeout=max(0.0, due - time.monotonic()) if self.real_time else 0.1)()
            except queue.Empty:
                pass
            if self.real_time and time.monotonic() >= due:
                self.pass_time()
                self.publish(self.cycles % self.frames_every == 0)
                self.cycles += 1
                due = max(due + self.period, time.monotonic() - 5 * self.period)
            self.tell()


def main():
    endpoint, log, real_time = sys.argv[1], Path(sys.argv[2]), "--real-time" in sys.argv[3:]
    config = zenoh.Config()
    for key, value in [("mode", "router"), ("listen/endpoints", [endpoint]), ("scouting/multicast/enabled", False)]:
        config.insert_json5(key, json.dumps(value))
    text = (HERE / "robot.toml").read_text()
    session = zenoh.open(config)
    robot = Robot(session, tomllib.loads(text), log, real_time)

    def describe(query):
        query.reply(query.key_expr, text.encode(), attachment=b"real_time" if real_time else b"lockstep")

    prefix, answer, hear = robot.prefix, robot.answer, robot.hear
    serving = [session.declare_queryable(f"{prefix}service/{name}/*", answer(robot.service(name))) for name in SERVICES]
    serving += [
        session.declare_queryable(f"{prefix}describe", describe),
        session.declare_queryable(f"{prefix}clock", answer(robot.advance)),
        session.declare_queryable(f"{prefix}reset/*", answer(robot.reset)),
        session.declare_queryable(f"{prefix}teleop", answer(robot.teleop)),
        session.declare_queryable(f"{prefix}verdict", answer(robot.verdict)),
        session.declare_subscriber(
            f"{prefix}command/*", hear(lambda s: robot.command(s.payload.to_bytes(), s.key_expr))
        ),
        session.liveliness().declare_subscriber(f"{prefix}lease/*", hear(robot.lease), history=True),
        session.liveliness().declare_token(f"{prefix}alive"),
    ]
    ended = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
    print(f"serving {robot.robot['name']} on {endpoint}", flush=True)
    robot.serve(ended)
    robot.note()
    del serving
    session.close()


if __name__ == "__main__":
    main()
