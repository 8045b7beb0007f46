"""Translates images that are too large for memory, tile by tile."""

import logging
from collections.abc import Callable

import jax
import numpy as np

from cartoon_tfds.errors import UserError
from pix2pix_flax.image.padding import pad_to_multiple
from pix2pix_flax.inference.predictor import Predictor, cut_back
from pix2pix_flax.inference.tiling.grid import TileGrid, run_batches, run_tiles, smallest_tile
from pix2pix_flax.inference.tiling.halo import exact_halo, measured_halo
from pix2pix_flax.inference.tiling.memory import fits, is_out_of_memory
from pix2pix_flax.inference.translator import check_images

_log = logging.getLogger(__name__)

DEFAULT_TILE = 512
"""Default side in pixels of the tiles of images that do not fit into memory."""


class TooLargeError(UserError):
    """Even one tile of the smallest size does not fit into memory; the message is one line."""


class TiledPredictor:
    """A `Predictor` for images of any size on a device with any amount of memory.

    An image is not tiled if it has no more pixels than a tile or, with `tile=0`, if it is expected
    to fit into memory. If memory does not suffice, first the batches of tiles and then the tiles
    become smaller, and stay smaller. All tiles have one shape, so that one compiled program runs
    them. An image that is narrower than a tile has tiles of its own width, and its own program.

    With the exact halo the output differs from the output for the whole image only by rounding:
    XLA orders the sums of a convolution differently for other shapes. On some CPUs the order is
    the same and so is every bit; on others float32 outputs in [-1, 1] differ by 3e-6 at most (see
    tests/pix2pix_flax/inference/tiling/networks.py).

    Attributes:
      predictor: the predictor that runs images and tiles.
      tile: side of the tiles in pixels, a multiple of the stride.
      batch_size: number of tiles per step.
      halo: pixels that a tile loses at an edge inside the image; None until an image was tiled,
        unless the halo was given.
      exact_halo: the network's exact halo in pixels; None until an image was tiled, and for
        networks without an exact halo.
      seam: largest difference of neighbouring tiles at their seam, in levels of 0..255; None until
        an image was tiled. The difference from the whole image's output is about as large.
    """

    def __init__(
        self,
        predictor: Predictor,
        *,
        tile: int = 0,
        halo: int | str | None = None,
        batch_size: int = 4,
        progress: bool = False,
    ):
        """Sets the tile size; the halo may wait for the first tiled image.

        Args:
          predictor: the predictor that runs images and tiles.
          tile: side in pixels, rounded up to a multiple of the stride, and enlarged if the halo
            would leave no pixels of a tile. 0: tiles of `DEFAULT_TILE`, and only for images that
            do not fit into memory.
          halo: pixels, `exact`, or None. None measures the smallest halo that keeps the first tiled
            image within 1/255 of its output without tiles, and enlarges it if a later image needs
            more.
          batch_size: number of tiles per step, at least 1.
          progress: whether to show a progress bar on standard error for images that take long.

        Raises:
          ValueError: an argument is out of its range.
        """
        if tile < 0 or batch_size < 1:
            raise ValueError(f"tile is {tile} and batch_size is {batch_size}: too small.")
        if halo not in (None, "exact") and not (isinstance(halo, int) and halo >= 0):
            raise ValueError(f"halo must be exact or a number of pixels, not {halo!r}.")
        self.predictor = predictor
        self.batch_size = batch_size
        self.halo = halo if isinstance(halo, int) else None
        self.exact_halo: int | None = None
        self.seam: int | None = None
        self._measures, self._progress = halo is None, progress
        self._is_prepared = self._has_warned = False
        self._prefers_wholes = tile == 0
        self._asked = halo
        self._sized: dict[int, TiledPredictor] = {}
        self._fit_tile(tile or DEFAULT_TILE)

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Translates images.

        Args:
          images: uint8 RGB [B, H, W, 3], or with colour hints [B, H, W, 7]; H and W at least 1.

        Returns:
          uint8 RGB [B, sH, sW, 3]; the scale s is 1 except for super-resolution.

        Raises:
          ValueError: `images` has another dtype or shape.
          TooLargeError: even one tile of the smallest size does not fit into memory.
        """
        images = check_images(images, takes_hints=self.predictor.takes_hints)
        sized = self.predictor.of_size(*images.shape[1:3])
        if sized is not self.predictor:
            return self._of_size(sized)(images)
        padded = pad_to_multiple(images, self.predictor.stride)
        output = self._run_wholes(padded)
        if output is None and len(images) > 1:
            return np.concatenate([self(image[np.newaxis]) for image in images])
        if output is None:
            output = self._run_tiled(padded[0])[np.newaxis]
        return cut_back(output, padded.shape, images.shape)

    @property
    def colours(self) -> bool:
        """Whether the network returns colours for a grey image."""
        return self.predictor.colours

    @property
    def takes_hints(self) -> bool:
        """Whether images may have four more channels, the RGBA of colour hints."""
        return self.predictor.takes_hints

    @property
    def summary(self) -> str:
        """One line that says how images were tiled; empty if no image was tiled."""
        if self.seam is None:
            return next((sized.summary for sized in self._sized.values() if sized.summary), "")
        tiles = f"tiles of {self.tile} px, {self.batch_size} at a time, halo {self.halo} px"
        exact = "none is exact" if self.exact_halo is None else f"exact: {self.exact_halo} px"
        return f"{tiles} ({exact}): neighbours differ by at most {self.seam}/255 at their seams"

    def _of_size(self, predictor: Predictor) -> "TiledPredictor":
        """Returns the predictor with tiles for images that are drawn at a part of their size."""
        factor = predictor.stride // self.predictor.stride
        if factor not in self._sized:
            self._sized[factor] = TiledPredictor(
                predictor,
                tile=0 if self._prefers_wholes else self.tile,
                halo=factor * self._asked if isinstance(self._asked, int) else self._asked,
                batch_size=self.batch_size,
                progress=self._progress,
            )
        return self._sized[factor]

    def _run_wholes(self, padded: np.ndarray) -> np.ndarray | None:
        """Returns the output for whole images, or None if they have to be tiled."""
        height, width = padded.shape[1:3]
        if not self._prefers_wholes and height * width > self.tile**2:
            return None
        output = self._try(self._run, padded)
        if output is None:
            _log.info("memory does not suffice for %dx%dx%d px", len(padded), height, width)
        return output

    def _run_tiled(self, picture: np.ndarray) -> np.ndarray:
        """Returns the output for one image [H, W, 3]; shrinks the tiles until they fit."""
        while True:
            output = self._try(self._run_tiles, picture)
            if output is not None:
                return output
            self._shrink()

    def _run(self, images: np.ndarray) -> np.ndarray:
        if not fits(self.predictor.program(images.shape)):
            raise MemoryError
        return self.predictor.run(images)

    @staticmethod
    def _try(run: Callable[[np.ndarray], np.ndarray], images: np.ndarray) -> np.ndarray | None:
        """Returns `run(images)`, or None if memory did not suffice."""
        try:
            return run(images)
        except (jax.errors.JaxRuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
        return None

    def _run_tiles(self, picture: np.ndarray) -> np.ndarray:
        if not self._is_prepared:
            self._choose_halo(picture)
        while True:
            output, seam = run_tiles(
                self._run,
                picture,
                TileGrid(self.tile, self.halo, self.predictor.stride, self.batch_size),
                most_seam=1 if self._can_grow() else 255,
                progress=self._progress,
            )
            if output is not None:
                break
            self._grow_halo()
        if seam > 1 and self.exact_halo is not None and self.halo >= self.exact_halo:
            # The kept output depends on no pixel outside the tile, but neighbours still differ.
            self._warn("this network's output is random or depends on position (dropout at test?)")
        self.seam = max(seam, self.seam or 0)
        return output

    def _warn(self, reason: str) -> None:
        if not self._has_warned:
            _log.warning("tiles are approximate: %s", reason)
        self._has_warned = True

    def _choose_halo(self, picture: np.ndarray) -> None:
        """Sets the exact halo of the network, or a smaller one that it measures."""
        network = self.predictor
        self.exact_halo = exact_halo(network.forward, network.variables, network.stride)
        if self.exact_halo is None:
            self._warn(
                "this network takes statistics of the whole image, which no tile has (group or "
                "instance norm, or batch statistics)"
            )
            self.halo = self.tile // 4 if self.halo is None else self.halo
        elif self._measures:
            measured = measured_halo(self._run_measured, picture, self.tile, network.stride)
            self.halo = self.exact_halo if measured is None else min(measured, self.exact_halo)
        elif self.halo is None:
            self.halo = self.exact_halo
        self._fit_tile(self.tile)
        self._is_prepared = True

    def _run_measured(self, tiles: np.ndarray) -> np.ndarray:
        return np.stack(list(run_batches(self._run, list(tiles), self.batch_size)))

    def _can_grow(self) -> bool:
        """Returns whether the halo was measured and is smaller than the exact halo."""
        return self._measures and self.exact_halo is not None and self.halo < self.exact_halo

    def _grow_halo(self) -> None:
        stride = self.predictor.stride  # a smaller step would not move the tiles
        self.halo = min(self.exact_halo, max(2 * self.halo, self.halo + stride // 2 + 1))
        _log.info("the halo grows to %d px for this image", self.halo)
        self._fit_tile(self.tile)

    def _fit_tile(self, tile: int) -> None:
        """Sets the tile side: rounded up to the stride, or enlarged if the halo needs it."""
        stride, smallest = self.predictor.stride, self._smallest_tile()
        if tile < smallest:
            tile = max(smallest, 3 * (self.halo or 0))
            _log.info("tiles grow for a halo of %d px", self.halo or 0)
        self.tile = -(-tile // stride) * stride

    def _smallest_tile(self) -> int:
        return smallest_tile(self.halo or 0, self.predictor.stride)

    def _shrink(self) -> None:
        """Halves the batch size or, if it is 1, the tiles."""
        smallest, stride = self._smallest_tile(), self.predictor.stride
        if self.batch_size > 1:
            self.batch_size //= 2
        elif self.tile > smallest:
            self.tile = max(smallest, self.tile // 2 // stride * stride)
        else:
            raise TooLargeError(
                f"memory does not suffice for one tile of {self.tile} px: free some memory, or "
                f"choose a halo below {self.halo or 0} px"
            )
        _log.info(
            "memory does not suffice: from here on tiles of %d px, %d at a time",
            self.tile,
            self.batch_size,
        )
