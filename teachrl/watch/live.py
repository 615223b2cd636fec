"""What of a page changes as a run goes on, and what stays.

Dash builds anew whatever is inside a component whose children change, and a figure that is given as a whole forgets
what was zoomed to. So, as long as everything around them is the same, tables are given new contents where they are, and
figures new curves.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go
from dash import Patch, dcc, html
from dash.development.base_component import Component

FIGURE, CONTENT = "figure-", "content-"


def live_figure(figure: go.Figure, name: str, **properties: Any) -> Component:
    """A figure that can be given other curves."""
    return dcc.Graph(figure=figure, id=FIGURE + name, **properties)


def live_content(children: Component | Sequence[Component], name: str) -> Component:
    """What can be given other contents, in which nothing else is live."""
    return html.Div(children, id=CONTENT + name)


def updates(parts: Any, layouts: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """What to set in a browser that shows the same frame, by component; ``layouts`` are the figures' that it shows."""
    found = {}
    for name, part in _live(parts).items():
        if not name.startswith(FIGURE):
            found[name] = {"children": part.children}
        elif layouts.get(name) != _layout(part):
            found[name] = {"figure": part.figure}
        else:
            found[name] = {"figure": Patch()}
            found[name]["figure"]["data"] = part.figure.to_plotly_json()["data"]
    return found


def layouts_of(parts: Any) -> dict[str, str]:
    """A fingerprint of everything in a figure but its curves, by the figure."""
    return {name: _layout(part) for name, part in _live(parts).items() if name.startswith(FIGURE)}


def frame_of(parts: Any) -> str:
    """A fingerprint of everything that is not live."""
    return _fingerprint(_frame(parts))


def _live(parts: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for part in parts if isinstance(parts, (list, tuple)) else [parts]:
        if _is_live(part):
            found[part.id] = part
        elif isinstance(part, Component):
            found |= _live(getattr(part, "children", None))
    return found


def _is_live(part: Any) -> bool:
    return str(getattr(part, "id", "")).startswith((FIGURE, CONTENT))


def _frame(part: Any) -> Any:
    if isinstance(part, (list, tuple)):
        return [_frame(one) for one in part]
    if not isinstance(part, Component):
        return part
    if _is_live(part):
        return str(vars(part)["id"])
    described: dict[str, Any] = part.to_plotly_json()  # type: ignore[no-untyped-call]
    properties = {**described["props"], "children": _frame(getattr(part, "children", None))}
    return [described["type"], properties]


def _layout(graph: Any) -> str:
    return _fingerprint(graph.figure.layout.to_plotly_json())


def _fingerprint(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, default=repr)
    return hashlib.blake2b(text.encode(), digest_size=12).hexdigest()
