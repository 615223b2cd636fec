"""Students that also learn from a mentor: behaviour cloning, DAgger, kickstarting and residual policies."""
