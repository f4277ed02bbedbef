"""The state machine: (state, event) to (state, actions). No clock, process, thread or file.

Law: pure and total. The same events in the same order give the same state; every run ends; a
node that ends is told to its owner only. The rules by number are in docs/argo-semantics.md.
"""

from tiphys.engine.machine import advance, begin
from tiphys.engine.state import State
from tiphys.engine.status import status

__all__ = ["State", "advance", "begin", "status"]
