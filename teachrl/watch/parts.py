"""What the views are made of. Texts become text nodes, so no name can be read as HTML."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go
from dash import html
from dash.development.base_component import Component

from teachrl.report.galleries import Shown, picture
from teachrl.watch.live import live_content, live_figure
from teachrl_envs.maze.level_space import LevelTaskSpace

Cell = str | Component


def section(anchor: str, title: str, *body: Component) -> Component:
    """A heading and what belongs to it."""
    return html.Section([html.H2(title), *body], id=anchor)


def caption(text: str) -> Component:
    """What is to be seen in the figure below."""
    return html.P(text, className="caption")


def missing(text: str) -> Component:
    """What is not there yet."""
    return html.P(text, className="missing")


def table(rows: Sequence[Mapping[str, Cell]], anchor: str) -> Component:
    """Rows, one at least, with the same headings."""
    heads = html.Tr([html.Th(head) for head in rows[0]])
    body = [html.Tr([html.Td(cell) for cell in row.values()]) for row in rows]
    return live_content(html.Div(html.Table(html.Tbody([heads, *body]), id=anchor), className="wide"), anchor)


def facts_table(facts: Mapping[str, Cell], anchor: str) -> Component:
    """One row for each fact."""
    body = [html.Tr([html.Th(head), html.Td(cell)]) for head, cell in facts.items()]
    return live_content(html.Div(html.Table(html.Tbody(body), id=anchor), className="wide"), anchor)


def errors(found: Sequence[str]) -> Component:
    """The list of errors, or that there are none."""
    listed = [html.P(text, className="error") for text in found] or [html.P("None.", className="caption")]
    return live_content(listed, "errors")


def graph(figure: go.Figure | None, anchor: str, otherwise: str) -> Component:
    """A figure, or the sentence on what is missing."""
    if figure is None:
        return missing(otherwise)
    # With its height at hand, the page does not jump when the figure appears.
    style = {"height": f"{figure.layout.height}px"}
    return live_figure(figure, anchor, config={"displaylogo": False}, style=style)


def galleries(space: LevelTaskSpace, titled: Mapping[str, Sequence[Shown]], anchor: str) -> Component:
    """Levels side by side, below each title."""
    parts: list[Component] = []
    for title, shown in titled.items():
        parts += [html.H3(title), html.Div([_level(space, one) for one in shown], className="gallery")]
    return live_content(parts, anchor)


def _level(space: LevelTaskSpace, shown: Shown) -> Component:
    below = [html.Div(line) for line in shown.lines]
    image = html.Img(src=picture(space, shown.level), alt=", ".join(shown.lines))
    return html.Figure([image, html.Figcaption(below)])
