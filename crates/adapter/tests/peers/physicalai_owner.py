"""A simulated robot of three joints and a gripper, owned and shared by physicalai's own code.

Arguments: the robot's name and a folder for what happened. Says `ready` once it can be reached; ends when
its input does, having written the actions it took.
"""

import json
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from physicalai.robot.transport import RobotOwnerConfig, run_owner

taken = []


@dataclass
class Observation:
    joint_positions: np.ndarray
    timestamp: float
    sensor_data: dict | None = None
    images: dict | None = None

    @property
    def state(self):
        return self.joint_positions


class Simulated:
    """Stands where the newest action says; degrees, the gripper in percent."""

    def __init__(self, *, with_velocities=True):
        self.with_velocities = with_velocities
        self.joints = np.array([10.0, -20.0, 30.0, 50.0], dtype=np.float32)
        self.connected = False

    @property
    def joint_names(self):
        return ["pan", "lift", "elbow", "gripper"]

    @property
    def device_ids(self):
        return ("simulated:0",)

    def connect(self):
        self.connected = True

    def disconnect(self):
        self.connected = False

    def is_connected(self):
        return self.connected

    def get_observation(self):
        speeds = {"velocities": np.array([1, 2, 3, 0], dtype=np.float32)}
        return Observation(
            self.joints.copy(), time.monotonic(), speeds if self.with_velocities else None
        )

    def send_action(self, action, *, goal_time=0.1):
        if action.shape != (4,):
            raise ValueError(f"shape {action.shape}")
        self.joints = action.astype(np.float32)
        taken.append({"action": [float(v) for v in action], "goal_time": goal_time})


def main():
    name, folder = sys.argv[1:]
    end = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), end.set()), daemon=True).start()
    config = RobotOwnerConfig(
        name=name,
        robot={"class_path": f"{Path(__file__).stem}.Simulated", "init_args": {}},
        rate_hz=100.0,
        idle_timeout=None,
    )
    result = run_owner(config, end, ready=lambda: print("ready", flush=True))
    # The class is imported anew by its path, with a list of its own.
    actions = sys.modules[Path(__file__).stem].taken
    note = {"actions": actions, "reason": result.reason.value}
    Path(folder, "owner.json").write_text(json.dumps(note))


if __name__ == "__main__":
    main()
