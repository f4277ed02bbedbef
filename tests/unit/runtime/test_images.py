import pytest

from tiphys.manifest.model import Container, Position
from tiphys.runtime.faults import ForeignImageError, NoCommandError
from tiphys.runtime.images import Images

AT = Position("w.yaml", 7, 5)


@pytest.mark.parametrize(
    "image",
    [
        "busybox",
        "alpine:3.20",
        "docker.io/library/python:3.11-slim",
        "debian@sha256:0a",
        "tiphys.local/train",
        "registry.example:5000/flights/step@sha256:0b",
        "tool:1",
    ],
)
def test_known_images_run_their_commands(image):
    images = Images(mapped={"tool:1": ()}, repositories=("registry.example:5000/flights/step",))
    assert images.command(Container(image=image, command=("a",), args=("b",))) == ["a", "b"]


@pytest.mark.parametrize("image", ["quay.io/x/alpine", "tool:2", "evil/busybox"])
def test_foreign_images_are_refused_with_position_and_way_out(image):
    with pytest.raises(ForeignImageError, match=r"w\.yaml:7:5: .*--allow-host"):
        Images(mapped={"tool:1": ()}).command(Container(image=image, command=("a",), at=AT))


def test_any_image_runs_when_the_user_says_so():
    assert Images(allow_host=True).command(Container(image="x", command=("a",))) == ["a"]


def test_an_entrypoint_comes_before_the_arguments():
    images = Images(mapped={"tool": ("say", "it")})
    assert images.command(Container(image="tool:9", args=("loud",))) == ["say", "it", "loud"]


@pytest.mark.parametrize("images", [Images(), Images(allow_host=True)])
def test_no_known_command_is_refused(images):
    image = "busybox" if not images.allow_host else "x/y"
    with pytest.raises(NoCommandError, match=r"w\.yaml:7:5"):
        images.command(Container(image=image, at=AT))


def test_the_arguments_of_a_plain_image_are_its_command():
    assert Images().command(Container(image="alpine", args=("ls", "/"))) == ["ls", "/"]
