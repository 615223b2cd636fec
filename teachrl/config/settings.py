"""What the models of settings have in common: frozen, nothing unknown in them, and types of fields that teach."""

from __future__ import annotations

import math
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from teachrl.config.yaml_files import plain


def _whole(value: Any) -> Any:
    """Whole numbers in the ways people write them: 1000, 1e6, "1e6"; not ``true`` and not 1.5."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise ValueError("must be a whole number")
    try:
        number = float(value)
    except (ValueError, OverflowError):
        raise ValueError("must be a whole number") from None
    if not math.isfinite(number) or number != int(number):
        raise ValueError("must be a whole number")
    return value if isinstance(value, int) else int(number)


Whole = Annotated[int, BeforeValidator(_whole)]
Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Name = Annotated[str, Field(min_length=1, max_length=200)]
Options = Annotated[dict[str, Any], AfterValidator(plain)]


class Settings(BaseModel):
    """Settings of one part of an experiment."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)
