"""Makes the physics model that franka-sim wants from the arm it brings itself: its URDF without meshes.

Usage: python mjcf.py FILE
"""

import importlib.resources
import sys
import xml.etree.ElementTree as ET

import mujoco

# Inertia of each joint's motor and gear, kg m^2. Ours: without one, torques of a step set off the
# simulator's own reflex for joint velocity.
ARMATURE = "0.1"


def main(out: str) -> None:
    source = importlib.resources.files("franka_sim") / "models" / "fr3.urdf"
    robot = ET.fromstring(source.read_text())
    # Meshes are not part of the package; what the arm weighs and where it turns are.
    for link in robot.findall("link"):
        for shape in ("visual", "collision"):
            for element in link.findall(shape):
                link.remove(element)
    # Links without mass must stay bodies of their own: the simulator looks some of them up.
    settings = ET.SubElement(robot, "mujoco")
    ET.SubElement(settings, "compiler", fusestatic="false")
    model = mujoco.MjModel.from_xml_string(ET.tostring(robot, encoding="unicode"))
    mujoco.mj_saveLastXML(out, model)
    tree = ET.parse(out)
    joints = [j for j in tree.getroot().iter("joint") if j.get("name", "").startswith("joint")]
    if len(joints) != 7:
        sys.exit(f"the arm of {source} has {len(joints)} joints, wanted: 7")
    for joint in joints:
        joint.set("armature", ARMATURE)
    tree.write(out)
    mujoco.MjModel.from_xml_path(out)
    print(f"wrote {out}")


if __name__ == "__main__":
    main(sys.argv[1])
