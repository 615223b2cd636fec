"""What the views are made of. Texts become text nodes, so no name can be read as HTML."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go
from dash import dcc, html
from dash.development.base_component import Component

from teachrl.report.galleries import Shown, picture
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
    return html.Div(html.Table(html.Tbody([heads, *body]), id=anchor), className="wide")


def facts_table(facts: Mapping[str, Cell], anchor: str) -> Component:
    """One row for each fact."""
    body = [html.Tr([html.Th(head), html.Td(cell)]) for head, cell in facts.items()]
    return html.Div(html.Table(html.Tbody(body), id=anchor), className="wide")


def errors(found: Sequence[str]) -> Component:
    """The list of errors, or that there are none."""
    if not found:
        return html.P("None.", className="caption")
    return html.Div([html.P(text, className="error") for text in found])


def graph(figure: go.Figure | None, anchor: str, otherwise: str, keeps_zoom: bool = True) -> Component:
    """A figure, or the sentence on what is missing. What the user zoomed to stays when the figure is drawn anew."""
    if figure is None:
        return missing(otherwise)
    if keeps_zoom:
        figure.update_layout(uirevision="kept")
    # The height from the layout, or the page would jump while the figure is drawn anew.
    style = {"height": f"{figure.layout.height}px"}
    return dcc.Graph(figure=figure, id=f"figure-{anchor}", config={"displaylogo": False}, style=style)


def gallery(space: LevelTaskSpace, shown: Sequence[Shown]) -> Component:
    """Levels side by side."""
    return html.Div([_level(space, one) for one in shown], className="gallery")


def _level(space: LevelTaskSpace, shown: Shown) -> Component:
    below = [html.Div(line) for line in shown.lines]
    image = html.Img(src=picture(space, shown.level), alt=", ".join(shown.lines))
    return html.Figure([image, html.Figcaption(below)])
