"""Puts a source's audio into the result: copied, or encoded as AAC where it cannot be copied."""

import contextlib
import io
import math
from collections.abc import Iterator
from fractions import Fraction

import av

AUDIO_MODES = ("copy", "aac", "none")
"""copy: unchanged where the container can hold it, else as AAC. aac: always AAC. none: no audio."""

_SAMPLE = 16  # Every such packet is decoded, about three in a second.
_BITS_PER_CHANNEL = 96_000  # per second; FFmpeg's encoder is transparent there for most sounds


def fits(source: av.AudioStream, name: str) -> bool:
    """Returns whether a container can hold an audio stream unchanged; its muxer says so.

    Args:
      source: the audio stream.
      name: FFmpeg's name of the container.
    """
    try:
        with av.open(io.BytesIO(), "w", format=name) as scratch:
            scratch.add_stream_from_template(source)
            scratch.start_encoding()  # Some muxers refuse a stream only when the header is written.
    except (av.FFmpegError, ValueError):
        return False
    return True


class CopiedTrack:
    """Copies the packets of one audio stream.

    Attributes:
      lost: always 0, as in `EncodedTrack`.
      changes: whether the rate or the channels change midway.
    """

    lost = 0

    def __init__(self, container: av.container.OutputContainer, source: av.AudioStream):
        """Declares the stream in the container."""
        self.changes = False
        self._kinds: list[tuple[int, int]] = []
        self._count = 0
        self._stream = container.add_stream_from_template(source)
        self._last: int | None = None
        # No container's ticks of audio are longer than a sample.
        self._least = math.ceil(1 / ((source.rate or 1) * source.time_base))
        _copy_marks(source, self._stream)

    def packets(self, packet: av.Packet) -> Iterator[av.Packet]:
        """Yields the packet with timestamps that rise, as containers require."""
        self._look(packet)
        packet.stream = self._stream
        if packet.dts is None:
            packet.dts = packet.pts
        if packet.dts is not None:
            if self._last is not None and packet.dts <= self._last:
                packet.dts = self._last + self._least
                packet.pts = max(packet.dts, packet.dts if packet.pts is None else packet.pts)
            self._last = packet.dts
            yield packet

    def rest(self) -> Iterator[av.Packet]:
        """Yields nothing: no packet is held back."""
        return iter(())

    def _look(self, packet: av.Packet) -> None:
        """Decodes a sample of the packets, because most containers hold one format of sound."""
        self._count += 1
        if self.changes or self._count % _SAMPLE:
            return
        with contextlib.suppress(av.FFmpegError):
            for frame in packet.decode():
                self._kinds.append((frame.sample_rate, frame.layout.nb_channels))
        # The first ones may differ, as long as the decoder of HE-AAC learns.
        self.changes = len(set(self._kinds[2:])) > 1


class EncodedTrack:
    """Decodes one audio stream and encodes it as AAC.

    Attributes:
      lost: number of packets that could not be decoded.
      changes: always False: the result has one format.
    """

    changes = False

    def __init__(self, container: av.container.OutputContainer, source: av.AudioStream):
        """Declares the stream in the container."""
        self.lost = 0
        self._source = source
        self._rate, self._layout = _encodable(source)
        self._stream = container.add_stream("aac", rate=self._rate, layout=self._layout)
        self._stream.bit_rate = _BITS_PER_CHANNEL * self._stream.codec_context.channels
        self._graph: av.filter.Graph | None = None
        self._kind: tuple[str, str, int] | None = None
        _copy_marks(source, self._stream)

    def packets(self, packet: av.Packet) -> Iterator[av.Packet]:
        """Yields encoded packets, later than the given one."""
        try:
            frames = packet.decode()
        except av.FFmpegError:
            self.lost += 1
            return
        for frame in frames:
            yield from self._encode(frame)

    def rest(self) -> Iterator[av.Packet]:
        """Yields the packets that were held back."""
        for frame in self._source.codec_context.decode(None):
            yield from self._encode(frame)
        yield from self._drain()
        yield from self._stream.encode(None)

    def _encode(self, frame: av.AudioFrame) -> Iterator[av.Packet]:
        kind = frame.format.name, frame.layout.name, frame.sample_rate
        if kind != self._kind:
            yield from self._drain()
            self._graph, self._kind = self._make_graph(frame), kind
        self._graph.push(frame)
        yield from self._pull()

    def _drain(self) -> Iterator[av.Packet]:
        if self._graph is not None:
            self._graph.push(None)
            yield from self._pull()

    def _pull(self) -> Iterator[av.Packet]:
        while True:
            try:
                frame = self._graph.pull()
            except (av.BlockingIOError, av.EOFError):
                return
            yield from self._stream.encode(frame)

    def _make_graph(self, frame: av.AudioFrame) -> av.filter.Graph:
        graph = av.filter.Graph()
        nodes = [
            graph.add_abuffer(
                sample_rate=frame.sample_rate,
                format=frame.format.name,
                layout=frame.layout.name,
                time_base=frame.time_base or Fraction(1, frame.sample_rate),
            ),
            graph.add("aresample", **{"async": "1"}),  # Fills gaps with silence, in step.
            graph.add(
                "aformat",
                sample_fmts="fltp",
                sample_rates=str(self._rate),
                channel_layouts=self._layout,
            ),
            graph.add("abuffersink"),
        ]
        graph.link_nodes(*nodes).configure()
        return graph


def _encodable(source: av.AudioStream) -> tuple[int, str]:
    """Returns the nearest rate and layout to the source's that the encoder takes."""
    layout = {1: "mono", 2: "stereo"}.get(source.channels, source.layout.name)
    for choice in ((source.rate, layout), (48_000, layout)):
        encoder = av.CodecContext.create("aac", "w")
        try:
            encoder.rate, encoder.layout = choice
            encoder.format, encoder.time_base = "fltp", Fraction(1, choice[0])
            encoder.open()
        except (av.FFmpegError, ValueError, ZeroDivisionError):
            continue
        return choice
    return 48_000, "stereo"  # also for a stream that begins late, of which FFmpeg knows nothing yet


def _copy_marks(source: av.AudioStream, stream: av.AudioStream) -> None:
    """Copies the language, and whether players choose this track by default."""
    stream.metadata.update({k: v for k, v in source.metadata.items() if k == "language"})
    stream.disposition = source.disposition
