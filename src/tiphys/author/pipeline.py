"""A pipeline: calls of templates, which become a WorkflowTemplate, and a schedule for it."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypedDict, Unpack

from hera.workflows import CronWorkflow, WorkflowTemplate, models

from tiphys.author import container, tier
from tiphys.author.container import Use
from tiphys.author.faults import AuthoringError, UnknownReferenceError
from tiphys.author.foreign import ForeignTemplate
from tiphys.author.reference import Value
from tiphys.author.scope import ExitScope, Scope, Task, opened
from tiphys.author.step import StepTemplate
from tiphys.manifest.profile import ArchiveSource, Profile
from tiphys.step import codec

ENTRYPOINT = "main"
EXIT = "exit"

Plain = str | int | float | bool

_OF_THE_END = ("status", "failures")
"""What an exit handler knows of the run, beside its name and parameters."""


class Schedule(TypedDict, total=False):
    """When a CronWorkflow starts, and what it starts with."""

    title: str
    timezone: str
    parameters: Mapping[str, Plain]
    starting_deadline: timedelta
    """How late a missed start is still made up for."""


@dataclass(kw_only=True)
class Pipeline:
    """A workflow being written: its calls, its parameters, and how long its traces stay."""

    name: str
    profile: Profile
    title: str
    owner: str
    parameters: Mapping[str, Plain] = field(default_factory=dict)
    deadline: timedelta = timedelta(days=1)
    """A run that takes longer is ended; exit handlers still run."""
    keep: timedelta = timedelta(days=30)
    """How long a finished run stays in the cluster. Its record stays for ever."""

    def __post_init__(self) -> None:
        self.parameters = {**_of_the_source(self.profile), **self.parameters}
        values = {
            name: Value(
                tag=f"{{{{workflow.parameters.{name}}}}}",
                type=type(default),
                origin=f"the workflow's {name}",
                default=default,
            )
            for name, default in self.parameters.items()
        }
        self._dag = Scope(values | {"name": _of_the_run("name")})
        ending = {name: _of_the_run(name) for name in ("name", *_OF_THE_END)}
        self._exit = ExitScope(values | ending, self._dag)
        self._foreign: dict[str, ForeignTemplate] = {}

    @contextmanager
    def dag(self) -> Iterator[Scope]:
        """Collect the calls of the workflow itself."""
        with opened(self._dag):
            yield self._dag

    @contextmanager
    def on_exit(self) -> Iterator[ExitScope]:
        """Collect the calls that follow every run, failed ones too."""
        with opened(self._exit):
            yield self._exit

    def add(self, template: Any) -> ForeignTemplate:
        """Return a template that was made with Hera, to be called like any other."""
        foreign = ForeignTemplate.of(template)
        self._foreign[foreign.name] = foreign
        return foreign

    def template(self) -> WorkflowTemplate:
        """Return the pipeline as a WorkflowTemplate.

        Raises:
            UserError: something in it does not exist in the profile, or is too large for it.
        """
        return WorkflowTemplate(
            name=self.name,
            namespace=self.profile.namespace,
            annotations=_described(self.title, self.owner),
            labels=self._labels(),
            entrypoint=ENTRYPOINT,
            on_exit=EXIT if self._exit.tasks else None,
            arguments=models.Arguments(parameters=self._declared()),
            templates=[*self._flow(), *self._leaves()],
            active_deadline_seconds=int(self.deadline.total_seconds()),
            ttl_strategy=models.TTLStrategy(
                seconds_after_completion=int(self.keep.total_seconds())
            ),
            pod_gc=models.PodGC(strategy="OnWorkflowCompletion"),
            workflow_metadata=models.WorkflowMetadata(
                annotations=_described(self.title, self.owner), labels=self._labels()
            ),
            **_spec(self.profile),
        )

    def cron(
        self, name: str, *, schedules: Sequence[str], **schedule: Unpack[Schedule]
    ) -> CronWorkflow:
        """Return a CronWorkflow that starts this pipeline's WorkflowTemplate."""
        given = schedule.get("parameters", {})
        for parameter in given:
            if parameter not in self.parameters:
                raise UnknownReferenceError(self.name, "parameter", parameter, self.parameters)
        late = schedule.get("starting_deadline", timedelta(hours=6))
        return CronWorkflow(
            name=name,
            namespace=self.profile.namespace,
            annotations=_described(schedule.get("title", self.title), self.owner),
            labels=self._labels(),
            schedules=list(schedules),
            timezone=schedule.get("timezone", "Etc/UTC"),
            concurrency_policy="Forbid",
            starting_deadline_seconds=int(late.total_seconds()),
            successful_jobs_history_limit=3,
            failed_jobs_history_limit=3,
            workflow_template_ref=models.WorkflowTemplateRef(name=self.name),
            arguments=models.Arguments(
                parameters=[_parameter(key, value) for key, value in given.items()]
            )
            if given
            else None,
        )

    def _labels(self) -> dict[str, str]:
        return {"tiphys.dev/pipeline": self.name}

    def _declared(self) -> list[models.Parameter]:
        return [_parameter(name, value) for name, value in self.parameters.items()]

    def _flow(self) -> list[models.Template]:
        """Return the templates that call others: the DAG and the steps of the exit handler."""
        dag = {"tasks": [_dag_task(task) for task in self._dag.tasks.values()]}
        found = [models.Template.model_validate({"name": ENTRYPOINT, "dag": dag})]
        if self._exit.tasks:
            steps = [models.ParallelSteps(root=[_step(t)]) for t in self._exit.tasks.values()]
            found.append(models.Template(name=EXIT, steps=steps))
        return found

    def _leaves(self) -> list[models.Template]:
        """Return the templates that do the work, each once, in the order of their first call."""
        calls: dict[str, list[Task]] = {}
        for task in [*self._dag.tasks.values(), *self._exit.tasks.values()]:
            calls.setdefault(task.callee.name, []).append(task)
            if task.workers is not None and isinstance(task.callee, StepTemplate):
                found = self.profile.tier(task.callee.tier)
                tier.check_gang(task.name, found, task.workers)
        return [self._leaf(name, tasks) for name, tasks in calls.items()]

    def _leaf(self, name: str, tasks: list[Task]) -> models.Template:
        callee = tasks[0].callee
        if isinstance(callee, ForeignTemplate):
            return callee.template
        if not isinstance(callee, StepTemplate) or name in (ENTRYPOINT, EXIT):
            raise AuthoringError(name, "is no name for a template of one's own.", "Rename it.")
        if any(task.callee.named("") != callee.named("") for task in tasks):
            raise AuthoringError(name, "is the name of two templates.", "Rename one function.")
        exports = self._dag.exports
        return container.template(
            Use(template=callee, tasks=tasks, exports=exports, owner=self.owner), self.profile
        )


def _of_the_source(profile: Profile) -> dict[str, Plain]:
    """Return the parameters by which `tiphys run` says which code a run is of."""
    archive = {"code": "latest"} if isinstance(profile.source, ArchiveSource) else {}
    return {"revision": "main", **archive}


def _of_the_run(name: str) -> Value:
    return Value(tag=f"{{{{workflow.{name}}}}}", type=str, origin=f"the run's {name}")


def _described(title: str, owner: str) -> dict[str, str]:
    return {"workflows.argoproj.io/title": title, "tiphys.dev/owner": owner}


def _spec(profile: Profile) -> dict[str, Any]:
    """Return the profile's own fields of the workflow's spec, as Hera's constructor takes them."""
    spec = models.WorkflowSpec.model_validate(dict(profile.spec))
    return {name: getattr(spec, name) for name in spec.model_fields_set}


def _parameter(name: str, value: Plain) -> models.Parameter:
    return models.Parameter(name=name, value=codec.encode(value, type(value)))


def _arguments(task: Task) -> models.Arguments | None:
    optional = {a.name for a in task.callee.takes if a.kind.value.startswith("optional")}
    artifacts = [
        models.Artifact(name=name, from_=artifact.tag, optional=(name in optional) or None)
        for name, artifact in task.artifacts.items()
    ]
    if isinstance(task.callee, StepTemplate) and not task.source and task.code.task:
        artifacts.append(models.Artifact(name="code", from_=task.code.tag))
    parameters = [
        models.Parameter(name=name, value=value) for name, value in task.parameters.items()
    ]
    if not parameters and not artifacts:
        return None
    return models.Arguments(parameters=parameters or None, artifacts=artifacts or None)


def _dag_task(task: Task) -> models.DAGTask:
    return models.DAGTask(
        name=task.name,
        template=task.callee.name,
        arguments=_arguments(task),
        depends=" && ".join(task.depends) or None,
        when=task.when,
    )


def _step(task: Task) -> models.WorkflowStep:
    return models.WorkflowStep(
        name=task.name, template=task.callee.name, arguments=_arguments(task), when=task.when
    )
