"""The rows of a training on its device, and which of them are for validation.

Shape suffixes: B rows of a batch, N rows of all, M numbers, C categories.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from tiphys.ml import tabular
from tiphys.ml.training.job import Job


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """What the network takes, and the truth."""

    numbers_NM: Tensor
    codes_NC: Tensor
    labels_N: Tensor

    def take(self, index_B: Tensor) -> "Rows":
        """Return some of the rows."""
        return Rows(
            numbers_NM=self.numbers_NM[index_B],
            codes_NC=self.codes_NC[index_B],
            labels_N=self.labels_N[index_B],
        )

    def __len__(self) -> int:
        return len(self.labels_N)


def read(job: Job, device: torch.device) -> Rows:
    """Return all rows of the months of *job*."""
    table = tabular.read(job.data, job.months, job.features.columns)
    numbers_NM, codes_NC = tabular.encode(table, job.preprocessing)
    labels_N = tabular.labels(table, job.features.label)
    return Rows(
        numbers_NM=torch.tensor(numbers_NM, device=device),
        codes_NC=torch.tensor(codes_NC, device=device),
        labels_N=torch.tensor(labels_N, device=device),
    )


def split(rows: Rows, blocks: int) -> tuple[Rows, Rows]:
    """Return the rows to train on, and those for validation: each tenth of *blocks* neighbours."""
    block_N = torch.arange(len(rows)) * blocks // max(1, len(rows))
    validation_N = (block_N % 10 == 9).to(rows.labels_N.device)
    return (
        rows.take((~validation_N).nonzero().squeeze(1)),
        rows.take(validation_N.nonzero().squeeze(1)),
    )
