"""Makes whole frames of interlaced ones, of which every second line is from another moment."""

from collections.abc import Iterable, Iterator

import av


class Deinterlacer:
    """Runs FFmpeg's filter bwdif on the frames that are flagged as interlaced.

    bwdif interpolates one field of each frame from its neighbours in space and time; the order of
    the fields is the frame's own. Each frame gives one frame, with the same time.

    Attributes:
      frames: number of interlaced frames so far.
    """

    def __init__(self):
        self.frames = 0
        self._graph: av.filter.Graph | None = None
        self._kind: tuple[int, int, str] | None = None

    def __call__(
        self, frames: Iterable[av.VideoFrame], stream: av.VideoStream
    ) -> Iterator[av.VideoFrame]:
        """Yields all frames; those before the first interlaced frame are unchanged.

        Args:
          frames: decoded frames of one stream, in display order.
          stream: their stream.
        """
        for frame in frames:
            self.frames += frame.interlaced_frame
            kind = frame.width, frame.height, frame.format.name
            if self._graph is not None and kind != self._kind:
                yield from self._drain(stream)
            if self._graph is None and frame.interlaced_frame:
                self._graph, self._kind = _make_graph(frame, stream), kind
            if self._graph is None:
                yield frame
                continue
            self._graph.push(frame)
            yield from self._pull(stream)
        if self._graph is not None:
            yield from self._drain(stream)

    def _drain(self, stream: av.VideoStream) -> Iterator[av.VideoFrame]:
        self._graph.push(None)
        yield from self._pull(stream)
        self._graph = None

    def _pull(self, stream: av.VideoStream) -> Iterator[av.VideoFrame]:
        while True:
            try:
                frame = self._graph.pull()
            except (av.BlockingIOError, av.EOFError):
                return
            scale = frame.time_base / stream.time_base  # bwdif counts in half ticks
            frame.duration = round(frame.duration * scale)
            frame.pts = None if frame.pts is None else round(frame.pts * scale)
            frame.time_base = stream.time_base
            yield frame


def _make_graph(frame: av.VideoFrame, stream: av.VideoStream) -> av.filter.Graph:
    graph = av.filter.Graph()
    source = graph.add_buffer(
        width=frame.width, height=frame.height, format=frame.format, time_base=stream.time_base
    )
    filters = graph.add("bwdif", mode="send_frame", parity="auto", deint="interlaced")
    graph.link_nodes(source, filters, graph.add("buffersink")).configure()
    return graph
