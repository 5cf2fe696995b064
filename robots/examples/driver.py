"""A driver on the native link (robots/PROTOCOL.md). Its arm is SIMULATED (simulated_arm.py): put your robot's own
interface in its place. Which commands the arm obeys is decided in access_rules.py. Needs eclipse-zenoh; ends with its standard input.

    apprentice robot describe robots/examples/planar_arm > planar_arm.toml
    python robots/examples/driver.py tcp/127.0.0.1:7620 planar_arm.toml

Nothing answers `reset` here: this arm cannot set up scenes, so a person is asked to. Chunks are left out, as they may.
"""

import json, struct, sys, threading, time, tomllib
from pathlib import Path
import zenoh
from access_rules import ACTIVE, HOMING, REASONS, SERVICES, AccessRules, Refused
from simulated_arm import Arm

HEADER = struct.Struct("<4sHH")


def number(key, prefix):
    """The client whose key this is: eight lower-case hexadecimal digits, not all 0; otherwise 0."""
    digits = str(key).removeprefix(prefix)
    return int(digits, 16) if len(digits) == 8 and set(digits) <= set("0123456789abcdef") else 0


class Driver:
    def __init__(self, session, robot):
        self.session, self.robot, self.arm, self.lock = session, robot, Arm(robot), threading.RLock()
        self.rules, self.prefix = AccessRules(robot, self.arm), f"apprentice/{robot['name']}/"
        self.numbers, self.said, self.told, self.cycles = {}, None, 0.0, 0
        self.frames_every = round(robot["control_hz"] / robot["policy_hz"])

    def send(self, key, kind, rest, priority=zenoh.Priority.DATA_HIGH):
        """Everything that is published begins with its own number and the time, nanoseconds."""
        self.numbers[key] = self.numbers.get(key, 0) + 1
        head = HEADER.pack(b"APRT", 3, kind) + struct.pack("<QQ", self.numbers[key], time.monotonic_ns())
        drop = zenoh.CongestionControl.DROP
        self.session.put(self.prefix + key, head + rest, express=True, priority=priority, congestion_control=drop)

    def tell(self):
        """Says how the arm stands: whenever that has changed, and once a second."""
        rules = self.rules
        stands = (rules.phase, rules.stop, rules.stops, rules.owner)
        if stands != self.said or time.monotonic() - self.told > 0.9:
            self.said, self.told = stands, time.monotonic()
            counts = (rules.accepted, len(REASONS), *rules.refused.values())
            self.send("status", 9, struct.pack(f"<BBQIQH{len(REASONS)}Q", *stands, *counts))

    def read(self, message, kind, layout, path):
        """Numbers of a client's message, its own number first, and the bytes after them."""
        payload = message.payload.to_bytes() if message.payload else b""
        size = HEADER.size + struct.calcsize(layout)
        fits = len(payload) >= size and HEADER.unpack_from(payload) == (b"APRT", 3, kind)
        self.rules.need(fits, "malformed", f"{len(payload)} bytes; kind {kind} of version 3 has {size} or more")
        client, *numbers = struct.unpack_from(layout, payload, HEADER.size)
        own = client and client == number(message.key_expr, f"{self.prefix}{path}/")
        self.rules.need(own, "malformed", "the key does not end in the client's number, eight lower-case digits")
        return client, numbers, payload[size:]

    def lease(self, sample):
        with self.lock:
            client = number(sample.key_expr, self.prefix + "lease/")
            if client:
                self.rules.lease(client, sample.kind == zenoh.SampleKind.PUT)
            else:
                self.rules.refused["malformed"] += 1
            self.tell()

    def service(self, name):
        def answer(query):
            with self.lock:
                try:
                    client, (known,), rest = self.read(query, 11, "<IQ", f"service/{name}")
                    self.rules.need(not rest, "malformed", "a request for a service has 20 bytes")
                    self.rules.serve(name, client, known)
                    query.reply(query.key_expr, HEADER.pack(b"APRT", 3, 12) + bytes([self.rules.phase]))
                except Refused as why:
                    query.reply_err(str(why))
                self.tell()

        return answer

    def command(self, sample):
        with self.lock:
            try:
                client, (sequence, _, n), rest = self.read(sample, 2, "<IQQH", "command")
                self.rules.need(len(rest) == 8 * n + 8, "malformed", f"{n} joints have {38 + 8 * n} bytes")
                self.rules.command(client, sequence, struct.unpack(f"<{n + 1}d", rest))
            except Refused:
                pass  # it is counted, and the status says so

    def go_home(self, dt):
        """One step of the way home, at half the joints' speed."""
        home, target = self.robot["home"], self.rules.target
        for i, joint in enumerate(self.robot["joints"]):
            step = 0.5 * joint["velocity"] * dt
            target[i] += max(-step, min(step, home[i] - target[i]))
        if all(abs(h - q) < 0.02 for h, q in zip(home, self.arm.q)):
            self.rules.arrived_home()

    def cycle(self, dt):
        with self.lock:
            self.rules.watch()
            if self.rules.phase == HOMING:
                self.go_home(dt)
            self.arm.step(self.rules.target if self.rules.phase in (ACTIVE, HOMING) else None, dt)
            self.rules.measured = time.monotonic()
            joints = (*self.arm.q, *self.arm.v, self.arm.width)
            state = struct.pack(f"<H{len(joints)}d", len(self.arm.q), *joints)
            self.send("state", 1, state, zenoh.Priority.REAL_TIME)
            for camera in self.robot["cameras"] if self.cycles % self.frames_every == 0 else []:
                size = (camera["width"], camera["height"])
                frame = struct.pack("<HH", *size) + self.arm.picture(*size)
                self.send(f"camera/{camera['name']}", 3, frame, zenoh.Priority.DATA)
            self.cycles += 1
            self.tell()


def main():
    endpoint, text = sys.argv[1], Path(sys.argv[2]).read_text()
    config = zenoh.Config()
    # A router passes on what operators' devices and runtimes say to each other; a peer does not.
    for key, value in [("mode", "router"), ("listen/endpoints", [endpoint]), ("scouting/multicast/enabled", False)]:
        config.insert_json5(key, json.dumps(value))
    session = zenoh.open(config)
    driver = Driver(session, tomllib.loads(text))

    def describe(query):
        query.reply(query.key_expr, text.encode(), attachment=b"real_time")

    serving = [session.declare_queryable(f"{driver.prefix}service/{name}/*", driver.service(name)) for name in SERVICES]
    serving += [
        session.declare_queryable(driver.prefix + "describe", describe),
        session.declare_subscriber(driver.prefix + "command/*", driver.command),
        session.liveliness().declare_subscriber(driver.prefix + "lease/*", driver.lease, history=True),
        session.liveliness().declare_token(driver.prefix + "alive"),
    ]
    ended = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
    print(f"serving {driver.robot['name']} (simulated) on {endpoint}", flush=True)
    period, due = 1.0 / driver.robot["control_hz"], time.monotonic()
    while not ended.wait(max(0.0, due - time.monotonic())):
        driver.cycle(period)
        due = max(due + period, time.monotonic() - period)
    del serving
    session.close()


if __name__ == "__main__":
    main()
