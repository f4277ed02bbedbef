"""torchrun as it is, tied to the life of the step that started it."""

from torch.distributed.run import main

from tiphys.ml.training import lifeline

if __name__ == "__main__":
    lifeline.tie()
    main()
