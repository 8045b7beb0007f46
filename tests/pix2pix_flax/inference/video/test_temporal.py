"""The temporal mode: steady where the source is, true to the network where it is not."""

import cv2
import numpy as np
import pytest
import skimage.data

from pix2pix_flax.inference.video.motion import Motion, shrink, warp
from pix2pix_flax.inference.video.temporal import TemporalBlend

COFFEE, CAT = skimage.data.coffee(), skimage.data.chelsea()
RNG = np.random.default_rng(0)


def pan(step, count, height=120, width=160):
    """Returns a clip of a camera that moves over a photograph, `step` pixels a frame."""
    shifts = [np.float32([[1, 0, -60 - step * i], [0, 1, -90]]) for i in range(count)]
    return np.stack([cv2.warpAffine(COFFEE, shift, (width, height)) for shift in shifts])


def still(picture, count):
    return np.repeat(picture[None, 90:210, 60:220], count, axis=0)


def cartoons(frames):
    """Returns what a steady network could make of the frames: other colours, stronger edges."""
    return np.stack([255 - cv2.bilateralFilter(frame, 5, 40, 3) for frame in frames])


def flickering(frames, levels=12):
    """Returns the frames with blotches that are other ones in each frame, mean 0."""
    noise = RNG.normal(0, 1, (len(frames), *(side // 8 for side in frames.shape[1:3]), 3))
    blotches = [cv2.resize(field, frames.shape[2:0:-1]) for field in noise]
    return np.clip(frames + levels * np.stack(blotches), 0, 255).astype(np.uint8)


def error(first, second):
    return float(np.mean(cv2.absdiff(first, second)))


def sharpness(frames):
    return np.mean([np.abs(np.diff(frames.astype(np.int16), axis=axis)).mean() for axis in (1, 2)])


def lighter(frames, factors):
    return np.rint(frames * np.reshape(factors, (-1, 1, 1, 1))).astype(np.uint8)


@pytest.mark.parametrize("step", [0, 0.5, 3, 7.3])
def test_flicker_is_damped_whether_or_not_the_camera_moves(step):
    frames = pan(step, 12)
    clean = cartoons(frames)
    translated = flickering(clean)
    blended = TemporalBlend()(frames, translated)
    assert error(blended[4:], clean[4:]) < 0.6 * error(translated[4:], clean[4:])


def test_what_is_steady_is_not_touched():
    frames = still(COFFEE, 5)
    translated = cartoons(frames)
    np.testing.assert_array_equal(TemporalBlend()(frames, translated), translated)


@pytest.mark.parametrize("step", [0.1, 0.5, 2.5])
def test_blur_does_not_pile_up(step):
    frames = pan(step, 200 if step < 1 else 90)
    translated = cartoons(frames)
    blended = TemporalBlend()(frames, translated)
    assert sharpness(blended[-20:]) > 0.93 * sharpness(translated[-20:])


@pytest.mark.parametrize("step", [1.3, 2.5])
def test_moving_pictures_stay_sharp(step):
    frames = pan(step, 60)
    translated = cartoons(frames)
    blended = TemporalBlend()(frames, translated)
    assert sharpness(blended[-20:]) > 0.985 * sharpness(translated[-20:])


@pytest.mark.parametrize("step", [0, 1.3])
def test_noise_is_neither_motion_nor_change(step):
    photos = pan(step, 24)
    frames = np.clip(photos + RNG.normal(0, 6, photos.shape), 0, 255).astype(np.uint8)
    clean = cartoons(photos)
    translated = flickering(clean)
    blended = TemporalBlend()(frames, translated)
    assert error(blended[4:], clean[4:]) < 0.75 * error(translated[4:], clean[4:])


@pytest.mark.parametrize("scale", [2, 4])
def test_results_may_be_larger_than_the_source(scale):
    frames = pan(3, 10)
    clean = np.stack([cv2.resize(f, None, fx=scale, fy=scale) for f in cartoons(frames)])
    translated = flickering(clean)
    blended = TemporalBlend()(frames, translated)
    assert blended.shape == (10, scale * 120, scale * 160, 3)
    assert error(blended[4:], clean[4:]) < 0.6 * error(translated[4:], clean[4:])


def test_batches_are_one_video():
    frames = pan(2, 7)
    translated = flickering(cartoons(frames))
    whole, parts = TemporalBlend()(frames, translated), TemporalBlend()
    cut = [parts(frames[span], translated[span]) for span in (slice(3), slice(3, 4), slice(4, 7))]
    np.testing.assert_array_equal(np.concatenate(cut), whole)
    assert parts(frames[:0], translated[:0]).shape == (0, 120, 160, 3)


def test_buffers_may_be_used_again():
    frames = np.concatenate([pan(2, 2), still(CAT, 2)])  # with a cut
    translated = flickering(cartoons(frames))
    whole, reused = TemporalBlend()(frames, translated), TemporalBlend()
    for i in range(4):
        source, result = frames[i : i + 1].copy(), translated[i : i + 1].copy()
        blended = reused(source, result)
        np.testing.assert_array_equal(blended[0], whole[i])
        for buffer in (source, result, blended):
            buffer[:] = 99


@pytest.mark.parametrize("brightness", [1, 0.3])
def test_a_cut_starts_anew(brightness):
    frames = lighter(np.concatenate([still(COFFEE, 4), still(CAT, 4)]), brightness)
    translated = flickering(cartoons(frames))
    blended = TemporalBlend()(frames, translated)
    np.testing.assert_array_equal(blended[4], translated[4])
    np.testing.assert_array_equal(blended[4:], TemporalBlend()(frames[4:], translated[4:]))
    assert error(blended[5], translated[5]) > 1


def test_a_flash_is_shown_and_leaves_nothing_behind():
    frames, translated = still(COFFEE, 6), cartoons(still(COFFEE, 6))
    frames[3], translated[3] = 255, 250
    blended = TemporalBlend()(frames, translated)
    np.testing.assert_array_equal(blended, translated)


@pytest.mark.parametrize("last", [0, 0.5])
def test_a_fade_does_not_lag(last):
    factors = np.concatenate([np.ones(3), np.linspace(1, last, 25), np.full(4, last)])
    frames = lighter(still(COFFEE, 32), factors)
    translated = lighter(255 - still(COFFEE, 32), factors)
    blended = TemporalBlend()(frames, translated)
    assert max(map(error, blended, translated)) < 1.5


@pytest.mark.parametrize("last", [0.85, 1.15])
def test_exposure_of_the_camera_hardly_changes_flat_colours(last):
    frames = lighter(still(COFFEE // 2, 12), np.linspace(1, last, 12))
    translated = still(CAT, 12)
    assert max(map(error, TemporalBlend()(frames, translated), translated)) < 1


def test_flicker_is_damped_in_a_fade():
    factors = np.linspace(1, 0.4, 16)
    frames, clean = lighter(still(COFFEE, 16), factors), np.full((16, 120, 160, 3), 128, np.uint8)
    translated = flickering(clean)
    clean, translated = lighter(clean, factors), lighter(translated, factors)
    blended = TemporalBlend()(frames, translated)
    assert error(blended[4:], clean[4:]) < 0.6 * error(translated[4:], clean[4:])


def test_things_that_move_leave_no_ghosts():
    frames = still(COFFEE, 16)
    for i, frame in enumerate(frames):
        frame[30:80, 8 * i : 8 * i + 36] = CAT[100:150, 150:186]
    translated = cartoons(frames)
    blended = TemporalBlend()(frames, translated)
    off = cv2.absdiff(blended, translated).max(axis=-1)
    assert np.mean(off > 24) < 2e-3
    # The road that the thing has left is as the network drew it.
    assert max(off[i][32:78, 8 * i - 8 : 8 * i - 2].mean() for i in range(1, 16)) < 4


def test_what_the_network_moves_is_moved():
    frames = still(COFFEE, 3)
    translated = np.full_like(frames, 230)
    for i, drawn in enumerate(translated):
        drawn[:, 20 + 40 * i : 24 + 40 * i] = 10
    blended = TemporalBlend()(frames, translated)
    # A line that went is gone, also one that was half there; one that comes may take its time.
    assert cv2.absdiff(blended[1][:, 18:26], translated[1][:, 18:26]).max() == 0
    assert cv2.absdiff(blended[2][:, 58:66], translated[2][:, 58:66]).max() < 5


def test_strength_is_the_share_of_the_last_result():
    frames, translated = still(COFFEE, 2), np.full((2, 120, 160, 3), 100, np.uint8)
    translated[1] = 110
    for strength, level in ((0, 110), (0.5, 105), (0.8, 102)):
        assert np.unique(TemporalBlend(strength)(frames, translated)[1]).tolist() == [level]


@pytest.mark.parametrize("size", [(1, 1), (2, 7), (3, 500), (500, 3), (17, 33)])
def test_frames_of_any_size(size):
    frames = RNG.integers(0, 255, (3, *size, 3), np.uint8)
    frames[1] = frames[0]
    blended = TemporalBlend()(frames, frames)
    np.testing.assert_array_equal(blended[:2], frames[:2])


def test_mistakes_are_told():
    for strength in (-0.1, 1, float("nan")):
        with pytest.raises(ValueError, match=f"strength is {strength}"):
            TemporalBlend(strength)
    with pytest.raises(ValueError, match="longer"):
        TemporalBlend()(still(COFFEE, 1), still(COFFEE, 2))


def test_flow_points_at_where_the_content_is():
    start, end = COFFEE[100:220, 100:300], COFFEE[102:222, 95:295]
    flow = Motion()(start, end)
    assert flow.shape == (120, 200, 2)
    assert flow.dtype == np.float32
    np.testing.assert_allclose(np.median(flow, axis=(0, 1)), [5, -2], atol=0.1)
    inner = np.s_[16:-16, 16:-16]
    assert error(warp(end, flow)[inner], start[inner]) < 2


def test_flow_is_scaled_to_the_picture():
    picture = COFFEE[:100, :200]
    flow = np.zeros((50, 50, 2), np.float32) + np.float32([1, -2])  # of 4 columns, 2 rows
    np.testing.assert_array_equal(warp(picture, flow)[4:, :-4], picture[:-4, 4:])


def test_motion_within_a_quarter_of_a_pixel_is_none():
    picture, flow = COFFEE[:64, :64], np.full((64, 64, 2), 0.24, np.float32)
    np.testing.assert_array_equal(warp(picture, flow), picture)
    flow[:, :32] = 0.5
    np.testing.assert_array_equal(warp(picture, flow)[:, 33:], picture[:, 33:])
    assert error(warp(picture, flow)[:, :31], picture[:, :31]) > 0.3


@pytest.mark.parametrize(
    ("size", "shrunken"),
    [((120, 160), (120, 160)), ((512, 512), (288, 288)), ((1080, 1920), (540, 960)),
     ((4, 2000), (16, 1000))],
)  # fmt: skip
def test_motion_is_looked_for_in_smaller_frames(size, shrunken):
    assert shrink(np.zeros((*size, 3), np.uint8)).shape == (*shrunken, 3)


def test_noise_moves_no_large_part_of_a_still_picture():
    photo = cv2.GaussianBlur(CAT[:240, :320], (0, 0), 6)  # of even areas, which DIS cannot hold
    noise = RNG.normal(0, 6, (2, *photo.shape))
    start, end = (shrink(np.clip(photo + part, 0, 255).astype(np.uint8)) for part in noise)
    flow = Motion()(start, end)
    assert np.mean(np.all(np.abs(flow) < 0.25, axis=-1)) > 0.4  # of DIS alone: 0.27
