"""The loop of one worker over epochs, steps and checkpoints.

Shape suffixes: B rows of this worker's part of a batch, V rows for validation.
"""

import os
import shutil
import sys
from collections.abc import Callable
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor
from torch.distributed.checkpoint import state_dict_loader, state_dict_saver
from torch.distributed.checkpoint.default_planner import DefaultSavePlanner
from torch.distributed.checkpoint.state_dict import get_state_dict, set_state_dict
from torch.nn import functional
from torch.nn.parallel import DistributedDataParallel

from tiphys import step as report
from tiphys.ml.gate import metrics
from tiphys.ml.storage import open_store
from tiphys.ml.training import folders, gang, jobset, rows
from tiphys.ml.training.copies import Copies
from tiphys.ml.training.job import Job
from tiphys.ml.training.network import Network
from tiphys.ml.training.outcome import WEIGHTS, Answer


class Trainer:
    """A worker's network, its rows and where it stands."""

    def __init__(self, job: Job, device: torch.device) -> None:
        self.job, self.device = job, device
        everything = rows.read(job, device)
        self.training, self.validation = rows.split(everything, job.settings.blocks)
        self.network = Network(job.preprocessing, job.settings.hidden).to(device)
        self.model = DistributedDataParallel(self.network)
        self.optimizer = torch.optim.AdamW(self.model.parameters())
        self.steps_per_epoch = max(1, len(self.training) // job.settings.batch_rows)
        self.total = self.steps_per_epoch * job.settings.epochs
        self.done = self.resumed_from = 0
        self.losses = 0.0
        """The sum of the losses of this epoch's steps."""
        self.epoch_loss = 0.0
        self._order: tuple[int, Tensor] | None = None
        self._copies = Copies(job.upload, open_store(job.upload)) if job.upload else None

    @property
    def leads(self) -> bool:
        """Whether this worker is the one that speaks and writes."""
        return dist.get_rank() == 0

    @property
    def leads_here(self) -> bool:
        """Whether this worker is the first of its node."""
        return os.environ["LOCAL_RANK"] == "0"

    def run(self, told_to_stop: Callable[[], bool]) -> bool:
        """Train to the end and write the answer; False when told to stop, after saving."""
        self.count_what_was_brought()
        self.resume()
        while self.done < self.total:
            stop = self.advance(wish=told_to_stop())
            if self.done % self.steps_per_epoch == 0:
                self.end_epoch()
            last = stop or self.done == self.total
            if last or self.done % self.job.settings.save_every_steps == 0:
                self.save(last=last)
            if stop and self.done < self.total:
                return False
        if self.leads:
            self.finish()
        return True

    def count_what_was_brought(self) -> None:
        """Report how much the nodes together copied from the remote of the data.

        A gang that starts again finds it on its nodes, which is no news.
        """
        here = self.job.downloaded_bytes if self.leads_here else 0
        total = torch.tensor(here, dtype=torch.float64, device=self.device)
        dist.all_reduce(total)
        again = int(os.environ.get(jobset.RESTARTED, "0"))
        if self.leads and not _restarts() and (float(total) or not again):
            report.metric("downloaded_bytes", float(total))

    def advance(self, *, wish: bool) -> bool:
        """Do one step; return whether any worker wishes to stop."""
        fraction_left = 1 - self.done / self.total
        for group in self.optimizer.param_groups:
            group["lr"] = self.job.settings.learning_rate * fraction_left
        batch = self.training.take(self.share())
        logits_B = self.model(batch.numbers_NM, batch.codes_NC)
        loss = functional.binary_cross_entropy_with_logits(logits_B, batch.labels_N)
        self.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]  # torch does not type it
        self.optimizer.step()
        told = torch.stack([loss.detach().double(), loss.new_tensor(float(wish)).double()])
        dist.all_reduce(told)
        self.losses += float(told[0]) / dist.get_world_size()
        self.done += 1
        if self.leads_here:
            os.utime(self.job.output / gang.HEARTBEAT)
        if self.leads:
            report.progress(self.done, self.total)
        return bool(told[1] > 0)

    def share(self) -> Tensor:
        """Return the rows of the next step that are this worker's."""
        epoch, step = divmod(self.done, self.steps_per_epoch)
        if self._order is None or self._order[0] != epoch:
            generator = torch.Generator().manual_seed(self.job.settings.seed * 1_000_003 + epoch)
            order = torch.randperm(len(self.training), generator=generator)
            self._order = (epoch, order.to(self.device))
        size = self.job.settings.batch_rows
        batch = self._order[1][step * size : (step + 1) * size]
        return batch[dist.get_rank() :: dist.get_world_size()]

    def end_epoch(self) -> None:
        """Report how good the network is after this epoch."""
        epoch = self.done // self.steps_per_epoch
        self.epoch_loss, self.losses = self.losses / self.steps_per_epoch, 0.0
        if not self.leads:
            return
        report.metric("loss", self.epoch_loss, step=epoch)
        with torch.no_grad():
            logits_V = self.network(self.validation.numbers_NM, self.validation.codes_NC)
        labels_V = self.validation.labels_N.double().cpu().numpy()
        if 0 < labels_V.sum() < len(labels_V):
            auc = metrics.roc_auc(labels_V, logits_V.double().cpu().numpy())
            report.metric("auc_validation", auc, step=epoch)

    def save(self, *, last: bool) -> None:
        """Write a checkpoint, copy it where asked, and drop old ones."""
        target = folders.folder(self.job.checkpoints, self.done)
        if self.leads:
            shutil.rmtree(target, ignore_errors=True)
        dist.barrier()
        state_dict_saver.save(self.state(), checkpoint_id=target, planner=_planner())
        if self.leads:
            folders.prune(self.job.checkpoints)
            if self._copies:
                self._copies.make(target, last=last)

    def resume(self) -> None:
        """Go on from the newest complete checkpoint, if there is one."""
        found = folders.newest(self.job.checkpoints)
        if found:
            state = self.state()
            state_dict_loader.load(state, checkpoint_id=found)
            set_state_dict(
                self.model,
                self.optimizer,
                model_state_dict=state["model"],
                optim_state_dict=state["optimizer"],
            )
            self.done = self.resumed_from = folders.step_of(found)
            self.losses, self.epoch_loss = state["losses"].tolist()
        if self.leads and (found or _restarts()):
            why = f"The workers were restarted ({_restarts()} of {gang.RESTARTS}). " * bool(
                _restarts()
            )
            sys.stdout.write(f"{why}Resumed at step {self.done} of {self.total}.\n")
            sys.stdout.flush()

    def state(self) -> dict[str, Any]:
        """Return what a checkpoint holds."""
        model, optimizer = get_state_dict(self.model, self.optimizer)
        losses = torch.tensor([self.losses, self.epoch_loss], dtype=torch.float64)
        return {"model": model, "optimizer": optimizer, "losses": losses}

    def finish(self) -> None:
        """Write the weights and the answer."""
        weights = {name: one.cpu() for name, one in self.network.state_dict().items()}
        torch.save(weights, self.job.output / WEIGHTS)
        Answer(
            rows=len(self.training),
            epochs=self.job.settings.epochs,
            loss=self.epoch_loss,
            resumed_from=self.resumed_from,
        ).write(self.job.output)


def _planner() -> DefaultSavePlanner:
    """Rank 0 writes all of a checkpoint: every worker has the same, and its node copies it."""
    return DefaultSavePlanner(dedup_save_to_lowest_rank=True)


def _restarts() -> int:
    return int(os.environ.get("TORCHELASTIC_RESTART_COUNT", "0"))
