"""Pictures that are too large for memory, tile by tile."""

import logging
from collections.abc import Callable

import jax
import numpy as np

from pix2pix_flax.image.padding import pad_to_multiple
from pix2pix_flax.inference.predictor import Predictor, check_images, cut_back
from pix2pix_flax.inference.tiling.grid import run_batches, run_tiles, smallest_tile
from pix2pix_flax.inference.tiling.halo import exact_halo, measured_halo
from pix2pix_flax.inference.tiling.memory import fits, is_out_of_memory

_log = logging.getLogger(__name__)

DEFAULT_TILE = 512
"""Side in pixels of the tiles of pictures that do not fit into memory as a whole."""


class TooLargeError(ValueError):
    """Not even the smallest tiles, one at a time, fit into memory; the message is one line."""


class TiledPredictor:
    """A `Predictor` for pictures of any size, whatever the memory.

    Pictures run as a whole where they have no more pixels than a tile or, with `tile=0`, where
    memory is expected to suffice. Where it does not, batches become smaller, then tiles do, and
    stay so. All tiles have one shape, so that one compiled program runs them; a picture narrower
    than a tile has tiles, and a program, of its own width.

    With the exact halo the output is the whole picture's but for the order of sums. On CPUs in
    float32 that is bit for bit where tiles are not tiny (see tests/pix2pix_flax/test_tiling.py).

    Attributes:
      predictor: what runs pictures and tiles.
      tile: side of the tiles in pixels, a multiple of the stride.
      batch_size: tiles in one step.
      halo: in pixels; None until a picture was tiled, unless it was given.
      exact_halo: the network's; None until a picture was tiled, and where none is exact.
      seam: by how many of 255 levels tiles differed at most where they meet; None until a picture
        was tiled. From the whole picture they differ by about as much.
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
        """Chooses tiles.

        Args:
          predictor: what runs them.
          tile: side in pixels, rounded up to the stride, and grown where the halo leaves nothing of
            it; 0 for tiles of `DEFAULT_TILE`, but only where memory does not suffice without.
          halo: in pixels, `exact`, or None for the smallest that keeps the first tiled picture
            within 1/255, and that grows when a later one needs more.
          batch_size: tiles in one step, at least 1.
          progress: whether to show a bar on standard error for pictures that take long.

        Raises:
          ValueError: for anything else.
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
        self._fit_tile(tile or DEFAULT_TILE)

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Returns the translated pictures.

        Args:
          images: uint8 RGB [B, H, W, 3], any height and width from 1.

        Returns:
          uint8 RGB [B, sH, sW, 3]; the scale s is 1 but for super-resolution.

        Raises:
          ValueError: for anything else.
          TooLargeError: no tile is small enough for the memory.
        """
        images = check_images(images)
        padded = pad_to_multiple(images, self.predictor.stride)
        output = self._run_wholes(padded)
        if output is None and len(images) > 1:
            return np.concatenate([self(image[np.newaxis]) for image in images])
        if output is None:
            output = self._run_tiled(padded[0])[np.newaxis]
        return cut_back(output, padded.shape, images.shape)

    @property
    def colours(self) -> bool:
        """Whether what becomes of grey pictures has colours of its own."""
        return self.predictor.colours

    @property
    def summary(self) -> str:
        """How pictures were tiled, in one line; empty where all ran as a whole."""
        if self.seam is None:
            return ""
        tiles = f"tiles of {self.tile} px, {self.batch_size} at a time, halo {self.halo} px"
        exact = "none is exact" if self.exact_halo is None else f"exact: {self.exact_halo} px"
        return f"{tiles} ({exact}): neighbours differ by at most {self.seam}/255 at their seams"

    def _run_wholes(self, padded: np.ndarray) -> np.ndarray | None:
        """Returns the output of whole pictures, or None where tiles are wanted or needed."""
        height, width = padded.shape[1:3]
        if not self._prefers_wholes and height * width > self.tile**2:
            return None
        output = self._try(self._run, padded)
        if output is None:
            _log.info("memory does not suffice for %dx%dx%d px", len(padded), height, width)
        return output

    def _run_tiled(self, picture: np.ndarray) -> np.ndarray:
        """Returns the output of one picture [H, W, 3], with tiles that fit into memory."""
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
        """Returns what `run` makes of images, or None where memory did not suffice."""
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
                tile=self.tile,
                halo=self.halo,
                stride=self.predictor.stride,
                batch_size=self.batch_size,
                most_seam=1 if self._can_grow() else 255,
                progress=self._progress,
            )
            if output is not None:
                break
            self._grow_halo()
        if seam > 1 and self.exact_halo is not None and self.halo >= self.exact_halo:
            # Nothing from outside a tile is left in it, and still it is not the whole picture.
            self._warn("this network does not treat all places alike (dropout at test?)")
        self.seam = max(seam, self.seam or 0)
        return output

    def _warn(self, reason: str) -> None:
        if not self._has_warned:
            _log.warning("tiles are approximate: %s", reason)
        self._has_warned = True

    def _choose_halo(self, picture: np.ndarray) -> None:
        """Asks the network for its halo and takes it, or measures a smaller one."""
        network = self.predictor
        self.exact_halo = exact_halo(network.forward, network.variables, network.stride)
        if self.exact_halo is None:
            self._warn(
                "this network takes statistics of the whole picture, which no tile has (group or "
                "instance norm, or statistics of the batch)"
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
        """Whether the halo was measured, and a larger one would help."""
        return self._measures and self.exact_halo is not None and self.halo < self.exact_halo

    def _grow_halo(self) -> None:
        stride = self.predictor.stride  # less than half of it would leave the tiles where they are
        self.halo = min(self.exact_halo, max(2 * self.halo, self.halo + stride // 2 + 1))
        _log.info("the halo grows to %d px for this picture", self.halo)
        self._fit_tile(self.tile)

    def _fit_tile(self, tile: int) -> None:
        """Sets the tile: rounded up to the stride, or grown where the halo leaves too little."""
        stride, smallest = self.predictor.stride, self._smallest_tile()
        if tile < smallest:
            tile = max(smallest, 3 * (self.halo or 0))
            _log.info("tiles grow for a halo of %d px", self.halo or 0)
        self.tile = -(-tile // stride) * stride

    def _smallest_tile(self) -> int:
        return smallest_tile(self.halo or 0, self.predictor.stride)

    def _shrink(self) -> None:
        """Makes batches smaller, then tiles."""
        smallest, stride = self._smallest_tile(), self.predictor.stride
        if self.batch_size > 1:
            self.batch_size //= 2
        elif self.tile > smallest:
            self.tile = max(smallest, self.tile // 2 // stride * stride)
        else:
            raise TooLargeError(
                f"memory does not suffice for one tile of {self.tile} px: a halo smaller than "
                f"{self.halo or 0} px would need less"
            )
        _log.info(
            "memory does not suffice: from here on tiles of %d px, %d at a time",
            self.tile,
            self.batch_size,
        )
