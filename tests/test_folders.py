"""Images of one's own, with everything that goes wrong with them."""

from __future__ import annotations

import os
import warnings

import numpy as np
import pytest
from PIL import Image

from cifarlib.data.image_folders import load_folder
from cifarlib.errors import CourseError

RED, BLUE = (200, 0, 0), (0, 0, 200)


def save(path, color=RED, mode="RGB", size=(40, 30), **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, color).convert(mode).save(path, **options)


@pytest.fixture
def pets(tmp_path):
    """Ten red cats and ten blue dogs."""
    for number in range(10):
        save(tmp_path / "pets" / "cat" / f"{number}.png", RED, size=(40 + number, 30))
        save(tmp_path / "pets" / "dog" / f"{number}.jpg", BLUE)
    return tmp_path / "pets"


@pytest.fixture(autouse=True)
def _no_unexpected_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def test_a_folder_becomes_a_data_set(pets):
    data = load_folder(pets, size=(24, 32))
    assert data.class_names == ("cat", "dog")
    assert data.input_shape == (24, 32, 3)
    assert [len(x) for x in (data.x_train, data.x_val, data.x_test)] == [12, 4, 4]
    for x, y in (
        (data.x_train, data.y_train),
        (data.x_val, data.y_val),
        (data.x_test, data.y_test),
    ):
        assert (x.dtype, y.dtype) == (np.uint8, np.int32)
        assert np.bincount(y).tolist() == [len(y) / 2] * 2
        assert (x[y == 0][..., 0] > 150).all()
        assert (x[y == 1][..., 2] > 150).all()
    assert (data.provenance.source, data.provenance.exact, data.provenance.note) == (
        "folder",
        None,
        "",
    )
    assert repr(data).startswith(
        "Images in the folder pets: 12 train, 4 val, 4 test images of 24x32x3"
    )


def test_order_depends_on_the_seed_alone(pets):
    first, again, other = (load_folder(pets, seed=seed) for seed in (0, 0, 1))
    assert first.provenance.digest == again.provenance.digest != other.provenance.digest
    assert len(set(first.y_train[:6])) == 2  # classes are mixed


def test_grayscale(pets):
    assert load_folder(pets, color="grayscale").input_shape == (32, 32, 1)


@pytest.mark.parametrize("val", ["val", "validation", "valid"])
def test_parts_that_are_there_are_kept(tmp_path, val):
    for part, n in (("train", 6), (val, 2), ("test", 3)):
        for number in range(n):
            save(tmp_path / part / "cat" / f"{number}.png")
            save(tmp_path / part / "dog" / f"{number}.png", BLUE)
    data = load_folder(tmp_path)
    assert [len(x) for x in (data.x_train, data.x_val, data.x_test)] == [12, 4, 6]
    assert data.split == "folders"


def test_a_missing_part_is_taken_from_the_training_images(tmp_path):
    for part, n in (("train", 10), ("test", 3)):
        for number in range(n):
            save(tmp_path / part / "cat" / f"{number}.png")
            save(tmp_path / part / "dog" / f"{number}.png", BLUE)
    data = load_folder(tmp_path)
    assert [len(x) for x in (data.x_train, data.x_val, data.x_test)] == [16, 4, 6]
    assert data.split == "stratified"


@pytest.mark.parametrize("mode", ["L", "1", "P", "CMYK", "RGBA", "LA", "I;16"])
@pytest.mark.parametrize("color", ["rgb", "grayscale"])
def test_every_kind_of_pixel_is_read(pets, mode, color):
    extension = "tif" if mode == "CMYK" else "png"
    if mode == "I;16":
        bright = np.full((30, 40), 60_000, np.uint16)
        Image.fromarray(bright).save(pets / "cat" / "extra.png")
    else:
        save(pets / "cat" / f"extra.{extension}", (255, 255, 255), mode)
    data = load_folder(pets, color=color)
    assert len(data.x_train) + len(data.x_val) + len(data.x_test) == 21
    images = np.concatenate([data.x_train, data.x_val, data.x_test])
    assert (images.reshape(21, -1).min(axis=1) > 225).sum() == 1  # the extra one is bright


def test_transparent_parts_become_white(pets):
    Image.new("RGBA", (8, 8), (0, 0, 0, 0)).save(pets / "cat" / "ghost.png")
    data = load_folder(pets)
    images = np.concatenate([data.x_train, data.x_val, data.x_test])
    assert (images.reshape(21, -1).min(axis=1) == 255).sum() == 1


def test_photographs_are_turned_upright(tmp_path):
    turned = Image.new("RGB", (40, 20), "black")
    turned.paste("white", (0, 0, 20, 20))  # bright on the left; "6" says: top is at the right
    exif = Image.Exif()
    exif[0x0112] = 6
    for number in range(3):
        save(tmp_path / "b" / f"{number}.png")
        (tmp_path / "a").mkdir(exist_ok=True)
        turned.save(tmp_path / "a" / f"{number}.jpg", exif=exif)
    data = load_folder(tmp_path)
    image = data.x_train[data.y_train == 0][0]
    assert image[:12].mean() > 200
    assert image[-12:].mean() < 50


def test_what_cannot_be_used_is_skipped_and_named_once(pets):
    (pets / "cat" / "notes.txt").write_text("no image")
    (pets / "cat" / "empty.png").touch()
    whole = (pets / "dog" / "0.jpg").read_bytes()
    (pets / "dog" / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    (pets / "dog" / "lost.png").symlink_to(pets / "nowhere.png")
    (pets / "dog" / ".hidden").write_text("passed over in silence")
    (pets / "bird").mkdir()
    (pets / "stray.png").write_bytes(b"")
    os.mkfifo(pets / "dog" / "pipe.png")

    with pytest.warns(UserWarning, match="Skipped 7: ") as caught:
        data = load_folder(pets)

    assert len(caught) == 1
    message = str(caught[0].message)
    for part in (
        os.path.join("cat", "notes.txt") + " (not an image",
        os.path.join("cat", "empty.png"),
        os.path.join("dog", "cut.jpg"),
        os.path.join("dog", "lost.png") + " (not a file, or a link that leads nowhere)",
        os.path.join("dog", "pipe.png"),
        "bird (no usable image)",
        "stray.png (in no class folder",
    ):
        assert part in message
    assert data.provenance.note.startswith("Skipped 7: ")
    assert data.class_names == ("cat", "dog")
    assert len(data.x_train) + len(data.x_val) + len(data.x_test) == 20


def test_folders_are_never_followed_twice(pets):
    (pets / "cat" / "loop").symlink_to(pets)
    (pets / "cat" / "dogs").symlink_to(pets / "dog")
    (pets / "kitten").symlink_to(pets / "cat")
    save(pets / "dog" / "more" / "deep" / "0.png", BLUE)
    (pets / "dog" / "more" / "again").symlink_to(pets / "dog" / "more" / "deep")
    with pytest.warns(UserWarning, match="link to a folder that is read anyway"):
        data = load_folder(pets)
    assert data.class_names == ("cat", "dog")
    assert len(data.x_train) + len(data.x_val) + len(data.x_test) == 21


def test_links_in_a_circle_are_named(pets):
    (pets / "all").symlink_to(pets)
    (pets / "self").symlink_to(pets / "self")
    (pets / "cat" / "self.png").symlink_to(pets / "cat" / "self.png")
    with pytest.warns(UserWarning, match="Skipped ") as caught:
        data = load_folder(pets)
    message = str(caught[0].message)
    for part in (
        os.path.join("all", "cat") + " (a link to a folder that is read anyway)",
        "all (no usable image)",
        "self (not a file, or a link that leads nowhere)",
        os.path.join("cat", "self.png") + " (not a file, or a link that leads nowhere)",
    ):
        assert part in message
    assert data.class_names == ("cat", "dog")
    assert len(data.x_train) + len(data.x_val) + len(data.x_test) == 20


def test_damage_inside_a_file_is_noticed(pets):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3)).astype(np.uint8)
    Image.fromarray(noise).save(pets / "dog" / "damaged.png")
    content = bytearray((pets / "dog" / "damaged.png").read_bytes())
    content[200:260] = bytes(60)
    (pets / "dog" / "damaged.png").write_bytes(content)
    with pytest.warns(UserWarning, match=r"Skipped 1: dog.damaged.png \("):
        data = load_folder(pets)
    assert len(data.x_train) + len(data.x_val) + len(data.x_test) == 20


def test_unreadable_files_are_skipped(pets, monkeypatch):
    really_open = Image.open

    def refuse(path, **options):
        if path == pets / "cat" / "0.png":
            raise PermissionError(13, "Permission denied")
        return really_open(path, **options)

    monkeypatch.setattr(Image, "open", refuse)
    with pytest.warns(UserWarning, match=r"Skipped 1: .*0.png \(Permission denied\)"):
        load_folder(pets)


def test_a_class_of_the_test_folder_that_is_not_trained_on_is_skipped(tmp_path):
    for number in range(5):
        save(tmp_path / "train" / "cat" / f"{number}.png")
        save(tmp_path / "train" / "dog" / f"{number}.png", BLUE)
        save(tmp_path / "test" / "cat" / f"{number}.png")
        save(tmp_path / "test" / "zebra" / f"{number}.png")
    with pytest.warns(UserWarning, match="zebra"):
        data = load_folder(tmp_path)
    assert set(data.y_test) == {0}


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ({"path": "nowhere"}, "nowhere is not a folder here"),
        ({"color": "blue"}, "Choose 'rgb' or 'grayscale'"),
        ({"size": (0, 32)}, r"size is \(0, 32\); expected \(height, width\)"),
        ({"size": 32}, "size is 32"),
    ],
)
def test_wrong_arguments_are_explained(pets, call, message):
    with pytest.raises(CourseError, match=message):
        load_folder(**{"path": pets} | call)


def test_one_usable_class_is_not_enough(pets):
    for file in (pets / "dog").iterdir():
        file.write_bytes(b"broken")
    with pytest.raises(CourseError, match=r"only 'cat' has usable images.*dog"):
        load_folder(pets)
    with pytest.raises(CourseError, match="no class has usable images"):
        load_folder(pets / "cat")


def test_too_few_images_name_the_class(pets):
    for number in range(8):
        (pets / "dog" / f"{number}.jpg").unlink()
    with pytest.raises(CourseError, match=r"too few usable images in 'dog' \(2\).*at least 3"):
        load_folder(pets)


def test_an_empty_validation_folder_is_explained(tmp_path):
    for number in range(5):
        save(tmp_path / "train" / "cat" / f"{number}.png")
        save(tmp_path / "train" / "dog" / f"{number}.png")
    (tmp_path / "val").mkdir()
    with pytest.raises(CourseError, match="val has no usable image of the classes cat, dog"):
        load_folder(tmp_path)
