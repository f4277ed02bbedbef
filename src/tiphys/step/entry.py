"""The container's entry point: argv to a typed call, its result to files, its failure to a code."""

import contextlib
import dataclasses
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from tiphys.errors import UnknownNameError
from tiphys.step import codec, failures, report
from tiphys.step.failures import ExitCode, WrongInput
from tiphys.step.forms import Misfit
from tiphys.step.signature import METRICS, Argument, ArgumentKind, Signature, read

RETURNS = "returns."
"""`--returns.<field>=<path>`: where that field of the returned dataclass is to be written."""

MESSAGE_BYTES = 4096
"""What Kubernetes keeps of a termination log."""


class BadCall(WrongInput):
    """An argument that is not what the function takes."""

    def __init__(self, entry: str, what: str, found: str, expected: str) -> None:
        super().__init__(f"{entry}: {what}: found {found}, expected {expected}.")


class UnknownFunction(WrongInput):
    """A `module:function` that is not there."""

    def __init__(self, entry: str, missing: str, folder: str) -> None:
        super().__init__(f"{entry}: there is no {missing}, looked for from {folder}.")


class MissingOutputError(Exception):
    """A step that ended well without writing what it promised."""

    def __init__(self, entry: str, argument: str, path: Path) -> None:
        super().__init__(f'{entry} did not write its output artifact "{argument}" to {path}.')


class WrongReturnError(Exception):
    """A step that returned something other than its signature says."""

    def __init__(self, entry: str, what: str, found: str) -> None:
        super().__init__(f"{entry} returned {what}{found}.")


def main(argv: Sequence[str]) -> int:
    """Run `module:function --name=value …` and return the exit code of the step."""
    written = {
        name.removeprefix(RETURNS): value
        for name, value in map(_split, argv)
        if name.startswith(RETURNS)
    }
    with _metrics(written.get(METRICS)):
        try:
            _run(argv, written)
        except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 -- the process ends here
            return _fail(error)
        else:
            return ExitCode.DONE


def _run(argv: Sequence[str], written: Mapping[str, str]) -> None:
    if not argv:
        raise BadCall("tiphys.step", "function", "nothing", "module:function --name=value …")
    given = _options(argv[1:])
    function = _load(argv[0])
    signature = read(function)
    values = arguments(signature, {k: v for k, v in given.items() if not k.startswith(RETURNS)})
    result = function(**values)
    _check_outputs(signature, values)
    _write_results(signature, result, written)


def arguments(signature: Signature, given: Mapping[str, str]) -> dict[str, Any]:
    """Return the keyword arguments of the call, typed.

    Raises:
        UserError: a name is unknown or missing, or a text is not of its type.
    """
    known = {argument.name: argument for argument in signature.arguments}
    for name in given:
        if name not in known:
            raise UnknownNameError(signature.entry, "argument", name, known)
    values = {}
    for name, argument in known.items():
        if name in given:
            values[name] = _value(signature.entry, argument, given[name])
        elif argument.kind is ArgumentKind.OPTIONAL_INPUT:
            values[name] = None
        elif argument.required:
            expected = f"--{name}=<{_expected(argument)}>"
            raise BadCall(signature.entry, f"{argument.kind} {name}", "nothing", expected)
    return values


def _split(word: str) -> tuple[str, str]:
    name, _, value = word.removeprefix("--").partition("=")
    return name, value


def _options(argv: Sequence[str]) -> dict[str, str]:
    given: dict[str, str] = {}
    for word in argv:
        name, value = _split(word)
        if not (word.startswith("--") and "=" in word and name):
            raise BadCall("tiphys.step", "argument", word, "--name=value")
        if name in given:
            raise BadCall("tiphys.step", "argument", f"--{name} twice", "it once")
        given[name] = value
    return given


def _load(entry: str) -> Callable[..., Any]:
    name, _, attribute = entry.partition(":")
    if (folder := str(Path.cwd())) not in sys.path[:1]:
        sys.path.insert(0, folder)  # the project's code, before any installed package of its name
    try:
        module = import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise
        raise UnknownFunction(entry, f"module {error.name}", folder) from None
    function = getattr(module, attribute, None)
    if not callable(function):
        raise UnknownFunction(entry, f'function "{attribute}" in {name}', folder)
    found: Callable[..., Any] = function
    return found


def _value(entry: str, argument: Argument, text: str) -> Any:
    match argument.kind:
        case ArgumentKind.PARAMETER:
            try:
                return codec.decode(text, argument.type)
            except Misfit as misfit:
                what = ".".join(filter(None, [argument.name, misfit.path]))
                raise BadCall(entry, f"parameter {what}", misfit.found, misfit.expected) from None
        case ArgumentKind.OUTPUT:
            path = Path(text).absolute()
            path.parent.mkdir(parents=True, exist_ok=True)
            return path
        case ArgumentKind.OPTIONAL_INPUT:
            path = Path(text).absolute()
            return path if path.exists() else None
        case ArgumentKind.INPUT:
            path = Path(text).absolute()
            if not path.exists():
                what = f"input artifact {argument.name}"
                raise BadCall(entry, what, f"nothing at {text}", "a file or a directory")
            return path


def _expected(argument: Argument) -> str:
    if argument.kind is ArgumentKind.PARAMETER:
        return codec.describe(argument.type)
    return "path"


def _check_outputs(signature: Signature, values: Mapping[str, Any]) -> None:
    for argument in signature.of_kind(ArgumentKind.OUTPUT):
        if not values[argument.name].exists():
            raise MissingOutputError(signature.entry, argument.name, values[argument.name])


def _write_results(signature: Signature, result: Any, written: Mapping[str, str]) -> None:
    for field in signature.results:
        if not dataclasses.is_dataclass(result):
            raise WrongReturnError(signature.entry, "", repr(result))
        if path := written.get(field.name):
            try:
                text = codec.encode(getattr(result, field.name), field.type)
            except Misfit as misfit:
                raise WrongReturnError(signature.entry, f"{field.name}: ", str(misfit)) from None
            _write(Path(path), text)


def _write(path: Path, text: str) -> None:
    """Write *text* so that it is read back whole: Argo cuts one newline (rule 34)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text + "\n" * text.endswith("\n"), encoding="utf-8", newline="")


def _fail(error: BaseException) -> int:
    code = failures.exit_code(error)
    message = failures.message(error)
    if code in (ExitCode.FAILED, ExitCode.BAD_DEVICE, ExitCode.INTERRUPTED):
        import traceback  # noqa: PLC0415 -- a step that ends well does not pay for it

        traceback.print_exception(error)
        if code is not ExitCode.BAD_DEVICE:
            message = "".join(traceback.format_exception_only(error)).strip()
    else:
        print(message, file=sys.stderr, flush=True)  # noqa: T201 -- the log of the step
    _leave_message(message)
    return code


def _leave_message(message: str) -> None:
    """Write *message* where Kubernetes looks for it, cut to what it keeps."""
    configured = os.environ.get("TIPHYS_TERMINATION_LOG")
    path = Path(configured or "/dev/termination-log")
    if configured or path.exists():
        text = message.encode()[:MESSAGE_BYTES].decode(errors="ignore")
        with contextlib.suppress(OSError):
            path.write_text(text, encoding="utf-8")


@contextlib.contextmanager
def _metrics(path: str | None) -> Iterator[None]:
    """Gather metrics, of child processes too, and leave their last values at *path*.

    They are gathered beside it, not in memory: the workers of a gang are other processes. What is
    there is written also when the step has failed.
    """
    if path is None:
        yield
        return
    gathered = Path(f"{path}.lines").absolute()
    gathered.parent.mkdir(parents=True, exist_ok=True)
    before = os.environ.get(report.METRICS_FILE)
    os.environ[report.METRICS_FILE] = str(gathered)
    try:
        yield
    finally:
        _write(Path(path), json.dumps(report.last_values(gathered), ensure_ascii=False))
        gathered.unlink(missing_ok=True)
        os.environ.pop(report.METRICS_FILE)
        if before is not None:
            os.environ[report.METRICS_FILE] = before
