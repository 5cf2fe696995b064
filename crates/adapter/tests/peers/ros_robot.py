"""A simulated ROS 2 robot, made of eclipse-zenoh and rosbags alone: nothing of it is ours.

Argument: JSON with `endpoint` (a zenoh router), `form` (rmw_zenoh or ros2dds), `names` and `positions` of
joints, `command` ([topic, type]), `action` (a gripper action, or null). Says `ready` when it serves; ends when
its input does, having printed what it was sent and saw, as JSON.
"""

import io
import json
import struct
import sys
import threading
import time

import numpy as np
import xxhash
import zenoh
from PIL import Image

from interfaces import GRIPPER, hashes, typestore

STORE = typestore()
HASHES = hashes()
SETTINGS = json.loads(sys.argv[1])
RMW = SETTINGS["form"] == "rmw_zenoh"
GID = bytes(range(16))


def make(name, *values):
    return STORE.types[name](*values)


def stamp():
    seconds, nanoseconds = divmod(time.time_ns(), 10**9)
    return make("builtin_interfaces/msg/Time", seconds, nanoseconds)


def header():
    return make("std_msgs/msg/Header", stamp(), "optical")


def key(topic, kind):
    topic = topic.strip("/")
    if not RMW:
        return topic
    package, group, name = kind.split("/")
    return f"0/{topic}/{package}::{group}::dds_::{name}_/{HASHES[kind]}"


class Publisher:
    def __init__(self, session, topic, kind):
        self.kind, self.sequence = kind, 0
        self.publisher = session.declare_publisher(key(topic, kind))

    def put(self, message):
        self.sequence += 1
        beside = struct.pack("<qqB16s", self.sequence, time.time_ns(), 16, GID) if RMW else None
        self.publisher.put(bytes(STORE.serialize_cdr(message, self.kind)), attachment=beside)


def numbers(kind, message):
    """What a command says, as plain numbers."""
    if kind.endswith("Float64MultiArray"):
        return list(message.data)
    if kind.endswith("JointTrajectory"):
        times = [p.time_from_start.sec + p.time_from_start.nanosec * 1e-9 for p in message.points]
        return [message.joint_names, times, [list(p.positions) for p in message.points]]
    if kind.endswith("JointJog"):
        return [message.joint_names, list(message.velocities)]
    t = message.twist
    both = [t.linear.x, t.linear.y, t.linear.z, t.angular.x, t.angular.y, t.angular.z]
    return [message.header.frame_id, both]


def read_attachment(attachment):
    if attachment is None:
        return None
    data = attachment.to_bytes()
    sequence, _, length, gid = struct.unpack("<qqB16s", data)
    return {"bytes": len(data), "sequence": sequence, "length": length, "gid": gid.hex()}


def main():
    config = zenoh.Config()
    config.insert_json5("mode", '"client"')
    config.insert_json5("scouting/multicast/enabled", "false")
    config.insert_json5("connect/endpoints", json.dumps([SETTINGS["endpoint"]]))
    session = zenoh.open(config)
    seen = {"commands": [], "goals": [], "cancelled": 0, "tokens": [], "problems": []}

    def guarded(do):
        def run(argument):
            try:
                do(argument)
            except Exception as problem:
                seen["problems"].append(repr(problem))

        return run

    topic, kind = SETTINGS["command"]

    def command(sample):
        message = STORE.deserialize_cdr(sample.payload.to_bytes(), kind)
        again = bytes(STORE.serialize_cdr(message, kind)) == sample.payload.to_bytes()
        seen["commands"].append(
            {
                "key": str(sample.key_expr),
                "numbers": numbers(kind, message),
                "same_bytes": again,
                "attachment": read_attachment(sample.attachment),
            }
        )

    def token(sample):
        if sample.kind == zenoh.SampleKind.PUT:
            seen["tokens"].append(str(sample.key_expr))

    keep = [
        session.declare_subscriber(key(topic, kind), guarded(command)),
        session.liveliness().declare_subscriber(
            "@ros2_lv/**" if RMW else "@/*/@ros2_lv/**", guarded(token), history=True
        ),
    ]
    if SETTINGS["action"]:

        def serve(part, service, request, answer):
            def run(query):
                asked = STORE.deserialize_cdr(query.payload.to_bytes(), request)
                seen.setdefault("asked", []).append(
                    {"part": part, "attachment": read_attachment(query.attachment)}
                )
                response, reply_kind = answer(asked)
                data = bytes(STORE.serialize_cdr(response, reply_kind))
                beside = query.attachment.to_bytes() if query.attachment else None
                query.reply(str(query.key_expr), data, attachment=beside)

            name = f"{SETTINGS['action']}/_action/{part}"
            keep.append(session.declare_queryable(key(name, service), guarded(run), complete=True))

        def goal(asked):
            seen["goals"].append([asked.command.position, asked.command.max_effort])
            return make("peer/msg/SendGoalResponse", True, stamp()), "peer/msg/SendGoalResponse"

        def result(asked):
            kind = "peer/msg/GetResultResponse"
            return make(kind, 4, seen["goals"][-1][0], 0.0, False, True), kind

        def cancel(asked):
            seen["cancelled"] += 1
            kind = "peer/msg/CancelResponse"
            return make(kind, 0, [asked.goal_info]), kind

        serve("send_goal", f"{GRIPPER}_SendGoal", "peer/msg/SendGoalRequest", goal)
        serve("get_result", f"{GRIPPER}_GetResult", "peer/msg/GetResultRequest", result)
        serve("cancel_goal", "action_msgs/srv/CancelGoal", "peer/msg/CancelRequest", cancel)

    states = Publisher(session, "/joint_states", "sensor_msgs/msg/JointState")
    raw = Publisher(session, "/front/image_raw", "sensor_msgs/msg/Image")
    packed = Publisher(session, "/wrist/image_raw/compressed", "sensor_msgs/msg/CompressedImage")
    pixels = np.tile(np.array([200, 100, 50], dtype=np.uint8), 12 * 16)
    file = io.BytesIO()
    Image.new("RGB", (16, 12), (40, 80, 160)).save(file, "JPEG", quality=95)
    jpeg = np.frombuffer(file.getvalue(), dtype=np.uint8)
    end = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), end.set()), daemon=True).start()
    positions = np.array(SETTINGS["positions"])
    nothing = np.array([], dtype=np.float64)
    published = 0
    while not end.wait(0.01):
        states.put(
            make(
                "sensor_msgs/msg/JointState",
                header(),
                SETTINGS["names"],
                positions,
                positions * 0 + 0.25,
                nothing,
            )
        )
        raw.put(make("sensor_msgs/msg/Image", header(), 12, 16, "rgb8", 0, 48, pixels))
        packed.put(make("sensor_msgs/msg/CompressedImage", header(), "jpeg", jpeg))
        published += 1
        if published == 1:
            print("ready", flush=True)
    seen["published"] = published
    seen["gids"] = {t: xxhash.xxh3_128(t.encode()).intdigest().to_bytes(16, "little").hex() for t in seen["tokens"]}
    seen["key"] = key(topic, kind)
    print(json.dumps(seen), flush=True)
    session.close()


if __name__ == "__main__":
    main()
