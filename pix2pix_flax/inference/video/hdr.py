"""Converts HDR and BT.2020 video to the colours of BT.709, which networks and screens expect.

A phone's HDR video uses the transfer function HLG or PQ and the wide primaries of BT.2020. Shown
or translated as if it were BT.709, it looks flat. The way from signal to signal:

1. Signal to light of the screen, in cd/m2: HLG by its inverse OETF and OOTF on a screen of 1000
   cd/m2 (ITU-R BT.2100-2, table 5), PQ by its EOTF (SMPTE ST 2084; BT.2100-2, table 4).
2. Tone mapping by the EETF of Report ITU-R BT.2390-11, section 5.4.1.1, from 1000 cd/m2 down to
   the 203 cd/m2 of HDR reference white (Report ITU-R BT.2408-5, section 2.1), which becomes the
   white of BT.709. The brightest channel is mapped, and the others are scaled like it, so that hues
   stay. Brighter light becomes white.
3. Primaries by the matrix of Rec. ITU-R BT.2407-0, section 2; colours outside BT.709 are clipped.
4. Light to signal by the inverse of the EOTF of BT.1886.
"""

import functools
import tempfile

import av
import numpy as np

PQ, HLG = 16, 18
"""H.273 codes of the transfer functions."""

_BT709, _BT2020 = 1, 9
_SDR_TRANSFERS = (1, 6, 14, 15)  # one function under four names
_PEAK, _WHITE = 1000.0, 203.0  # cd/m2
_SDR_GAMMA = 2.4
_TO_BT709 = np.array(
    [
        [1.660491, -0.587641, -0.072850],
        [-0.124550, 1.132900, -0.008349],
        [-0.018151, -0.100579, 1.118730],
    ]
)
_LUMINANCE = np.array([0.2627, 0.6780, 0.0593])
_POINTS = 65  # per axis of the lookup table
_M1, _M2 = 2610 / 16384, 2523 / 4096 * 128
_C1, _C2, _C3 = 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32


def needs_conversion(frame: av.VideoFrame) -> bool:
    """Returns whether a frame is HLG, PQ, or SDR with the primaries of BT.2020."""
    is_hdr = frame.color_trc in (PQ, HLG)
    return is_hdr or (frame.color_primaries == _BT2020 and frame.color_trc in _SDR_TRANSFERS)


def to_bt709(signal: np.ndarray, transfer: int, primaries: int = _BT2020) -> np.ndarray:
    """Converts an RGB signal to the signal of BT.709.

    Args:
      signal: float [..., 3] in 0..1, not linear.
      transfer: H.273 code of the transfer function; any but `PQ` and `HLG` is SDR's.
      primaries: H.273 code; BT.709's primaries stay, all others are taken as those of BT.2020.

    Returns:
      float [..., 3] in 0..1.
    """
    if transfer in (PQ, HLG):
        light = _pq_eotf(signal) if transfer == PQ else _hlg_eotf(signal)
        light = _tone_map(light) / _WHITE
    else:
        light = signal**_SDR_GAMMA
    if primaries != _BT709:
        light = light @ _TO_BT709.T
    return np.clip(light, 0, 1) ** (1 / _SDR_GAMMA)


class ToBT709:
    """Converts frames by a lookup table in three dimensions, FFmpeg's filter lut3d."""

    def __init__(self):
        self._graphs: dict[tuple[int, ...], av.filter.Graph] = {}

    def __call__(self, frame: av.VideoFrame, transfer: int, primaries: int) -> av.VideoFrame:
        """Returns the frame in BT.709.

        Args:
          frame: gbrp16le, not linear.
          transfer: H.273 code of its transfer function.
          primaries: H.273 code of its primaries.
        """
        key = frame.width, frame.height, transfer, primaries
        if key not in self._graphs:
            self._graphs[key] = _make_graph(frame, transfer, primaries)
        graph = self._graphs[key]
        graph.push(frame)
        return graph.pull()


def _make_graph(frame: av.VideoFrame, transfer: int, primaries: int) -> av.filter.Graph:
    graph = av.filter.Graph()
    source = graph.add_buffer(
        width=frame.width, height=frame.height, format=frame.format, time_base=frame.time_base
    )
    with tempfile.NamedTemporaryFile("w", suffix=".cube") as file:
        file.write(_cube(transfer, primaries))
        file.flush()
        table = graph.add("lut3d", file=file.name, interp="tetrahedral")
        graph.link_nodes(source, table, graph.add("buffersink")).configure()
    return graph


@functools.cache
def _cube(transfer: int, primaries: int) -> str:
    """Returns the conversion as the text of a .cube file, in which red changes fastest."""
    axis = np.linspace(0, 1, _POINTS)
    blue, green, red = np.meshgrid(axis, axis, axis, indexing="ij")
    table = to_bt709(np.stack([red, green, blue], axis=-1), transfer, primaries)
    rows = "%.5f %.5f %.5f\n" * _POINTS**3 % tuple(table.ravel())
    return f"LUT_3D_SIZE {_POINTS}\n{rows}"


def _hlg_eotf(signal: np.ndarray) -> np.ndarray:
    """Returns light in cd/m2, [..., 3], on a screen of `_PEAK`, for which gamma is 1.2."""
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    scene = np.where(signal <= 0.5, signal**2 / 3, (np.exp((signal - c) / a) + b) / 12)
    luminance = (scene @ _LUMINANCE)[..., np.newaxis]
    return _PEAK * luminance**0.2 * scene


def _pq_eotf(signal: np.ndarray) -> np.ndarray:
    """Returns light in cd/m2, of the shape of `signal`."""
    power = signal ** (1 / _M2)
    return 10000 * (np.maximum(power - _C1, 0) / (_C2 - _C3 * power)) ** (1 / _M1)


def _pq(light: np.ndarray | float) -> np.ndarray:
    """Returns the PQ signal of light in cd/m2: the inverse of `_pq_eotf`."""
    power = (np.asarray(light) / 10000) ** _M1
    return ((_C1 + _C2 * power) / (1 + _C3 * power)) ** _M2


def _tone_map(light: np.ndarray) -> np.ndarray:
    """Returns light, [..., 3] in cd/m2, of at most `_WHITE`."""
    brightest = light.max(axis=-1, keepdims=True)
    e1 = np.minimum(_pq(brightest) / _pq(_PEAK), 1)
    greatest = _pq(_WHITE) / _pq(_PEAK)
    knee = 1.5 * greatest - 0.5
    t = np.maximum(e1 - knee, 0) / (1 - knee)
    spline = (
        (2 * t**3 - 3 * t**2 + 1) * knee
        + (t**3 - 2 * t**2 + t) * (1 - knee)
        + (-2 * t**3 + 3 * t**2) * greatest
    )
    mapped = _pq_eotf(np.where(e1 < knee, e1, spline) * _pq(_PEAK))
    return light * (mapped / np.maximum(brightest, 1e-6))
