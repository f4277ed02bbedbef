"""A profile: what is read from it, and what is said when it is wrong."""

from decimal import Decimal

import pytest

from tiphys.errors import UnknownNameError
from tiphys.manifest import profiles
from tiphys.manifest.profile import ArgoServer, GitSource
from tiphys.manifest.settings import SettingsError

WHOLE = """\
namespace: ml
images: registry.example/flights
tiers:
  cpu-small: {requests: {cpu: 1, memory: 2Gi}}
  gpu-2:
    limits: {amd.com/gpu: 2, memory: 64Gi, hugepages-2Mi: 1}
    nodeSelector: {accelerator: mi300}
    tolerations: [{key: gpu, operator: Exists}]
    runtimeClassName: kata
    nodes: 2
    capacity: 16
    price: 2.40
source: {git: "https://git.example.com/flights.git"}
storage: {artifacts: s3://a, registry: s3://r, checkpoints: s3://c, dvc: s3://d}
credentials: {secret: s3, access: key, secretKey: secret, endpoint: "http://s3:7070"}
serving: {kubernetes: {namespace: ml}}
argo: {server: "http://argo:2746", token: {env: TOKEN}}
spec: {serviceAccountName: training}
"""

IMAGES = "step: {image: registry.example/flights/step@sha256:1, lock: abc}\n"


@pytest.fixture
def folder(tmp_path):
    """A profile's folder; call it with the text of its files."""

    def write(profile=WHOLE, images=IMAGES):
        (tmp_path / "profile.yaml").write_text(profile)
        if images is not None:
            (tmp_path / "images.yaml").write_text(images)
        return tmp_path

    return write


def problems(folder):
    with pytest.raises(SettingsError) as caught:
        profiles.load(folder)
    return [line.replace(str(folder), "") for line in caught.value.problems]


def test_a_profile_says_what_its_names_mean(folder):
    profile = profiles.load(folder())

    tier = profile.tier("gpu-2")
    assert (tier.devices, tier.nodes, tier.capacity, tier.price) == (2, 2, 16, Decimal("2.4"))
    assert tier.pod == {"runtimeClassName": "kata"}
    assert profile.tier("cpu-small").requests == {"cpu": "1", "memory": "2Gi"}
    assert profile.source == GitSource(git="https://git.example.com/flights.git")
    assert profile.target == "kubernetes"
    assert profile.image("step") == "registry.example/flights/step@sha256:1"
    assert profile.argo == ArgoServer(server="http://argo:2746", token_variable="TOKEN")  # noqa: S106


def test_a_laptop_has_no_images_but_a_name_for_each_role(folder):
    text = WHOLE.replace("registry.example/flights", "none")

    profile = profiles.load(folder(text, images=None))

    assert profile.image("train") == "tiphys.local/train"


@pytest.mark.parametrize("server", ["argo.example.com", "argo:2746", "grpc://argo", ""])
def test_an_argo_server_has_a_scheme(folder, server):
    text = WHOLE.replace("http://argo:2746", server)

    (problem,) = problems(folder(text))

    said = f'/profile.yaml:17:8: argo.server is "{server}", expected a URL. '
    assert problem == said + "Write it with https:// or http:// before it."


def test_an_unknown_tier_names_those_there_are(folder):
    with pytest.raises(UnknownNameError, match=r'no tier "gpu-8".*Did you mean "gpu-2"'):
        profiles.load(folder()).tier("gpu-8")


def test_an_unknown_role_names_those_there_are(folder):
    with pytest.raises(UnknownNameError, match=r"images.yaml: there is no role.*There are: step"):
        profiles.load(folder()).image("quality")


def test_every_problem_is_told_at_once_with_its_line(folder):
    wrong = (
        WHOLE.replace("cpu: 1", "cpu: true")
        .replace("namespace: ml\nimages", "namespase: ml\nimages")
        .replace("price: 2.40", "price: cheap")
        .replace("capacity: 16", 'capacity: "16"')
        .replace("runtimeClassName", "runtimeClasName")
        .replace(", dvc: s3://d", "")
    )

    assert problems(folder(wrong)) == [
        (
            "/profile.yaml:4:26: tiers.cpu-small.requests.cpu is True, "
            "expected a quantity such as 2 or 4Gi."
        ),
        "/profile.yaml:11:5: tiers.gpu-2.capacity is '16', expected a whole number.",
        "/profile.yaml:12:5: price is 'cheap', expected an amount an hour such as 2.40.",
        '/profile.yaml:9:5: unknown key "runtimeClasName". Did you mean "runtimeClassName"?',
        '/profile.yaml:14:1: there is no "storage.dvc".',
        '/profile.yaml:1:1: unknown key "namespase". Did you mean "namespace"?',
    ]


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("gang: pod", "gang: swarm", 'gang is "swarm", expected pod or jobset.'),
        ("tiers:", "tiers: none\nspec:", "tiers is 'none', expected a mapping."),
        ("[{key: gpu, operator: Exists}]", "gpu", "tolerations is 'gpu', expected a list."),
    ],
)
def test_a_value_of_the_wrong_shape_is_a_problem(folder, old, new, found):
    text = ("gang: pod\n" + WHOLE).replace("spec: {serviceAccountName: training}\n", "")

    assert any(found in problem for problem in problems(folder(text.replace(old, new))))


def test_links_have_names(folder):
    text = WHOLE + 'links: {"All runs": "https://argo.example/workflows?label=p={pipeline}"}\n'

    assert profiles.load(folder(text)).links == {
        "All runs": "https://argo.example/workflows?label=p={pipeline}"
    }


@pytest.mark.parametrize(
    ("link", "found"),
    [
        ("Logs: logs.example", "Logs: logs.example is no link. Expected a name without brackets"),
        ('Logs: "javascript:alert(1)"', "javascript:alert(1) is no link."),
        ('Logs: "https://a.example/) ![x](b"', "is no link."),
        ('"[Logs]": "https://a.example"', "[Logs]: https://a.example is no link."),
        ("Logs: 1", "Logs: 1 is no link."),
    ],
)
def test_what_is_no_link_is_a_problem(folder, link, found):
    (problem,) = problems(folder(f"{WHOLE}links: {{{link}}}\n"))

    assert problem.startswith("/profile.yaml:19:")
    assert found in problem


def test_code_lies_where_runs_look_for_it(folder):
    archived = WHOLE.replace('{git: "https://git.example.com/flights.git"}', "archive")
    lines = archived.replace("dvc: s3://d}", "dvc: s3://d, code: s3://flights/artifacts/code}")

    (problem,) = problems(folder(lines))

    assert "code is s3://flights/artifacts/code, where no run looks for the code." in problem
    assert "Write s3://BUCKET/code" in problem


@pytest.mark.parametrize(
    ("spec", "found"),
    [
        ("podGc: {}", 'unknown key "podGc". Did you mean "podGC"?'),
        ("metrics: {}", "spec.metrics is written by each pipeline. Leave it out."),
        ("securityContext: 3", "spec.securityContext is 3, expected a mapping."),
    ],
)
def test_a_profile_says_no_more_of_a_workflow_than_it_may(folder, spec, found):
    (problem,) = problems(folder(WHOLE.replace("serviceAccountName: training", spec)))

    assert problem == f"/profile.yaml:18:8: {found}"


def test_what_is_said_twice_is_told_with_both_lines(folder):
    (problem,) = problems(folder(f"{WHOLE}tiers: {{cpu-small: {{requests: {{cpu: 2}}}}}}\n"))

    assert problem == '/profile.yaml:19:1: "tiers" is said twice. First on line 3.'


def test_a_missing_file_says_what_to_do(folder, tmp_path):
    (problem,) = problems(folder(images=None))
    assert problem.startswith(
        "/images.yaml: is missing. Build the images: .venv/bin/python .ci/images.py "
    )
    assert "cannot be read" in problems(tmp_path / "nowhere")[0]


def test_what_is_no_yaml_is_told_with_its_line(folder):
    assert problems(folder("namespace: [\n"))[0].startswith("/profile.yaml:2: is no YAML")


def test_an_empty_profile_lacks_everything_it_must_have(folder):
    assert '/profile.yaml: there is no "images".' in problems(folder(""))


def test_a_tier_of_nodes_that_may_be_taken_away_names_those_that_stay(folder):
    stays = "    onDemand: {nodeSelector: {accelerator: dear}, tolerations: [{key: dear}]}\n"

    tier = profiles.load(folder(WHOLE.replace("    nodes: 2\n", stays))).tier("gpu-2")

    assert tier.on_demand is not None
    assert tier.on_demand.node_selector == {"accelerator": "dear"}
    assert tier.on_demand.tolerations == ({"key": "dear"},)


def test_a_label_that_only_the_nodes_that_stay_have_cannot_choose_between_them(folder):
    stays = "    onDemand: {nodeSelector: {pool: dear}}\n"

    (problem,) = problems(folder(WHOLE.replace("    nodes: 2\n", stays)))

    assert "Say pool in the tier's nodeSelector, too." in problem


def with_own_credentials(default="", dvc=""):
    """Return a profile whose data have keys of their own, and what is said where both lie."""
    keys = "access: a, secretKey: b"
    own = f"credentials: {{default: {{secret: s3, {keys}{default}}}, "
    own += f"dvc: {{secret: data, {keys}{dvc}}}}}"
    return "\n".join(own if line.startswith("credentials") else line for line in WHOLE.splitlines())


def test_a_storage_may_have_credentials_of_its_own(folder):
    profile = profiles.load(folder(with_own_credentials()))

    found = [profile.credentials_of(url) for url in ("s3://d/files", "s3://d2", "s3://r")]
    assert [each.secret for each in found] == ["data", "s3", "s3"]


def test_a_storage_lies_where_the_others_do_unless_it_says_where(folder):
    near = ', endpoint: "http://s3:7070", region: lab'
    same = profiles.load(folder(with_own_credentials(near)))
    other = profiles.load(folder(with_own_credentials(near, ', endpoint: "https://far"')))

    found = [each.credentials_of("s3://d/files") for each in (same, other)]
    assert [each.endpoint for each in found] == ["http://s3:7070", "https://far"]
    assert [each.region for each in found] == ["lab", "lab"]


def test_credentials_of_a_storage_that_is_none_are_an_error(folder):
    own = "credentials: {default: {secret: s3, access: a, secretKey: b}, data: {secret: s3}}"
    lines = [own if line.startswith("credentials") else line for line in WHOLE.splitlines()]

    assert any('unknown key "data"' in line for line in problems(folder("\n".join(lines))))
