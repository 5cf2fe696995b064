"""The scene: gymnasium-robotics' Fetch with its block, and two mats to carry it to. Grasps hold by friction
alone; the mats are drawn, not felt. Whether it went well, and which way, is decided here.
"""

import gymnasium
import gymnasium_robotics
import mujoco
import numpy as np

SIDES = ["left", "right"]
MATS = {"left": np.array([1.32, 0.91]), "right": np.array([1.32, 0.59])}
COLOURS = {"left": (0.1, 0.3, 0.9, 1), "right": (0.9, 0.6, 0.1, 1)}
MAT_HALF, TABLE, BLOCK_HALF = 0.07, 0.4, 0.025
# Openings, metres: less than the widest, where a rounded number would be too much; less than the block, to press it.
OPEN, SQUEEZED = 0.09, 0.036


class Scene:
    def __init__(self, robot):
        gymnasium.register_envs(gymnasium_robotics)
        self.env = gymnasium.make("FetchPickAndPlace-v4", max_episode_steps=10**9)
        self.env.reset(seed=0)
        plain = self.env.unwrapped
        self.model, self.data = plain.model, plain.data
        self.home, self.camera = np.array(robot["home"]), robot["cameras"][0]
        self.grip, self.link = self.data.site("robot0:grip"), self.data.body("robot0:gripper_link")
        self.above, self.down = self.link.xpos - self.grip.xpos, self.link.xquat.copy()
        self.start, self.block = self.data.qpos.copy(), self.data.joint("object0:joint")
        self.fingers = [self.data.joint(f"robot0:{side}_gripper_finger_joint") for side in "lr"]
        crosshairs = self.model.geom_bodyid == self.model.body("robot0:mocap").id
        self.model.geom_rgba[crosshairs, 3] = 0
        self.renderer = None
        self.reset(0)

    def reset(self, seed):
        """The block somewhere in front of the arm, the arm at home, the fingers open."""
        random = np.random.default_rng(seed)
        mujoco.mj_resetData(self.model, self.data)
        self.data.qpos[:] = self.start
        place = np.array([1.3, 0.75]) + random.uniform(-0.04, 0.04, 2)
        self.block.qpos[:] = [*place, TABLE + BLOCK_HALF, 1, 0, 0, 0]
        self.move(self.home, OPEN)
        self.drops, self.held = 0, False
        self.step(1.5)

    def move(self, tool, opening):
        """Where the tool is to be from now on: its link hangs above the point between the fingers."""
        self.data.mocap_pos[0] = np.asarray(tool) + self.above
        self.data.mocap_quat[0] = self.down
        self.data.ctrl[:] = opening / 2

    def step(self, seconds):
        mujoco.mj_step(self.model, self.data, nstep=round(seconds / self.model.opt.timestep))
        beside = np.linalg.norm(self.block.qpos[:3] - self.grip.xpos)
        if self.block.qpos[2] > TABLE + 3 * BLOCK_HALF and beside < 0.05:
            self.held = True
        elif beside > 0.07 and self.held:
            self.held = False
            self.drops += self.mat() is None

    def state(self):
        """Tool's position (m) and velocity (m/s), opening (m)."""
        velocity = np.zeros(6)
        mujoco.mj_objectVelocity(
            self.model, self.data, mujoco.mjtObj.mjOBJ_SITE, self.grip.id, velocity, 0
        )
        opening = sum(float(finger.qpos[0]) for finger in self.fingers)
        return self.grip.xpos.copy(), velocity[3:], min(max(opening, 0.0), 0.1)

    def mat(self):
        """The mat above which the block is."""
        for side, middle in MATS.items():
            if np.all(np.abs(self.block.qpos[:2] - middle) < MAT_HALF):
                return side
        return None

    def verdict(self):
        """Whether the block lies on a mat, let go of; and on which."""
        lies = self.block.qpos[2] < TABLE + 1.4 * BLOCK_HALF and self.state()[2] > 0.06
        side = self.mat() if lies else None
        return {"success": side is not None, "side": side or "none", "drops": self.drops}

    def picture(self):
        """What the camera sees, height x width x 3 bytes; the thread that asks first is the one that may ask."""
        height, width = self.camera["height"], self.camera["width"]
        if self.renderer is None:
            self.renderer = mujoco.Renderer(self.model, height, width)
            self.model.vis.global_.fovy = self.camera["vertical_fov_deg"]
        eye, target = np.array(self.camera["position"]), np.array(self.camera["target"])
        away = target - eye
        view = mujoco.MjvCamera()
        view.lookat, view.distance = target, np.linalg.norm(away)
        view.azimuth = np.degrees(np.arctan2(away[1], away[0]))
        view.elevation = np.degrees(np.arcsin(away[2] / view.distance))
        self.renderer.update_scene(self.data, view)
        scene = self.renderer.scene
        scene.flags[mujoco.mjtRndFlag.mjRND_SHADOW] = scene.flags[mujoco.mjtRndFlag.mjRND_SKYBOX] = 0
        for side, (x, y) in MATS.items():
            mat = scene.geoms[scene.ngeom]
            size, place = [MAT_HALF, MAT_HALF, 0.001], [x, y, TABLE + 0.001]
            mujoco.mjv_initGeom(mat, mujoco.mjtGeom.mjGEOM_BOX, size, place, np.eye(3).ravel(), COLOURS[side])
            scene.ngeom += 1
        return np.ascontiguousarray(self.renderer.render())


class Teleoperator:
    """Scripted: sees the scene, and carries the block to the side it is told to, in steps a person would take."""

    def __init__(self, scene, side, seed):
        self.scene, self.side, self.stage, self.waited = scene, side, 0, 0
        self.wobble = np.random.default_rng(seed).normal(0, 0.004, 2)

    def action(self, reach=0.035):
        """Where the tool shall be a tenth of a second from now, and the opening."""
        block, (tool, _, width) = self.scene.block.qpos[:3], self.scene.state()
        mat, low = [*(MATS[self.side] + self.wobble), 0.0], TABLE + BLOCK_HALF + 0.002
        stages = [
            ([block[0], block[1], 0.50], OPEN, 0),
            ([block[0], block[1], low], OPEN, 0),
            ([*tool[:2], low], SQUEEZED, 5),
            ([tool[0], tool[1], 0.50], SQUEEZED, 0),
            ([mat[0], mat[1], 0.50], SQUEEZED, 0),
            ([mat[0], mat[1], low + 0.01], SQUEEZED, 0),
            ([*tool[:2], low + 0.01], OPEN, 5),
            ([tool[0], tool[1], 0.52], OPEN, 10**9),
        ]
        place, opening, wait = stages[self.stage]
        away = np.array(place) - tool
        if wait == 0 and np.linalg.norm(away) < 0.012:
            self.stage += 1
        elif wait:
            self.waited += 1
            if self.waited >= wait:
                self.stage, self.waited = self.stage + 1, 0
        length = max(np.linalg.norm(away), 1e-9)
        fingers = width + min(max(opening - width, -0.018), 0.018)
        return [*(tool + away * min(1.0, reach / length)), fingers]
