"""A pipeline: calls of templates, which become a WorkflowTemplate, and a schedule for it."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, TypedDict, Unpack

from hera.workflows import CronWorkflow, WorkflowTemplate, models

from tiphys.author import container, links, metrics, pod, settings, tier
from tiphys.author.container import Use
from tiphys.author.faults import AuthoringError, UnknownReferenceError
from tiphys.author.foreign import ForeignTemplate
from tiphys.author.parameter import Parameter, Plain, explained
from tiphys.author.reference import Value
from tiphys.author.scope import ExitScope, Scope, Task, opened
from tiphys.author.step import StepTemplate
from tiphys.manifest import schedule
from tiphys.manifest.profile import ArchiveSource, Profile
from tiphys.manifest.schedule import ScheduleError

ENTRYPOINT = "main"
EXIT = "exit"

_DISPLAYED_EXIT = "after-the-run"
"""What Argo's UI calls the exit handler; `NAME.onExit` otherwise."""

_REVISION = (
    "sprig.trimAll('-_.', sprig.trunc(63, "
    "sprig.regexReplaceAll('[^-A-Za-z0-9_.]', workflow.parameters.revision, '-')))"
)
"""The revision as a label may say it; Argo fails a run whose label is not valid."""

_LABEL = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")

LONGEST_CRON = 52
"""Characters in the name of a CronWorkflow: the time of a start is added to name its run."""

_OF_THE_RUN = ("name", "created")
"""What a step may be given of the run itself, beside its parameters."""

_OF_THE_END = ("status", "failures")
"""What an exit handler knows of the run besides."""


class Schedule(TypedDict, total=False):
    """When a CronWorkflow starts, and what it starts with."""

    title: str
    description: str
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
    description: str = ""
    """What Argo's UI says below the title, in Markdown."""
    parameters: Mapping[str, Plain | Parameter] = field(default_factory=dict)
    """The defaults; the submit form describes each in the words of the step that takes it."""
    deadline: timedelta = timedelta(days=1)
    """A run that takes longer is ended; exit handlers still run."""
    keep: timedelta = timedelta(days=30)
    """How long a finished run stays in the cluster. Its record stays for ever."""

    def __post_init__(self) -> None:
        for name in (*_OF_THE_RUN, *_OF_THE_END):
            if name in self.parameters:
                found = f'the parameter "{name}" would hide what a run says of itself.'
                raise AuthoringError(self.name, found, "Give it another name.")
        declared = {**_of_the_source(self.profile), **self.parameters}
        self._parameters = {name: Parameter.of(given) for name, given in declared.items()}
        values = {
            name: Value(
                tag=f"{{{{workflow.parameters.{name}}}}}",
                type=parameter.type,
                origin=f"the workflow's {name}",
                default=parameter.default,
            )
            for name, parameter in self._parameters.items()
        }
        created = _of_the_run("creationTimestamp.RFC3339")
        self._dag = Scope(values | {"name": _of_the_run("name"), "created": created})
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
            annotations=self._annotations(self.title, self.description),
            labels=self._labels(),
            entrypoint=ENTRYPOINT,
            on_exit=EXIT if self._exit.tasks else None,
            arguments=models.Arguments(parameters=self._declared()),
            templates=[*self._flow(), *self._leaves()],
            workflow_metadata=models.WorkflowMetadata(
                annotations=self._annotations(self.title, self.description),
                labels=self._labels(),
                labels_from={"tiphys.dev/revision": models.LabelValueFrom(expression=_REVISION)},
            ),
            metrics=models.Metrics.model_validate(metrics.of_workflow(self.name)),
            **settings.of_every_run(self.profile, self.deadline, self.keep),
        )

    def cron(
        self, name: str, *, schedules: Sequence[str], **options: Unpack[Schedule]
    ) -> CronWorkflow:
        """Return a CronWorkflow that starts this pipeline's WorkflowTemplate.

        Raises: AuthoringError: a schedule or its time zone is wrong, or never comes.
        """
        timezone = options.get("timezone", "Etc/UTC")
        _check_schedules(name, schedules, timezone)
        given = options.get("parameters", {})
        for parameter in given:
            if parameter not in self._parameters:
                raise UnknownReferenceError(self.name, "parameter", parameter, self._parameters)
        late = options.get("starting_deadline", timedelta(hours=6))
        return CronWorkflow(
            name=name,
            namespace=self.profile.namespace,
            annotations=self._annotations(
                options.get("title", self.title), options.get("description", self.description)
            ),
            labels=self._labels(),
            schedules=list(schedules),
            timezone=timezone,
            concurrency_policy="Forbid",
            starting_deadline_seconds=int(late.total_seconds()),
            successful_jobs_history_limit=3,
            failed_jobs_history_limit=3,
            workflow_template_ref=models.WorkflowTemplateRef(name=self.name),
            arguments=models.Arguments(
                parameters=[
                    replace(self._parameters[name], default=value).declared(name)
                    for name, value in given.items()
                ]
            )
            if given
            else None,
        )

    def _annotations(self, title: str, description: str) -> dict[str, str]:
        described = (description.strip(), links.markdown(self.profile, self.name))
        found = {
            "workflows.argoproj.io/title": title,
            "workflows.argoproj.io/description": "\n\n".join(filter(None, described)),
            "tiphys.dev/owner": self.owner,
        }
        return {name: text.strip() for name, text in found.items() if text}

    def _labels(self) -> dict[str, str]:
        owner = {"tiphys.dev/owner": self.owner} if _LABEL.fullmatch(self.owner) else {}
        return {"tiphys.dev/pipeline": self.name, **owner, **pod.LABELS}

    def _declared(self) -> list[models.Parameter]:
        tasks = (*self._dag.tasks.values(), *self._exit.tasks.values())
        return [one.declared(name) for name, one in explained(self._parameters, tasks).items()]

    def _flow(self) -> list[models.Template]:
        """Return the templates that call others: the DAG and the steps of the exit handler."""
        dag = {"tasks": [_dag_task(task) for task in self._dag.tasks.values()]}
        found = [models.Template.model_validate({"name": ENTRYPOINT, "dag": dag})]
        if self._exit.tasks:
            steps = [models.ParallelSteps(root=[_step(t)]) for t in self._exit.tasks.values()]
            shown = {"workflows.argoproj.io/display-name": _DISPLAYED_EXIT}
            found.append(models.Template(name=EXIT, annotations=shown, steps=steps))
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
            Use(
                template=callee,
                tasks=tasks,
                exports=exports,
                pipeline=self.name,
                owner=self.owner,
            ),
            self.profile,
        )


def _check_schedules(name: str, schedules: Sequence[str], timezone: str) -> None:
    """Find here what Argo's controller would write into its log only (argo-workflows#14350)."""
    if not schedules:
        raise AuthoringError(name, "has no schedule.", 'Give one: schedules=["0 3 2 * *"].')
    if len(name) > LONGEST_CRON:
        found = f"has {len(name)} characters."
        raise AuthoringError(name, found, f"A schedule's name has at most {LONGEST_CRON}.")
    for text in schedules:
        try:
            schedule.parse(text, timezone)
        except ScheduleError as wrong:
            subject = f"{name}: {wrong.where}"
            raise AuthoringError(subject, wrong.found, wrong.advice) from None


def _of_the_source(profile: Profile) -> dict[str, Parameter]:
    """Return the parameters by which `tiphys run` says which code a run is of."""
    revision = "Branch, tag or commit of the code and of the data's pin."
    code = "The archive that `tiphys run --on` has uploaded, by its hash."
    archive = {"code": Parameter(default="latest", description=code)}
    return {
        "revision": Parameter(default="main", description=revision),
        **(archive if isinstance(profile.source, ArchiveSource) else {}),
    }


def _of_the_run(name: str) -> Value:
    return Value(tag=f"{{{{workflow.{name}}}}}", type=str, origin=f"the run's {name}")


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
