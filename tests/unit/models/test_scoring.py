import numpy as np
import pytest

from sedlib.models import ModelError, build_model, predict_scores, with_frames


def test_scores_are_between_0_and_1_and_do_not_depend_on_the_batch(network, magnitude):
    together = predict_scores(network, magnitude)
    assert together.shape == (5, 3)
    assert together.dtype == np.float32
    assert ((together >= 0) & (together <= 1)).all()
    alone = np.concatenate([predict_scores(network, m[np.newaxis]) for m in magnitude])
    np.testing.assert_allclose(together, alone, atol=1e-5)


@pytest.mark.parametrize("batch_size", [2, 5, 64])
def test_the_scores_of_all_batches_are_those_of_keras_in_order(network, magnitude, batch_size):
    expected = network.predict(magnitude[..., np.newaxis], verbose=0)
    scores = predict_scores(network, magnitude, batch_size)
    np.testing.assert_allclose(scores, expected, atol=1e-6)


def test_the_score_of_a_segment_is_the_mean_of_its_frames_weighted_by_themselves(
    network, magnitude
):
    both = with_frames(network).predict(magnitude[..., np.newaxis], verbose=0)
    assert both["frames"].shape == (5, 44, 3)
    np.testing.assert_array_equal(both["scores"], predict_scores(network, magnitude))
    for segment, label in np.ndindex(5, 3):
        frames = both["frames"][segment, :, label].astype(float)
        expected = np.average(frames, weights=frames)
        assert both["scores"][segment, label] == pytest.approx(expected, rel=1e-4)


def test_a_network_without_frame_level_scores_is_named(classes, stft):
    with pytest.raises(ModelError, match="'vtt2018' has no frame-level scores; set train"):
        with_frames(build_model("vtt2018", classes, stft))


def test_no_segments_give_no_scores(network):
    nothing = np.empty((0, 44, 1025), np.float32)
    assert predict_scores(network, nothing).shape == (0, 3)
