"""What stands above the figures of each section."""

from __future__ import annotations

from teachrl.report.curriculum_figures import MAX_PARTS
from teachrl.report.figures import BINS, WINDOW
from teachrl.report.galleries import MAX_PICTURES, MAX_TEST_PICTURES
from teachrl.report.reading import SAMPLED_LEVELS
from teachrl.report.run_data import RunData

LEARNING = (
    f"Each faint point is one training episode; the solid line is the mean of the last {WINDOW} episodes. Diamonds are "
    "evaluations on the test set, which is the same at every evaluation: judge progress by them, because the teacher "
    "changes how hard the training tasks are. The lower panel is the share of test tasks the student masters. Where "
    "there are two students, it is the protagonist that is shown."
)
SAMPLED = (
    "Each point is the task of one training episode. On the left, colour is time: dark early, bright late, so you see "
    "where the teacher moved. On the right, colour is the student's return: dark low, bright high. Long runs are "
    "thinned evenly; whole numbers and choices are spread a little around their value so that equal tasks stay visible."
)
PLAYED_LEVELS = (
    "How complex the levels were that were played: how many walls, how long the shortest way to the goal where there "
    "is one, and how many have one. One line for each rule by which the teacher chose; each point is a mean over one "
    f"of {BINS} equal parts of the run so far, in which a level counts by the steps of the episodes that ended on it. "
    f"Of long runs at most {SAMPLED_LEVELS:,} episodes are looked at, spread evenly over the log. Below, "
    f"{MAX_PICTURES} levels from the first to the last."
)
CURRICULUM = (
    "What the teacher drew its tasks from. Each ellipse is one of its Gaussians, two standard deviations wide, each "
    "rectangle one of its regions (with one task parameter: each bar is one of either); bright colour means high "
    "learning progress, stronger colour a larger weight. Green dots are tasks that it would draw. Dots with a rim are "
    "levels of its buffer (those of the highest scores, the newest, and their ancestors); there, bright colour means a "
    "high score. Grey points are the tasks played since the moment before. Where there is a slider below the picture, "
    f"it moves through the run. At most {MAX_PARTS} shapes are drawn at a moment, those of the largest weights."
)
BUFFERED_LEVELS = (
    "Levels that the teacher keeps, at the last checkpoint that shows any: those of the highest scores, the newest, "
    "and the line of edits that led to the one with the highest score, as far as its ancestors are still kept. For "
    "teachers without a buffer, levels that they would draw. The agent is the red triangle, the goal the green cell; "
    f"at most {MAX_PICTURES} of each are shown."
)
BUFFER = (
    "The buffer: on the left the score of each level, over how many draws ago it was last played, at the last "
    "checkpoint; on the right how mean score and size went on."
)
MASTERY = (
    "The return on every task of the test set, from the first evaluation to the last. Rings (with one task parameter: "
    "filled points) mark mastered tasks. A good curriculum makes the marked region grow."
)
TEST_LEVELS = (
    "The levels of the test set, with what the last evaluation found: the share of episodes that were solved, if it is "
    "recorded, and the mean return. Mastered ones have a green frame. Of more than "
    f"{MAX_TEST_PICTURES} levels, some are shown, spread evenly."
)
STUDENTS = (
    "Both students play the same levels. Above, the mean return of each; below, by how much the antagonist was better "
    "on each level that both ended an episode on, and the mean of that. This is a gap of mean returns; the regret that "
    "the teacher is paid takes one student's best return and is therefore higher."
)
COSTS = (
    "The same skill in several currencies, because methods that look at levels before they train on them are cheap in "
    "one and dear in another. Training steps are those from which a student learnt; scoring steps were played only to "
    "judge levels; all steps include both and those of evaluations. An update is one call of the student's learning. "
    "Seconds are wall time."
)


def no_curriculum(run: RunData) -> str:
    """Why there is no picture of the curriculum."""
    what = "has recorded nothing to draw" if run.curricula else "has recorded no curriculum yet"
    return f"The teacher {what}. Not every teacher does; one that chooses tasks uniformly never does."
