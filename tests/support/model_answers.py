"""What a language model answers about a locked room."""

from __future__ import annotations

import json
from typing import Any


def item(name: Any, x: Any, y: Any) -> dict[str, Any]:
    return {"object": name, "x": x, "y": y}


KEY_ITEM, DOOR_ITEM = item("yellow key", 1, 2), item("locked yellow door", 3, 2)
BALL_ITEM = item("blue ball", 5, 2)
GOOD = [KEY_ITEM, DOOR_ITEM, BALL_ITEM]


def answer(*items: Any) -> str:
    return json.dumps({"subgoals": list(items)})
