"""All measurements, one after the other: ``make benchmark``."""

from benchmarks import (
    bootstrap_intervals,
    level_decode,
    maze_loop,
    maze_step,
    minigrid_step,
    object_store,
    point_mass_step,
    recurrent_ppo,
    rollouts,
    snapshot_restore,
    stump_tracks_step,
    teacher_history,
    teaching_speed,
    training_speed,
)

for module in (
    stump_tracks_step,
    point_mass_step,
    maze_step,
    maze_loop,
    minigrid_step,
    level_decode,
    recurrent_ppo,
    snapshot_restore,
    teacher_history,
    teaching_speed,
    bootstrap_intervals,
    training_speed,
    rollouts,
    object_store,
):
    print(f"\n== {module.__name__.removeprefix('benchmarks.')}")
    module.main()
