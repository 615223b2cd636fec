"""Task spaces, as users of teachrl import them; they are defined beside the environments that declare them."""

from teachrl_envs.tasks import BoxTaskSpace, DiscreteTaskSpace, ProductTaskSpace, Task, TaskError, TaskSpace, Vector

__all__ = ["BoxTaskSpace", "DiscreteTaskSpace", "ProductTaskSpace", "Task", "TaskError", "TaskSpace", "Vector"]
