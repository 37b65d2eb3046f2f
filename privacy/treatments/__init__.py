"""The treatments: one module per family (ISO/IEC 20889); the union below is the registry."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from privacy.treatments.base import Treatment
from privacy.treatments.custom import Custom
from privacy.treatments.generalization import Generalize
from privacy.treatments.masking import Mask
from privacy.treatments.noise import Noise
from privacy.treatments.pseudonymization import Pseudonymize
from privacy.treatments.rounding import Round
from privacy.treatments.shifts import ShiftDates
from privacy.treatments.suppression import Keep, Suppress
from privacy.treatments.synthesis import Synthesize

AnyTreatment = Annotated[
    Keep | Suppress | Pseudonymize | Mask | Generalize | Round | Noise | ShiftDates | Synthesize | Custom,
    Field(discriminator="kind"),
]

__all__ = [
    "AnyTreatment",
    "Custom",
    "Generalize",
    "Keep",
    "Mask",
    "Noise",
    "Pseudonymize",
    "Round",
    "ShiftDates",
    "Suppress",
    "Synthesize",
    "Treatment",
]
