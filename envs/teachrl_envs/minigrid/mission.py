"""The words of MiniGrid's and BabyAI's missions, as numbers."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

SPOKEN = """
a after and at avoid ball behind blue box door end fetch find from front get go goal green grey hallway in key lava left
matching must near next object of on open opening pick purple put reach red right room rooms square the then to traverse
unlock up use yellow you your
"""
WORDS = SPOKEN.split()
PLACES = {word: place for place, word in enumerate(WORDS)}


def mission_numbers(mission: str) -> NDArray[np.float32]:
    """Where each of `WORDS` stands in a mission: ``float32`` of shape ``(2 * len(WORDS),)``, in [0, 1].

    First the place of its first occurrence, then that of its last: 1 for the first word of the mission, falling to 0
    beyond the last one; 0 where the word does not occur. Words beyond the list are left out.
    """
    spoken = re.findall(r"[a-z]+", mission.lower())
    numbers = np.zeros((2, len(WORDS)), dtype=np.float32)
    for place, word in enumerate(spoken):
        if word in PLACES:
            weight = 1 - place / len(spoken)
            first = numbers[0, PLACES[word]]
            numbers[0, PLACES[word]] = max(first, weight)
            numbers[1, PLACES[word]] = weight
    return numbers.ravel()
