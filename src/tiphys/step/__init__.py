"""A step inside its container: argv to a typed call to output files.

Standard library only, and no more of it than a call needs: every step of every run pays for what
is imported here. `python -m tiphys.step module:function --name=value …` is the whole protocol; a
component imports from here only what it says to the world (`metric`, `progress`) and how it fails.
"""

from tiphys.step.entry import main
from tiphys.step.failures import BadDevice, OutOfMemory, Preempted, Temporary, WrongInput
from tiphys.step.report import metric, progress
from tiphys.step.signature import Output

__all__ = [
    "BadDevice",
    "OutOfMemory",
    "Output",
    "Preempted",
    "Temporary",
    "WrongInput",
    "main",
    "metric",
    "progress",
]
