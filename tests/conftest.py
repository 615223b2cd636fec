"""Threads are pinned before anything is imported: two test processes share two cores."""

import os

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

# Ray makes its workers polite, and then they wait for the other test process.
os.environ["RAY_worker_niceness"] = "0"  # noqa: SIM112

import torch  # noqa: E402

torch.set_num_threads(1)
