import keras
import numpy as np
import pytest

import cifarlib
from cifarlib import CourseError
from cifarlib.augmentation.mixup_cutmix import MixedBatches

LABELS = np.arange(50) % 5


@pytest.fixture
def images():
    """Each image is all of one value, 10 times its label, so that mixing can be read from it."""
    return np.broadcast_to(10 * LABELS[:, None, None, None], (50, 32, 32, 3)).astype("uint8")


@pytest.mark.parametrize("kind", ["mixup", "cutmix"])
def test_labels_say_what_is_to_be_seen(images, kind):
    batches = MixedBatches(images, LABELS, 5, kind=kind, batch_size=16)
    assert len(batches) == 4
    mixed = [batches[i] for i in range(4)]
    assert [len(x) for x, _ in mixed] == [16, 16, 16, 2]
    x, y = (np.concatenate(parts) for parts in zip(*mixed, strict=True))
    assert x.shape == (50, 32, 32, 3)
    assert x.dtype == y.dtype == np.float32
    np.testing.assert_allclose(y.sum(axis=1), 1, atol=1e-5)
    assert (y >= 0).all()
    assert ((y > 0.02).sum(axis=1) == 2).mean() > 0.25
    tolerance = 0.01 if kind == "mixup" else 3  # a rectangle's edges fall between pixels
    np.testing.assert_allclose(x.mean(axis=(1, 2, 3)), y @ (10 * np.arange(5)), atol=tolerance)


def test_mixup_is_transparent_and_cutmix_is_not(images):
    def values(kind):
        batches = MixedBatches(images, LABELS, 5, kind=kind, batch_size=50)
        return [len(np.unique(np.round(image, 3))) for image in batches[0][0]]

    assert set(values("mixup")) == {1}
    assert max(values("cutmix")) == 2


def test_every_epoch_holds_all_images_in_another_order(images):
    batches = MixedBatches(images, LABELS, 5, batch_size=50)
    first = batches.order.copy()
    batches.on_epoch_end()
    assert sorted(batches.order) == list(range(50))
    assert not np.array_equal(first, batches.order)


@pytest.mark.training
def test_a_model_learns_from_them_and_a_seed_decides(images):
    def weights(seed):
        cifarlib.set_seed(seed)
        batches = MixedBatches(images, LABELS, 5, batch_size=16, seed=seed)
        model = keras.Sequential(
            [keras.Input((32, 32, 3)), keras.layers.Flatten(), keras.layers.Dense(5, "softmax")]
        )
        model.compile("adam", "categorical_crossentropy")
        model.fit(batches, epochs=2, verbose=0)
        return model.get_weights()[0]

    first = weights(0)
    np.testing.assert_array_equal(first, weights(0))
    assert not np.allclose(first, weights(1))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"kind": "blend"}, "no mixing 'blend'. Choose one of: mixup, cutmix"),
        ({"batch_size": 1}, "needs 2 images or more"),
        ({"labels": LABELS[:-1]}, "50 images but 49 labels"),
        ({"n_classes": 4}, "Labels go from 0 to 4; for n_classes=4"),
    ],
)
def test_bad_settings_are_explained(images, changes, words):
    arguments = {"images": images, "labels": LABELS, "n_classes": 5} | changes
    with pytest.raises(CourseError, match=words):
        MixedBatches(**arguments)
