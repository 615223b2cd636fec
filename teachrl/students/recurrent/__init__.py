"""PPO with a recurrent policy."""
