"""Requests and tokens that may be spent on a language model."""

from __future__ import annotations

import threading
from typing import NamedTuple

from teachrl.errors import TeachrlError


class Amount(NamedTuple):
    """So many requests and tokens."""

    requests: int
    tokens: int

    def plus(self, other: Amount) -> Amount:
        """The sum of both."""
        return Amount(self.requests + other.requests, self.tokens + other.tokens)

    def minus(self, other: Amount) -> Amount:
        """The difference."""
        return Amount(self.requests - other.requests, self.tokens - other.tokens)


class Budget:
    """What would pass a limit is refused before it is sent. For many threads.

    What a request may cost is set aside before it is sent, and settled when it is known.
    """

    def __init__(self, requests: int | None, tokens: int | None) -> None:
        self._limits = requests, tokens
        self._spent = self._set_aside = Amount(0, 0)
        self._changed = threading.Condition()

    def set_aside(self, amount: Amount) -> None:
        """Wait until there is room beside what others may need. Raises `TeachrlError` if there never will be."""
        with self._changed:
            while not self._fits(self._set_aside.plus(amount)):
                if not self._fits(amount):
                    raise self.exhausted()
                self._changed.wait()
            self._set_aside = self._set_aside.plus(amount)

    def settle(self, set_aside: Amount, spent: Amount) -> None:
        """Give back what was set aside, and count what was spent of it."""
        with self._changed:
            self._set_aside = self._set_aside.minus(set_aside)
            self._spent = self._spent.plus(spent)
            self._changed.notify_all()

    def charge(self, spent: Amount) -> bool:
        """Count what was spent beyond what was set aside. Whether there still is room for all that is set aside."""
        with self._changed:
            self._spent = self._spent.plus(spent)
            return self._fits(self._set_aside)

    def exhausted(self) -> TeachrlError:
        """The error for a request that the budget has no room for."""
        limits = zip(self._limits, ("requests", "tokens"), strict=True)
        words = " and ".join(f"{limit:,} {name}" for limit, name in limits if limit is not None)
        return TeachrlError(
            f"the budget of {words} has no room for what the next question may need: {self._spent.requests:,} requests "
            f"and {self._spent.tokens:,} tokens are spent; raise requests_budget or tokens_budget to go on"
        )

    def _fits(self, more: Amount) -> bool:
        total = self._spent.plus(more)
        return all(limit is None or used <= limit for limit, used in zip(self._limits, total, strict=True))
