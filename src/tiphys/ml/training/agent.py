"""torchrun as it is, tied to the life of the step that started it."""

import sys

from torch.distributed.elastic.multiprocessing.api import SignalException
from torch.distributed.run import main

from tiphys.ml.training import lifeline

if __name__ == "__main__":
    lifeline.tie()
    try:
        main()
    except SignalException as told:  # its traceback would bury what the workers said
        sys.exit(f"{told}.")
