"""gym-pusht as a robot on Apprentice's link (robots/PROTOCOL.md), written from that page alone.

    python robot.py tcp/127.0.0.1:7600 DISTANCES.jsonl

Lockstep: a clock request of a tenth of a second is one step of the environment. The control device
is a script that drives the disc to the T. After each scene the distance between disc and T at its
beginning and end is appended to DISTANCES.jsonl. Needs eclipse-zenoh and gym-pusht.
"""

import json
import struct
import sys
import threading
from pathlib import Path

import gym_pusht  # noqa: F401 (registers the environment)
import gymnasium
import numpy as np
import zenoh

HEADER = struct.Struct("<4sHH")
PERIOD_NS = 100_000_000
VERSION = 3
FREE, OWNED, ACTIVE, STOPPED = 0, 1, 2, 4
REASONS = 17
PREFIX = "apprentice/pusht"
DIGITS = set("0123456789abcdef")


def sender(key, path):
    """The client whose key this is; None unless it ends in its number as it has to be written."""
    start = f"{PREFIX}/{path}/"
    number = str(key).removeprefix(start)
    if not str(key).startswith(start) or len(number) != 8 or not set(number) <= DIGITS:
        return None
    return int(number, 16) or None


def message(kind, body):
    return HEADER.pack(b"APRT", VERSION, kind) + body


def body(payload, kind):
    magic, version, found = HEADER.unpack_from(payload)
    if (magic, version, found) != (b"APRT", VERSION, kind):
        raise ValueError(f"not a message of version {VERSION} and kind {kind}: {magic} {version} {found}")
    return payload[HEADER.size :]


class PushT:
    def __init__(self, session, log):
        self.env = gymnasium.make(
            "gym_pusht/PushT-v0", obs_type="pixels_agent_pos", max_episode_steps=10**9
        )
        self.session, self.log = session, log
        self.lock = threading.Lock()
        self.sequence = self.stamp = 0
        self.command = None
        self.first = None
        self.phase, self.owner, self.accepted, self.told = FREE, 0, 0, 0
        self.stop = self.stops = 0  # who can lift a stop (1: the owner, 2: a person), and how many there were
        self.leases = set()
        self.seen, _ = self.env.reset(seed=0)

    def distance(self):
        plain = self.env.unwrapped
        return float(np.linalg.norm(np.array(plain.agent.position) - np.array(plain.block.position)))

    def publish(self, frames):
        self.sequence += 1
        x, y = (float(v) for v in self.seen["agent_pos"])
        vx, vy = (float(v) for v in self.env.unwrapped.agent.velocity)
        state = struct.pack("<QQH5d", self.sequence, self.stamp, 2, x, y, vx, vy, 0.0)
        self.session.put("apprentice/pusht/state", message(1, state))
        sequences = []
        if frames:
            picture = np.ascontiguousarray(self.seen["pixels"], dtype=np.uint8)
            height, width, _ = picture.shape
            head = struct.pack("<QQHH", self.sequence, self.stamp, width, height)
            self.session.put("apprentice/pusht/camera/top", message(3, head + picture.tobytes()))
            sequences = [self.sequence]
        return message(
            6, struct.pack(f"<QH{len(sequences)}Q", self.sequence, len(sequences), *sequences)
        )

    def reset(self, payload, key):
        client, seed = struct.unpack("<IQ", body(payload, 5))
        if sender(key, "reset") != client:
            raise ValueError("malformed: the key is not that of the client in the message")
        if client != self.owner:
            raise ValueError("not_owner: acquire it first")
        if self.stop:
            raise ValueError("stopped: it was stopped; acknowledge that first")
        self.stand(OWNED, client)
        self.note()
        self.seen, _ = self.env.reset(seed=seed % 2**31)
        self.command, self.first = None, self.distance()
        return self.publish(frames=True)

    def clock(self, payload, _):
        duration, newest, frames = struct.unpack("<QQB", body(payload, 4))
        for _ in range(200):
            if newest == 0 or (self.command and self.command[0] >= newest):
                break
            threading.Event().wait(0.001)
        for _ in range(max(1, round(duration / PERIOD_NS))):
            target = self.command[1:] if self.command else self.seen["agent_pos"]
            self.seen, *_ = self.env.step(np.array(target, dtype=np.float32))
            self.stamp += PERIOD_NS
        return self.publish(bool(frames))

    def teleop(self, *_):
        plain = self.env.unwrapped
        here, there = np.array(plain.agent.position), np.array(plain.block.position)
        way = there - here
        step = way * min(1.0, 40.0 / max(np.linalg.norm(way), 1e-6))
        return message(7, struct.pack("<H2d", 2, *np.clip(here + step, 0, 512)))

    def obey(self, sample):
        client, sequence, _, n, x, y, _ = struct.unpack(
            "<IQQH3d", body(sample.payload.to_bytes(), 2)
        )
        if sender(sample.key_expr, "command") != client:
            return
        if n == 2 and client == self.owner and self.phase == ACTIVE:
            self.command = (sequence, x, y)
            self.accepted += 1

    def lease(self, sample):
        client = sender(sample.key_expr, "lease")
        if client is None:
            return
        if sample.kind == zenoh.SampleKind.PUT:
            self.leases.add(client)
        else:
            self.leases.discard(client)
            # Samples and questions come on threads of their own: a token that is there again may come first.
            threading.Timer(0.2, self.gone, [client]).start()

    def gone(self, client):
        with self.lock:
            if client == self.owner and client not in self.leases:
                self.let_go()

    def let_go(self):
        """Belongs to nobody; a stop is a person's to acknowledge then."""
        self.stop = 2 if self.stop else 0
        self.stand(STOPPED if self.stop else FREE, 0)

    def stand(self, phase, owner):
        self.phase, self.owner = phase, owner
        self.told += 1
        status = struct.pack(
            f"<QQBBQIQH{REASONS}Q",
            self.told, self.stamp, phase, self.stop, self.stops, owner, self.accepted, REASONS,
            *[0] * REASONS,
        )
        self.session.put("apprentice/pusht/status", message(9, status))

    def serve(self, service):
        def work(payload, key):
            client, known = struct.unpack("<IQ", body(payload, 11))
            if sender(key, f"service/{service}") != client:
                raise ValueError("malformed: the key is not that of the client in the message")
            if service == "stop":
                self.stop = 1 if self.owner and self.stop != 2 else 2
                self.stops += 1
                self.stand(STOPPED, self.owner)
            elif service == "acknowledge":
                if self.stop:
                    self.lift(known)
                    self.stand(STOPPED if self.owner else FREE, self.owner)
            elif service == "acquire":
                if client not in self.leases:
                    raise ValueError("no_lease: declare the token first")
                if self.owner not in (0, client):
                    raise ValueError("owned: the arm belongs to another client")
                self.stand(OWNED if self.phase == FREE else self.phase, client)
            elif client != self.owner:
                raise ValueError("not_owner: acquire it first")
            elif service == "release":
                self.let_go()
            elif service == "enable":
                if self.stop == 2:
                    raise ValueError("stopped: a person has to acknowledge that first")
                if self.stop:
                    self.lift(known)
                self.stand(ACTIVE, client)
            elif service == "home":
                raise ValueError("not_active: this robot has no way home of its own")
            return message(12, bytes([self.phase]))

        return work

    def lift(self, known):
        if known != self.stops:
            raise ValueError("stopped: it was stopped since, which this request does not know of")
        self.stop = 0

    def note(self):
        if self.first is not None:
            with self.log.open("a") as log:
                log.write(json.dumps({"first": self.first, "last": self.distance()}) + "\n")

    def answer(self, work):
        def handle(query):
            with self.lock:
                try:
                    payload = query.payload.to_bytes() if query.payload else b""
                    query.reply(query.key_expr, work(payload, query.key_expr))
                except Exception as problem:  # the runtime is told, whatever it is
                    query.reply_err(str(problem).encode())

        return handle


def main():
    endpoint, log = sys.argv[1], Path(sys.argv[2])
    config = zenoh.Config()
    config.insert_json5("mode", '"peer"')
    config.insert_json5("listen/endpoints", json.dumps([endpoint]))
    config.insert_json5("scouting/multicast/enabled", "false")
    session = zenoh.open(config)
    robot = PushT(session, log)
    described = (Path(__file__).parent / "robot.toml").read_bytes()

    def describe(query):
        query.reply(query.key_expr, described, attachment=b"lockstep")

    serving = [
        session.declare_subscriber(f"{PREFIX}/command/*", robot.obey),
        session.declare_queryable("apprentice/pusht/describe", describe),
        session.declare_queryable("apprentice/pusht/clock", robot.answer(robot.clock)),
        session.declare_queryable(f"{PREFIX}/reset/*", robot.answer(robot.reset)),
        session.declare_queryable("apprentice/pusht/teleop", robot.answer(robot.teleop)),
        session.liveliness().declare_subscriber(
            "apprentice/pusht/lease/*", robot.lease, history=True
        ),
        session.liveliness().declare_token("apprentice/pusht/alive"),
    ]
    for service in ["acquire", "release", "enable", "stop", "acknowledge", "recover", "home"]:
        key = f"{PREFIX}/service/{service}/*"
        serving.append(session.declare_queryable(key, robot.answer(robot.serve(service))))
    print(f"serving pusht on {endpoint}", flush=True)
    sys.stdin.read()
    robot.note()
    del serving
    session.close()


if __name__ == "__main__":
    main()
