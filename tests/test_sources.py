"""The order of the sources, and what users are told."""

from __future__ import annotations

import socket
import sys
from types import SimpleNamespace

import pytest
from conftest import make_cifar10, make_mnist

from cifarlib.data import sources
from cifarlib.errors import CourseError


def test_a_mirror_goes_before_the_cache(tiny):
    make_cifar10(tiny)
    make_cifar10(sources.keras_home())
    raw = sources.arrays("cifar10", mirror=tiny)
    assert raw.provenance.source == "mirror"
    assert raw.provenance.location == str(tiny / "datasets/cifar-10-batches-py")
    assert sources.arrays("cifar10", "cache", mirror=tiny).provenance.source == "keras cache"


def test_the_variable_names_a_mirror_and_the_argument_wins(tiny, tmp_path, monkeypatch):
    make_mnist(tiny)
    monkeypatch.setenv("CIFARLIB_MIRROR", str(tiny))
    assert sources.arrays("mnist").provenance.source == "mirror"
    with pytest.raises(CourseError, match="The argument `mirror` names"):
        sources.arrays("mnist", mirror=tmp_path / "elsewhere")


@pytest.mark.parametrize("source", ["auto", "mirror"])
def test_a_mirror_that_does_not_exist_is_never_passed_over(tiny, monkeypatch, source):
    make_mnist(sources.keras_home())
    monkeypatch.setenv("CIFARLIB_MIRROR", str(tiny / "nowhere"))
    with pytest.raises(
        CourseError, match=r"CIFARLIB_MIRROR names .*nowhere, which is not a folder"
    ):
        sources.arrays("mnist", source)


def test_a_mirror_without_this_data_set_is_said_in_the_note(tiny):
    make_mnist(sources.keras_home())
    origin = sources.arrays("mnist", mirror=tiny).provenance
    assert origin.source == "keras cache"
    assert "The mirror holds no MNIST" in origin.note


def test_no_data_anywhere_lists_the_places_and_the_ways_out(tiny):
    with pytest.raises(CourseError) as caught:
        sources.arrays("cifar10", mirror=tiny)
    message = str(caught.value)
    for part in (
        f"mirror {tiny}: no datasets/cifar-10-batches-py",
        f"Keras cache {sources.keras_home()}: no datasets/cifar-10-batches-py",
        "download: the network is unreachable",
        "cifarlib data fetch cifar10",
        "cifarlib data bundle FOLDER",
        "source='embedded'",
        "cifarlib doctor",
    ):
        assert part in message


@pytest.mark.parametrize("source", ["mirror", "cache", "download"])
def test_a_single_source_looks_nowhere_else(tiny, source):
    if source != "cache":
        make_mnist(sources.keras_home())
    if source != "mirror":
        make_mnist(tiny)
    with pytest.raises(CourseError, match="No MNIST found") as caught:
        sources.arrays("mnist", source, mirror=None if source == "mirror" else tiny)
    looked = str(caught.value).split("Ways out")[0]
    assert looked.count("  - ") == 1


def test_embedded_data_only_on_request_and_labelled(tiny):
    raw = sources.arrays("cifar10", "embedded", mirror=tiny)
    assert "stand-in" in raw.title
    assert "stand-in" in raw.provenance.note
    assert raw.provenance.exact is None


@pytest.mark.parametrize(
    "layout",
    ["datasets/cifar-10-batches-py", "datasets/cifar-10-batches-py-target/cifar-10-batches-py"],
)
def test_both_layouts_of_keras_are_found(tiny, layout):
    folder = make_cifar10(tiny, layout)
    assert sources.arrays("cifar10", mirror=tiny).provenance.location == str(folder)
    assert sources.found("cifar10", tiny) == folder
    assert sources.found("mnist", tiny) is None


def test_a_copy_that_is_not_official_says_so(tiny):
    make_cifar10(tiny)
    origin = sources.arrays("cifar10", mirror=tiny).provenance
    assert origin.exact is False
    assert "read from a mirror whose files are not the official ones (MD5 differs)" in origin.note
    assert len(origin.as_dict()["digest"]) == 64


def test_damage_is_an_error_and_never_a_reason_to_look_further(tiny):
    make_cifar10(sources.keras_home())
    batch = make_cifar10(tiny) / "data_batch_3"
    batch.write_bytes(batch.read_bytes()[:1000])
    with pytest.raises(CourseError, match="data_batch_3 is damaged or cut short"):
        sources.arrays("cifar10", mirror=tiny)


def test_unknown_names_list_the_choices(tiny):
    with pytest.raises(CourseError, match=r"no data set 'cifar100'.*mnist or cifar10"):
        sources.arrays("cifar100")
    with pytest.raises(CourseError, match=r"no data source 'web'.*download or embedded"):
        sources.arrays("mnist", "web")


@pytest.fixture
def keras_that(monkeypatch, tmp_path):
    """Put a made-up `keras.utils.get_file` in place of the real one; Keras is not imported."""
    monkeypatch.delenv("CIFARLIB_MIRROR", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "new" / "cache"))

    def install(get_file):
        keras = SimpleNamespace(utils=SimpleNamespace(get_file=get_file))
        monkeypatch.setitem(sys.modules, "keras", keras)

    return install


def test_a_download_appears_in_the_cache_at_the_end(keras_that, tmp_path, monkeypatch):
    def get_file(fname, origin, file_hash, extract, cache_dir):
        assert origin.endswith("cifar-10-python.tar.gz")
        assert extract
        assert len(file_hash) == 64
        assert socket.getdefaulttimeout() == 20
        assert not sources.found("cifar10")
        below = tmp_path.__class__(cache_dir) / "datasets"
        (below / fname / "cifar-10-batches-py").mkdir(parents=True)
        (below / f"{fname}_archive").write_bytes(b"tar")

    keras_that(get_file)
    path, place, note = sources.find("cifar10")
    assert (place, note) == ("download", "")
    assert path == sources.locate("cifar10", sources.keras_home())
    assert sorted(p.name for p in sources.keras_home().iterdir()) == ["datasets"]
    assert (sources.keras_home() / "datasets/cifar-10-batches-py-target_archive").is_file()
    assert socket.getdefaulttimeout() is None


def test_a_failed_download_leaves_nothing_and_is_explained(keras_that, tmp_path):
    def get_file(fname, cache_dir, **_):
        below = tmp_path.__class__(cache_dir) / "datasets"
        below.mkdir()
        (below / fname).write_bytes(b"half")
        raise Exception("URL fetch failure: timed out")

    keras_that(get_file)
    with pytest.raises(CourseError, match="download: URL fetch failure: timed out"):
        sources.arrays("mnist")
    assert list(sources.keras_home().iterdir()) == []
    assert socket.getdefaulttimeout() is None


def test_weights_that_are_nowhere_offer_no_stand_in(tiny):
    with pytest.raises(CourseError, match="No VGG16 weights found") as e:
        sources.find("vgg16")
    assert "embedded" not in str(e.value)


def test_the_real_mnist_is_proven_official(mirror):
    origin = sources.arrays("mnist", mirror=mirror).provenance
    assert (origin.exact, origin.note) == (True, "")
