"""Copies of a photograph that differ in their bytes: found by a perceptual hash.

A resized or recompressed copy of a test photograph among the training photographs would make a
network look better than it is.
"""

import cv2
import numpy as np

_SIDE = 64  # pixels of the picture that is hashed
_FREQUENCIES = 16  # lowest ones kept, across and down: 256 bits
# Bits. Copies at half the size, of JPEG quality 30, brightened or cropped by 1 % differ in up to
# 34; of 560 photographs of all kinds the two most alike, portraits, differ in 74.
MAX_DISTANCE = 40
_LEAST_CONTRAST = 1  # grey level
_ROWS = 1024  # compared at a time, which bounds the memory


def perceptual_hash(image: np.ndarray) -> np.ndarray | None:
    """Returns 256 bits that resizing, recompression and small changes of tone hardly change.

    The signs of the lowest cosine frequencies of the small grey picture, relative to their median
    (Zauner, "Implementation and Benchmarking of Perceptual Image Hash Functions", 2010, section
    3.2.1, with four times the bits).

    Args:
      image: RGB uint8 `[H, W, 3]`.

    Returns:
      uint8 `[32]`, the bits packed; None for a picture of one colour, which is like any other.
    """
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    small = cv2.resize(grey, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA).astype(np.float32)
    if np.std(small) < _LEAST_CONTRAST:
        return None
    lowest = cv2.dct(small)[:_FREQUENCIES, :_FREQUENCIES].ravel()
    # The first coefficient is the mean brightness, which does not depend on the objects shown.
    return np.packbits(lowest > np.median(lowest[1:]))


def nearest(hashes: np.ndarray, others: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns for each hash which of the others is nearest, and how many bits it differs in.

    Args:
      hashes: uint8 `[N, 32]`.
      others: uint8 `[M, 32]`, M >= 1.

    Returns:
      int64 `[N]` indices into `others`, and int64 `[N]` distances, 0..256.
    """
    other_bits = np.unpackbits(others, axis=1).astype(np.float32)
    indices, distances = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for start in range(0, len(hashes), _ROWS):
        # The bits that differ: |a| + |b| - 2 a.b, as a product of matrices.
        bits = np.unpackbits(hashes[start : start + _ROWS], axis=1).astype(np.float32)
        differ = bits.sum(1)[:, None] + other_bits.sum(1) - 2 * bits @ other_bits.T
        indices.append(differ.argmin(1))
        distances.append(differ.min(1).astype(np.int64))
    return np.concatenate(indices), np.concatenate(distances)
