"""What the steps compute. Knows no Argo and no Hera; each part is imported only in its own step."""

import os

from tiphys.step import telemetry

for _name, _value in telemetry.OFF.items():  # read by the libraries while they are imported
    os.environ.setdefault(_name, _value)
