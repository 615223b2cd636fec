"""What teachers that choose the start share: which choice is what."""

from __future__ import annotations

from teachrl.errors import UsageError
from teachrl.teachers.base import Snapshots, TeacherContext

TRUE_START = 0  # choice i + 1 is snapshot i


def snapshots_of(context: TeacherContext, who: str) -> Snapshots:
    """The snapshots among which the task space's only parameter chooses. Raises `UsageError` when it chooses otherwise.

    In a `product` that is the part ``start``.
    """
    snapshots, space = context.snapshots, context.space
    if snapshots is None:
        raise UsageError(
            f"teacher {who!r} chooses where episodes start, and there are no snapshots: make a bank with `teachrl "
            "snapshots RUN -o BANK.npz` and set starts.bank"
        )
    if space.size != 1 or space.high[0] - space.low[0] != len(snapshots):
        raise UsageError(
            f"teacher {who!r} chooses the start alone, and is asked for {', '.join(space.names)}: as starts.task is "
            "'chosen', make it a part of a product, with the parameters [start], and give [task] to another teacher"
        )
    return snapshots
