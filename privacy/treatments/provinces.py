"""The Dutch provinces by four-digit postcode.

Own table, by the provinces' borders since 2019. Postcodes do not follow them exactly: a hamlet across the border may
share its neighbour's postcode, and numbers that are not given out count with the ones before them.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

PROVINCES = (
    "Drenthe",
    "Flevoland",
    "Friesland",
    "Gelderland",
    "Groningen",
    "Limburg",
    "Noord-Brabant",
    "Noord-Holland",
    "Overijssel",
    "Utrecht",
    "Zeeland",
    "Zuid-Holland",
)

_FIRST_OF_EACH_RUN = {
    "Drenthe": "7740 7800 7947 7956 8350 8380 8437 9300 9400 9510 9564 9570 9654 9749 9760",
    "Flevoland": "1300 3890 8200 8300",
    "Friesland": "8388 8440 9850 9870 9873",
    "Gelderland": "3770 3792 3837 3925 4000 4147 4164 4211 4214 5300 6500 6600 7439 8050 8070 8160",
    "Groningen": "9350 9500 9540 9565 9580 9660 9750 9770 9860 9872 9880",
    "Limburg": "5766 5850 6030 6584",
    "Noord-Brabant": "4250 4600 4680 4700 5340 5818 6020",
    "Noord-Holland": "1000 1380 1394 1398 1430 2165 3625",
    "Overijssel": "7400 7440 7767 7946 7950 8000 8055 8100 8196 8260 8323 8355",
    "Utrecht": "1390 1396 1426 3400 3467 3626 3654 3791 3800 3900 3926 4120 4163 4230 4242",
    "Zeeland": "4300 4672 4690",
    "Zuid-Holland": "1428 2159 2166 3465 3651 4200 4213 4215 4240",
}


def _province_of_pc4() -> pa.Array:
    """Spread the runs out: at each number up to 9999, the index of its province, NULL below 1000."""
    runs = sorted((int(first), name) for name, firsts in _FIRST_OF_EACH_RUN.items() for first in firsts.split())
    run = np.searchsorted([first for first, _ in runs], np.arange(10_000), side="right") - 1
    provinces = np.array([PROVINCES.index(name) for _, name in runs], np.int8)[run]
    return pa.array(provinces, mask=np.arange(10_000) < runs[0][0])


PROVINCE_OF_PC4 = _province_of_pc4()
"""At each four-digit postcode, the index of its province in `PROVINCES`."""
