"""A control device for robots/examples/planar_arm that answers from a script: each answer leads the joints a little
further from home, and after a pause begins anew.

    python teleop.py tcp/127.0.0.1:7620
"""

import json
import struct
import sys
import time

import zenoh

HOME = (0.6, -1.2)
STEP, FURTHEST, PAUSE_S = 0.02, 0.3, 0.5


class Script:
    def __init__(self):
        self.away, self.asked = 0.0, 0.0

    def answer(self, query):
        now = time.monotonic()
        if now - self.asked > PAUSE_S:
            self.away = 0.0
        self.asked, self.away = now, min(FURTHEST, self.away + STEP)
        action = (HOME[0] + self.away, HOME[1] + self.away, 0.03)
        header = struct.pack("<4sHHH", b"APRT", 3, 7, len(action))
        query.reply(query.key_expr, header + struct.pack(f"<{len(action)}d", *action))


def main():
    config = zenoh.Config()
    for key, value in [("mode", "client"), ("connect/endpoints", [sys.argv[1]]), ("scouting/multicast/enabled", False)]:
        config.insert_json5(key, json.dumps(value))
    session = zenoh.open(config)
    script = Script()
    answering = session.declare_queryable("apprentice/planar_arm/teleop", script.answer)
    print("answering", flush=True)
    sys.stdin.read()
    del answering
    session.close()


if __name__ == "__main__":
    main()
