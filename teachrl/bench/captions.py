"""The sentences of a bench's report."""

NOTHING = "No run has been evaluated yet."
FEW = "There are no finished runs yet."
TABLE = (
    "Finished runs. Means have Student's interval over runs, the interquartile mean (over runs and tasks) that of the "
    "bootstrap, stratified by task, 95 % both; fewer than three runs give none."
)
TABLE_END = (
    "Steps to the threshold are the median of the runs that got there. Hours are the runs' own. Published numbers are "
    "others', with their source."
)
CURVES = (
    "Means over runs, at the steps at which any was evaluated, with Student's interval; unfinished runs are in it. "
    "Below, the same over the seconds that the runs had taken by then, their mean."
)
PROFILES = "Pointwise intervals by the bootstrap. A row above another everywhere is the better one."
PAIRS = (
    "Probability that a run of the row on the left is better on a task than one of the column's: Mann-Whitney, ties "
    "one half. A star: the bootstrap's interval leaves out 0.5."
)
TESTS = (
    "Welch's t-test against the baseline, of the values at the end; p values after Holm's correction for all pairs of "
    "the suite."
)
RADAR = "On each axis, 1 is the best row and 0 the worst; what it is, stands in the table."
