"""Checks our CDR against rosbags, byte for byte, in both directions.

Arguments: a folder. `ours/<name>.bin` there holds our messages, each behind its length (u32, little-endian);
rosbags reads them and writes them again. Its own random messages go to `theirs/<name>.bin`.
Prints one line of JSON: by name how many messages and bytes were compared, and those that differ.
"""

import json
import random
import struct
import sys
from pathlib import Path

import numpy as np

from interfaces import hashes, typestore

STORE = typestore()
TYPES = {
    "JointState": "sensor_msgs/msg/JointState",
    "Float64": "std_msgs/msg/Float64",
    "Float64MultiArray": "std_msgs/msg/Float64MultiArray",
    "JointTrajectory": "trajectory_msgs/msg/JointTrajectory",
    "TwistStamped": "geometry_msgs/msg/TwistStamped",
    "JointJog": "control_msgs/msg/JointJog",
    "Image": "sensor_msgs/msg/Image",
    "CompressedImage": "sensor_msgs/msg/CompressedImage",
    "SendGoalRequest": "peer/msg/SendGoalRequest",
    "SendGoalResponse": "peer/msg/SendGoalResponse",
    "GetResultRequest": "peer/msg/GetResultRequest",
    "GetResultResponse": "peer/msg/GetResultResponse",
    "Feedback": "peer/msg/Feedback",
    "CancelRequest": "peer/msg/CancelRequest",
    "CancelResponse": "peer/msg/CancelResponse",
    "TriggerResponse": "peer/msg/TriggerResponse",
}
DRAW = random.Random(5)


def number(kind):
    if kind == "float64":
        return DRAW.choice([0.0, -1.5, 1e308, DRAW.uniform(-4, 4), float("inf")])
    if kind == "bool":
        return DRAW.random() < 0.5
    bits = int(kind.lstrip("uint"))
    if kind.startswith("u"):
        return DRAW.randrange(2**bits)
    return DRAW.randrange(-(2 ** (bits - 1)), 2 ** (bits - 1))


def text():
    return DRAW.choice(["", "a", "base_link", "über", "joint_%d" % DRAW.randrange(99)])


def value(kind, argument):
    if kind == 1:
        name = argument[0]
        return text() if name == "string" else number(name)
    if kind == 2:
        return message(argument)
    (inner, name), length = argument
    if kind == 4:
        length = DRAW.randrange(5)
    items = [value(inner, name) for _ in range(length)]
    plain = inner == 1 and name[0] != "string"
    return np.array(items, dtype=name[0]) if plain else items


def message(name):
    return STORE.types[name](*[value(int(k), a) for _, (k, a) in STORE.fielddefs[name][1]])


def records(path):
    data = path.read_bytes()
    while data:
        (length,) = struct.unpack_from("<I", data)
        yield data[4 : 4 + length]
        data = data[4 + length :]


def main():
    folder = Path(sys.argv[1])
    (folder / "theirs").mkdir()
    report = {}
    for name, kind in TYPES.items():
        count = size = differ = 0
        for ours in records(folder / "ours" / f"{name}.bin"):
            read = STORE.deserialize_cdr(ours, kind)
            differ += bytes(STORE.serialize_cdr(read, kind)) != ours
            count, size = count + 1, size + len(ours)
        report[name] = {"count": count, "bytes": size, "differ": differ}
        with open(folder / "theirs" / f"{name}.bin", "wb") as out:
            for _ in range(200):
                data = bytes(STORE.serialize_cdr(message(kind), kind))
                out.write(struct.pack("<I", len(data)) + data)
    # What the bytes say, for one message whose numbers both sides know.
    first = STORE.deserialize_cdr(next(records(folder / "ours" / "JointState.bin")), TYPES["JointState"])
    said = [first.header.stamp.sec, first.header.stamp.nanosec, first.header.frame_id]
    said += [first.name, list(first.position), list(first.velocity), list(first.effort)]
    print(json.dumps({"report": report, "hashes": hashes(), "first": said}))


if __name__ == "__main__":
    main()
