"""The network: embeddings and scaled numbers into a small perceptron.

Shape suffixes: B rows, N numbers, C categories, W width.
"""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from tiphys.ml.tabular import Preprocessing

FARTHEST = 8.0
"""Deviations from the mean at which a number is cut: one absurd value must not decide alone."""


class Network(nn.Module):
    """Logits of rows whose numbers are raw, NaN where missing, and whose categories are codes."""

    mean_N: Tensor
    deviation_N: Tensor

    def __init__(self, preprocessing: Preprocessing, hidden: Sequence[int] = (64, 32)) -> None:
        super().__init__()
        numbers = preprocessing.numbers
        self.register_buffer("mean_N", torch.tensor([one.mean for one in numbers]))
        self.register_buffer("deviation_N", torch.tensor([one.deviation for one in numbers]))
        sizes = [len(one.values) + 1 for one in preprocessing.categories]
        self.embeddings = nn.ModuleList(nn.Embedding(size, _width(size)) for size in sizes)
        widths = [2 * len(numbers) + sum(map(_width, sizes)), *hidden]
        layers: list[nn.Module] = []
        for before, after in pairwise(widths):
            layers += [nn.Linear(before, after), nn.ReLU()]
        self.layers = nn.Sequential(*layers, nn.Linear(widths[-1], 1))

    def forward(self, numbers_BN: Tensor, codes_BC: Tensor) -> Tensor:
        """Return a logit a row."""
        missing_BN = torch.isnan(numbers_BN)
        scaled_BN = (numbers_BN - self.mean_N) / self.deviation_N
        scaled_BN = scaled_BN.masked_fill(missing_BN, 0.0).clamp(-FARTHEST, FARTHEST)
        embedded = [one(codes_BC[:, index]) for index, one in enumerate(self.embeddings)]
        joined_BW = torch.cat([scaled_BN, missing_BN.to(scaled_BN.dtype), *embedded], dim=1)
        logits_B: Tensor = self.layers(joined_BW).squeeze(1)
        return logits_B


def _width(size: int) -> int:
    return min(12, 1 + size // 2)
