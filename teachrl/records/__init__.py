"""The records that rollouts, teachers and students exchange: episodes, fragments, level scores and the episode log."""
