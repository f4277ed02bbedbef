import re
from pathlib import Path

import click
import pytest

from tiphys.cli import main
from tiphys.errors import UnknownNameError, UserError

README = Path(__file__).parents[3] / "README.md"


def raises(problem):
    """Return a command that ends with *problem*."""

    @click.command()
    def command():
        raise problem

    return command


@pytest.fixture
def run_command(monkeypatch):
    """Return a function that runs *command* as `tiphys x` and gives the exit code."""

    def run_it(command):
        monkeypatch.setattr(main.Commands, "get_command", lambda *_: command)
        return main.run(["x"])

    return run_it


@pytest.mark.parametrize(
    ("problem", "code", "text"),
    [
        (UserError("a.yaml:3:1", "no such thing.", "Do this."), 2, "a.yaml:3:1: no such thing. Do"),
        (UnknownNameError("x", "tier", "gpu1", ["gpu-1"]), 2, 'Did you mean "gpu-1"?'),
        (click.UsageError("wrong"), 2, "wrong"),
        (KeyboardInterrupt(), 130, ""),
        (BrokenPipeError(), 0, ""),
        (ZeroDivisionError(), 3, "this is a bug of Tiphys"),
    ],
    ids=["user", "name", "usage", "interrupt", "pipe", "bug"],
)
def test_every_end_has_its_code_and_its_sentence(run_command, capsys, problem, code, text):
    assert run_command(raises(problem)) == code
    assert text in capsys.readouterr().err


def test_a_bug_leaves_a_file_with_its_traceback(run_command, capsys):
    run_command(raises(ZeroDivisionError("here")))
    path = re.search(r"details: (\S+)", capsys.readouterr().err)[1]
    assert "ZeroDivisionError: here" in Path(path).read_text()
    Path(path).unlink()


def test_the_file_of_a_bug_holds_no_token(run_command, capsys, monkeypatch):
    header = ValueError('Invalid header value b"Bearer it\'s se cret\\n"')
    run_command(raises(header))
    path = Path(re.search(r"details: (\S+)", capsys.readouterr().err)[1])
    written = path.read_text()
    path.unlink()
    assert "Invalid header value" in written
    assert "cret" not in written
    monkeypatch.setattr(main.tempfile, "NamedTemporaryFile", no_room)
    run_command(raises(header))
    assert "cret" not in capsys.readouterr().err


def no_room(*_, **__):
    raise OSError


def test_a_command_says_how_it_ended(run_command):
    @click.command()
    def command():
        return 1

    assert run_command(command) == 1


def test_help_names_every_command_and_imports_none(capsys):
    assert main.run(["--help"]) == 0
    printed = capsys.readouterr().out
    assert all(name in printed for name in main.COMMANDS)


def test_an_unknown_command_is_the_users_mistake(capsys):
    assert main.run(["nope"]) == 2
    assert "No such command 'nope'" in capsys.readouterr().err


@pytest.mark.parametrize("name", main.COMMANDS)
def test_every_command_is_there_and_explains_itself(name, capsys):
    assert main.run([name, "--help"]) == 0
    assert "Usage" in capsys.readouterr().out


@pytest.mark.parametrize("name", main.COMMANDS)
def test_every_command_is_in_the_readme(name):
    assert f"tiphys {name}" in README.read_text()
