"""Curves of many runs in one panel."""

from __future__ import annotations

import numpy as np

from teachrl.report.curve_figures import MAX_CURVE_POINTS, Curve, curves_figure

NAN = float("nan")


def test_curves_of_a_group_look_alike_and_share_an_entry_of_the_legend() -> None:
    curves = [Curve(group, f"{group}__s{seed}", [0, 1], [seed, 1]) for group in ("a", "b") for seed in range(3)]
    figure = curves_figure(curves, "mean return")
    assert figure is not None
    assert [trace.showlegend for trace in figure.data] == [True, False, False] * 2
    assert len({trace.line.color for trace in figure.data}) == 2
    assert [trace.text for trace in figure.data][:2] == ["a__s0", "a__s1"]
    assert figure.layout.yaxis.title.text == "mean return"


def test_no_two_groups_look_alike() -> None:
    figure = curves_figure([Curve(str(n), "", [0, 1], [0, 1]) for n in range(32)], "")
    assert figure is not None
    assert len({(trace.line.color, trace.line.dash) for trace in figure.data}) == 32


def test_what_is_not_known_is_left_out() -> None:
    curves = [Curve("a", "", [0, 1, 2], [1.0, NAN, 3.0]), Curve("a", "", [0], [NAN]), Curve("a", "", [], [])]
    figure = curves_figure(curves, "")
    assert figure is not None
    (trace,) = figure.data
    assert (list(trace.x), list(trace.y)) == ([0, 2], [1, 3])
    assert curves_figure(curves[1:], "") is None


def test_long_curves_are_thinned_and_keep_their_ends() -> None:
    figure = curves_figure([Curve("a", "", np.arange(5000).tolist(), np.arange(5000).tolist())], "")
    assert figure is not None
    (trace,) = figure.data
    assert (trace.x[0], trace.x[-1], len(trace.x)) == (0, 4999, MAX_CURVE_POINTS)


def test_names_are_labels_and_not_html() -> None:
    figure = curves_figure([Curve(name, f"<i>{name}", [0], [0]) for name in ("<b>bold", "%{x}")], "")
    assert figure is not None
    assert [trace.name for trace in figure.data] == ["&lt;b&gt;bold", "%&#123;x}"]
    assert [trace.text for trace in figure.data] == ["&lt;i&gt;&lt;b&gt;bold", "&lt;i&gt;%&#123;x}"]
