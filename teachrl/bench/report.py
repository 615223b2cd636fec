"""The report of a bench: one HTML page, and its table as CSV and Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from markupsafe import Markup

from teachrl.bench import captions, figures
from teachrl.bench.directory import Bench
from teachrl.bench.files import tables_beside
from teachrl.bench.measures import MEASURES
from teachrl.bench.results import RowResult, common_tasks, read_results
from teachrl.bench.suite import suite_names
from teachrl.bench.table import Line, as_csv, as_markdown, heads, lines, text, texts
from teachrl.errors import UsageError
from teachrl.files import write_bytes
from teachrl.report.html_parts import document, figure_part, missing, paragraph, section, table
from teachrl.statistics.significance import PairTest, welch_tests


def write_bench_report(bench: Bench, output: Path | None = None) -> Path:
    """Write the page and, beside it, ``table.csv`` and ``table.md``; returns the page's path.

    Unfinished benches are fine. Raises `UsageError` when it cannot be written.
    """
    page = output if output is not None else bench.files.report
    if page.is_dir():
        raise UsageError(f"the report is one HTML file, but {page} is a directory; name a file in it")
    results = read_results(bench)
    made = lines(bench, results)
    page.parent.mkdir(parents=True, exist_ok=True)
    write_bytes(page, document(f"{bench.name}, {bench.budget_name} budget", _body(bench, results, made)).encode())
    for file, written in zip(tables_beside(page), (as_csv(bench, made), as_markdown(bench, made)), strict=True):
        write_bytes(file, written.encode())
    return page


def _body(bench: Bench, results: Sequence[RowResult], made: Sequence[Line]) -> Markup:
    intro = paragraph(f"{bench.suite.title}. What counts is {bench.suite.metric}.")
    if not results:
        return intro + _standings(bench) + missing(captions.NOTHING)
    finished = [result for result in results if result.finished]
    whole = [line for line in made if line.runs]
    comparable = len(finished) > 1 and common_tasks(finished)
    metric = bench.suite.metric
    pairs = figures.comparisons(finished) if comparable else None
    profiles = figures.profiles(finished) if finished else None
    radar = figures.radar(whole) if len(whole) > 1 else None
    return intro + Markup("").join(
        [
            _standings(bench),
            section(
                "table",
                "Results",
                (" ".join([captions.TABLE, *(m.caption for m in MEASURES if m.caption), captions.TABLE_END]),),
                table(heads(bench), [texts(line) for line in made], "results"),
            ),
            section(
                "curves",
                "Curves",
                (captions.CURVES,),
                figure_part(figures.curves(results, metric), "steps", captions.NOTHING)
                + figure_part(figures.curves(results, metric, over_seconds=True), "seconds", captions.NOTHING),
            ),
            section(
                "profiles",
                "Profiles",
                (captions.PROFILES,),
                figure_part(profiles, "profiles", captions.FEW),
            ),
            section("pairs", "Comparison of pairs", (captions.PAIRS,), figure_part(pairs, "pairs", captions.FEW)),
            section("tests", "Tests", (captions.TESTS,), _tests(bench, finished)),
            section(
                "radar",
                "Challenges",
                (captions.RADAR,),
                figure_part(radar, "radar", captions.FEW),
            ),
            section("runs", "Runs", (), _runs(bench)),
        ]
    )


def _standings(bench: Bench) -> Markup:
    standings = bench.ledger.standings()
    counts = {state: sum(s.state == state for s in standings.values()) for state in ("finished", "failed", "running")}
    told = ", ".join(f"{n} {state}" for state, n in counts.items())
    parts = [paragraph(f"{len(standings)} runs were asked for: {told}.")]
    for name, standing in standings.items():
        if standing.state == "failed":
            parts.append(paragraph(f"{name} failed: {standing.error}", "error"))
    return Markup("").join(parts)


def _tests(bench: Bench, finished: Sequence[RowResult]) -> Markup:
    baseline = bench.suite.baseline or next(iter(bench.suite.teachers))
    parts: list[Markup] = []
    for place in dict.fromkeys((result.row.environment, result.row.student) for result in finished):
        here = [r for r in finished if (r.row.environment, r.row.student) == place]
        names = {r.row.teacher: r.row.name for r in here}
        if len(here) < 2 or baseline not in names:
            continue
        pairs = welch_tests({r.row.name: r.finals for r in here})
        rows = [_test(pair, names[baseline]) for pair in pairs if names[baseline] in (pair.first, pair.second)]
        parts.append(table(("pair", "difference", "p (Holm)", "Hedges' g", ""), rows, f"tests-{len(parts)}"))
    return Markup("").join(parts) or missing(f"There are no finished runs of {baseline} and another row yet.")


def _test(pair: PairTest, baseline: str) -> list[str]:
    sign = 1 if pair.second == baseline else -1
    other = pair.first if pair.second == baseline else pair.second
    difference = (
        pair.difference
        if sign == 1
        else type(pair.difference)(
            -pair.difference.value,
            None if pair.difference.interval is None else (-pair.difference.interval[1], -pair.difference.interval[0]),
        )
    )
    p = "" if pair.p_holm is None else f"{pair.p_holm:.2g}"
    effect = "" if pair.effect is None else f"{sign * pair.effect:.2f}"
    return [f"{other} less {baseline}", text(difference), p, effect, pair.note]


def _runs(bench: Bench) -> Markup:
    """Return for every run a link to its folder, how it stands, and the command that makes it again."""
    standings = bench.ledger.standings()
    rows = []
    for cell in bench.asked_cells():
        standing = standings[cell.name]
        folder = bench.run_of(cell).relative_to(bench.folder).as_posix()
        link = Markup('<a href="{}/">{}</a>').format(folder, cell.name)
        command = Markup("<code>{}</code>").format(f"teachrl train {bench.files.experiment(cell.name)} -f again")
        rows.append((link, f"{standing.state}, step {standing.step:,}", command))
    suite = bench.name if bench.name in suite_names() else f"{bench.name}.yaml"
    again = f"teachrl bench run {suite} --budget {bench.budget_name} -o {bench.folder}"
    return Markup("<p>The whole bench: <code>{}</code></p>").format(again) + table((), rows, "all-runs")
