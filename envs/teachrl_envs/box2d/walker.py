"""The two-legged walker: its bodies, motors and senses in a Box2D world.

This is the body of Gymnasium's BipedalWalker, which both papers call the bipedal walker (``old_classic_bipedal`` in the
code of 2021). Parts are created in the same order as there, since the order decides how Box2D rounds.
"""

from __future__ import annotations

from typing import Any

from Box2D import b2

from teachrl_envs.box2d.terrain import GROUND_Y, SCALE, TERRAIN_STEP

FPS = 50
START_X = 10 * TERRAIN_STEP
HULL_OUTLINE = [(x / SCALE, y / SCALE) for x, y in ((-30, 9), (6, 9), (34, 1), (34, -8), (-30, -8))]
HIP_Y = -8 / SCALE
LEG_WIDTH, LEG_LENGTH = 8 / SCALE, 34 / SCALE
MOTOR_TORQUE = 80
HIP_SPEED, KNEE_SPEED = 4, 6
HIP_LIMITS, KNEE_LIMITS = (-0.8, 1.1), (-1.6, -0.1)
LEG_TILT = 0.05  # radians that the two legs are set apart; the joints pull them into place in the first step
MOTOR_SPEEDS = (HIP_SPEED, KNEE_SPEED, HIP_SPEED, KNEE_SPEED)
SPEED_X, SPEED_Y = 0.3 * (600 / SCALE) / FPS, 0.3 * (400 / SCALE) / FPS  # make velocities about 1 at a fast walk

LEFT_FOOT, RIGHT_FOOT, HULL = 0, 1, 2  # user data of the fixtures whose contacts matter


def _fixture(shape: Any, part: int | None, **physics: float) -> Any:
    """A fixture that collides with the terrain and not with other parts of the walker."""
    return b2.fixtureDef(shape=shape, restitution=0.0, categoryBits=0x0020, maskBits=0x0001, userData=part, **physics)


def _limb_fixture(width: float, part: int | None) -> Any:
    return _fixture(b2.polygonShape(box=(width / 2, LEG_LENGTH / 2)), part, density=1.0)


# Made once, since pybox2d never frees the shape of a fixture definition.
HULL_FIXTURE = _fixture(b2.polygonShape(vertices=HULL_OUTLINE), HULL, density=5.0, friction=0.1)
UPPER_LEG_FIXTURE = _limb_fixture(LEG_WIDTH, None)
LOWER_LEG_FIXTURES = [_limb_fixture(0.8 * LEG_WIDTH, foot) for foot in (LEFT_FOOT, RIGHT_FOOT)]


class ContactFlags(b2.contactListener):  # type: ignore[misc] # pybox2d has no types
    """What the walker touches: ``feet`` (left and right lower leg on something), ``fallen`` (the hull touched).

    As in BipedalWalker a foot's flag follows its last contact event: a foot that leaves one of two pieces of terrain
    under it counts as lifted until it touches something anew.
    """

    def __init__(self) -> None:
        super().__init__()
        self.feet = [False, False]
        self.fallen = False

    def BeginContact(self, contact: Any) -> None:  # noqa: N802
        """Called by Box2D inside ``Step``."""
        part = _part(contact)
        if part == HULL:
            self.fallen = True
        elif part is not None:
            self.feet[part] = True

    def EndContact(self, contact: Any) -> None:  # noqa: N802
        """Called by Box2D inside ``Step``."""
        part = _part(contact)
        if part is not None and part != HULL:
            self.feet[part] = False

    # Without these two, every contact in every step goes through SWIG to the base class and back: 6 µs a step.
    def PreSolve(self, contact: Any, old_manifold: Any) -> None:  # noqa: N802
        """Nothing to do."""

    def PostSolve(self, contact: Any, impulse: Any) -> None:  # noqa: N802
        """Nothing to do."""


def _part(contact: Any) -> int | None:
    """The walker's part in a contact: user data of its fixture. The other fixture is terrain, which has none."""
    part: int | None = contact.fixtureB.userData
    return contact.fixtureA.userData if part is None else part


class Walker:
    """A walker standing on the start pad of ``world``.

    Args:
        world: a `b2World` that holds the terrain already. The walker becomes its contact listener.
        push: horizontal force on the hull in the first step, which makes starts differ.
    """

    def __init__(self, world: Any, push: float) -> None:
        self.contacts = ContactFlags()
        world.contactListener = self.contacts
        start_y = GROUND_Y + 2 * LEG_LENGTH
        self.hull = world.CreateDynamicBody(position=(START_X, start_y), fixtures=HULL_FIXTURE)
        self.hull.ApplyForceToCenter((push, 0), True)
        self.legs: list[Any] = []
        self.joints: list[Any] = []
        for side, lower_leg in zip((-1, 1), LOWER_LEG_FIXTURES, strict=True):
            upper = self._add_limb(world, side, start_y - HIP_Y - LEG_LENGTH / 2, UPPER_LEG_FIXTURE)
            self._join(world, self.hull, upper, HIP_Y, HIP_LIMITS)
            lower = self._add_limb(world, side, start_y - HIP_Y - LEG_LENGTH * 3 / 2, lower_leg)
            self._join(world, upper, lower, -LEG_LENGTH / 2, KNEE_LIMITS)

    def _add_limb(self, world: Any, side: int, y: float, fixture: Any) -> Any:
        limb = world.CreateDynamicBody(position=(START_X, y), angle=side * LEG_TILT, fixtures=fixture)
        self.legs.append(limb)
        return limb

    def _join(self, world: Any, above: Any, below: Any, anchor_y: float, limits: tuple[float, float]) -> None:
        joint = b2.revoluteJointDef(
            bodyA=above,
            bodyB=below,
            localAnchorA=(0, anchor_y),
            localAnchorB=(0, LEG_LENGTH / 2),
            enableMotor=True,
            enableLimit=True,
            lowerAngle=limits[0],
            upperAngle=limits[1],
        )
        self.joints.append(world.CreateJoint(joint))

    def drive(self, action: list[float]) -> float:
        """Set the four motors (hip, knee, hip, knee): the sign is the direction, the size the share of the torque.

        Returns the sum of the shares, in [0, 4]: numbers beyond [-1, 1] count as -1 or 1. Raises `ValueError` when
        there are not four numbers or one is NaN, which Box2D would take and spread over all positions.
        """
        effort = 0.0
        for joint, speed, command in zip(self.joints, MOTOR_SPEEDS, action, strict=False):
            share = abs(command)
            if share > 1.0:  # this and the next line are a microsecond faster than min() and math.copysign()
                share = 1.0
            joint.motorSpeed = speed if command > 0.0 else -speed
            joint.maxMotorTorque = MOTOR_TORQUE * share
            effort += share
        if len(action) != len(MOTOR_SPEEDS) or effort != effort:
            raise ValueError(f"an action is four numbers in [-1, 1], for hip, knee, hip and knee; got {action}")
        return effort

    def sense(self) -> list[float]:
        """Fourteen numbers: hull angle and velocities, then per leg angle and speed of hip and knee, and contact."""
        hull, (hip1, knee1, hip2, knee2), feet = self.hull, self.joints, self.contacts.feet
        velocity = hull.linearVelocity
        return [
            hull.angle,
            2.0 * hull.angularVelocity / FPS,
            SPEED_X * velocity.x,
            SPEED_Y * velocity.y,
            hip1.angle,
            hip1.speed / HIP_SPEED,
            knee1.angle + 1.0,
            knee1.speed / KNEE_SPEED,
            feet[LEFT_FOOT],
            hip2.angle,
            hip2.speed / HIP_SPEED,
            knee2.angle + 1.0,
            knee2.speed / KNEE_SPEED,
            feet[RIGHT_FOOT],
        ]
