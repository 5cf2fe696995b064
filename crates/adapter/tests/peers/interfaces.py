"""ROS 2 interfaces that rosbags does not come with, and the hashes of services and actions."""

from rosbags.typesys import Stores, get_types_from_msg, get_typestore
from rosbags.interfaces import Nodetype

GRIPPER = "control_msgs/action/GripperCommand"


def _plain(name):
    return (Nodetype.BASE, (name, 0))


def _message(name):
    return (Nodetype.NAME, name)


def _list(of, most=0):
    return (Nodetype.SEQUENCE, (of, most))


def _service(store, name, request, response):
    """A service is described by its request, its response and an event that may hold one of each."""
    store.fielddefs[f"{name}_Request"] = ([], request)
    store.fielddefs[f"{name}_Response"] = ([], response)
    store.fielddefs[f"{name}_Event"] = (
        [],
        [
            ("info", _message("service_msgs/msg/ServiceEventInfo")),
            ("request", _list(_message(f"{name}_Request"), 1)),
            ("response", _list(_message(f"{name}_Response"), 1)),
        ],
    )
    store.fielddefs[name] = (
        [],
        [
            ("request_message", _message(f"{name}_Request")),
            ("response_message", _message(f"{name}_Response")),
            ("event_message", _message(f"{name}_Event")),
        ],
    )


def typestore():
    """Jazzy's types, JointJog, and GripperCommand's parts as messages of their own."""
    store = get_typestore(Stores.ROS2_JAZZY)
    uuid = "unique_identifier_msgs/msg/UUID goal_id\n"
    result = "float64 position\nfloat64 effort\nbool stalled\nbool reached_goal\n"
    messages = {
        "control_msgs/msg/JointJog": "std_msgs/Header header\nstring[] joint_names\n"
        "float64[] displacements\nfloat64[] velocities\nfloat64 duration\n",
        "control_msgs/msg/GripperCommand": "float64 position\nfloat64 max_effort\n",
        # The wire knows no names: these stand for the parts of services and actions.
        "peer/msg/SendGoalRequest": uuid + "control_msgs/msg/GripperCommand command\n",
        "peer/msg/SendGoalResponse": "bool accepted\nbuiltin_interfaces/msg/Time stamp\n",
        "peer/msg/GetResultRequest": uuid,
        "peer/msg/GetResultResponse": "int8 status\n" + result,
        "peer/msg/Feedback": uuid + result,
        "peer/msg/CancelRequest": "action_msgs/msg/GoalInfo goal_info\n",
        "peer/msg/CancelResponse": "int8 return_code\naction_msgs/msg/GoalInfo[] goals_canceling\n",
        "peer/msg/TriggerResponse": "bool success\nstring message\n",
    }
    for name, text in messages.items():
        store.register(get_types_from_msg(text, name))
    return store


def hashes():
    """RIHS01 of everything the adapter names, by ROS type name."""
    store = typestore()
    uuid = ("goal_id", _message("unique_identifier_msgs/msg/UUID"))
    result = [
        ("position", _plain("float64")),
        ("effort", _plain("float64")),
        ("stalled", _plain("bool")),
        ("reached_goal", _plain("bool")),
    ]
    fields = store.fielddefs
    # ROS hashes `char` as uint8, rosbags as char; the published hash of AddTwoInts shows which counts.
    info, bytes16 = "service_msgs/msg/ServiceEventInfo", ((Nodetype.BASE, ("uint8", 0)), 16)
    fields[info] = (
        [],
        [(n, (Nodetype.ARRAY, bytes16) if n == "client_gid" else d) for n, d in fields[info][1]],
    )
    fields[f"{GRIPPER}_Goal"] = ([], [("command", _message("control_msgs/msg/GripperCommand"))])
    fields[f"{GRIPPER}_Result"] = ([], result)
    fields[f"{GRIPPER}_Feedback"] = ([], result)
    fields[f"{GRIPPER}_FeedbackMessage"] = (
        [],
        [uuid, ("feedback", _message(f"{GRIPPER}_Feedback"))],
    )
    stamp = ("stamp", _message("builtin_interfaces/msg/Time"))
    _service(
        store,
        f"{GRIPPER}_SendGoal",
        [uuid, ("goal", _message(f"{GRIPPER}_Goal"))],
        [("accepted", _plain("bool")), stamp],
    )
    _service(
        store,
        f"{GRIPPER}_GetResult",
        [uuid],
        [("status", _plain("int8")), ("result", _message(f"{GRIPPER}_Result"))],
    )
    goal = _message("action_msgs/msg/GoalInfo")
    _service(
        store,
        "action_msgs/srv/CancelGoal",
        [("goal_info", goal)],
        [("return_code", _plain("int8")), ("goals_canceling", _list(goal))],
    )
    text = ("message", _plain("string"))
    _service(store, "std_srvs/srv/Trigger", [], [("success", _plain("bool")), text])
    # Published in the design document of rmw_zenoh: shows that services are hashed as ROS does it.
    number = _plain("int64")
    _service(
        store,
        "example_interfaces/srv/AddTwoInts",
        [("a", number), ("b", number)],
        [("sum", number)],
    )
    names = [
        "sensor_msgs/msg/JointState",
        "sensor_msgs/msg/Image",
        "sensor_msgs/msg/CompressedImage",
        "std_msgs/msg/Float64",
        "std_msgs/msg/Float64MultiArray",
        "trajectory_msgs/msg/JointTrajectory",
        "geometry_msgs/msg/TwistStamped",
        "control_msgs/msg/JointJog",
        "action_msgs/srv/CancelGoal",
        "std_srvs/srv/Trigger",
        "example_interfaces/srv/AddTwoInts",
        f"{GRIPPER}_SendGoal",
        f"{GRIPPER}_GetResult",
        f"{GRIPPER}_FeedbackMessage",
    ]
    return {name: store.hash_rihs01(name) for name in names}


if __name__ == "__main__":
    for name, value in hashes().items():
        print(name, value)
