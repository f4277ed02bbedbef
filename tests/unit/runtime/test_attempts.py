"""The driver's side of the nursery, where the nursery cannot live."""

import selectors

import pytest

from tiphys.runtime import attempts


def listen(selector):
    """Do what the driver does while it waits."""
    while ready := selector.select(timeout=10):
        for key, _ in ready:
            key.data()


def test_a_nursery_that_always_ends_at_once_is_given_up(tmp_path, monkeypatch):
    broken = tmp_path / "nursery.py"
    broken.write_text("raise SystemExit(7)")
    monkeypatch.setattr(attempts.nursery, "__file__", str(broken))
    with selectors.DefaultSelector() as selector:
        started = attempts.Attempts(selector)
        with pytest.raises(attempts.NurseryError, match="ends at once with code 7"):
            listen(selector)
        started.close()
