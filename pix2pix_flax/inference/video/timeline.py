"""Gives the packets of all streams one clock that goes on steadily.

Recordings that were joined byte by byte, and recorders whose clock overruns or is set anew, hold
timestamps that step back or jump ahead. Players go on there without a gap. So does this module: all
streams are shifted by the same time, so that the sound stays with the pictures.
"""

import dataclasses
from collections.abc import Iterable, Iterator
from fractions import Fraction

import av

# FFmpeg's command line has the same limits for steps back and for jumps ahead.
_STEP_BACK = Fraction(1, 10)  # seconds by which a decoding timestamp may fall
_STEP_BACK_SHOWN = Fraction(1, 2)  # the same for display timestamps, which fall at each B-frame
_JUMP = Fraction(10)  # seconds
_ENOUGH = 4  # packets after which a seam is no single wrong timestamp
_WAIT = Fraction(1)  # seconds after which a seam does not wait for the other streams


@dataclasses.dataclass(eq=False)
class _Stretch:
    """A part of the file with one clock.

    Attributes:
      offset: seconds to add to its timestamps; None until its streams have begun.
      newest: the last timestamp, in seconds of its own clock.
      first: the least timestamp of each stream, by stream index, in seconds of its own clock.
      held: packets that wait for `offset`.
    """

    offset: Fraction | None
    newest: Fraction
    first: dict[int, Fraction] = dataclasses.field(default_factory=dict)
    held: list[av.Packet] = dataclasses.field(default_factory=list)


@dataclasses.dataclass(eq=False)
class _Track:
    """The state of one stream.

    Attributes:
      stretch: the stretch of its last packet.
      last: time of the last packet, in seconds on the clock of `stretch`.
      left: the same of the last packet before `stretch`; None in the track's first stretch.
      rises: whether `last` is a timestamp of a kind that always rises.
      step: seconds between two packets.
      end: end of its packets so far, in seconds on the steady clock.
    """

    stretch: _Stretch
    last: Fraction
    rises: bool
    left: Fraction | None = None
    step: Fraction = Fraction(0)
    end: Fraction | None = None


class Timeline:
    """Shifts the timestamps of packets in place.

    Attributes:
      start: seconds that are added to all timestamps of the file.
      seams: number of places at which the clock stepped back or jumped ahead.
    """

    def __init__(self, container: av.container.InputContainer):
        """Starts with the first packet of a file.

        Args:
          container: the open file. In formats such as MPEG-TS the clock may jump ahead, and begins
            at any time, which becomes 0. In other formats a picture may be shown for any time.
        """
        start = Fraction(container.start_time or 0, av.time_base)
        self.may_jump = bool(container.format.flags & av.format.Flags.ts_discont.value)
        is_arbitrary = self.may_jump or abs(start) > _JUMP
        self.start = -start if is_arbitrary else Fraction(0)
        self.seams = 0
        self._now = _Stretch(self.start, start)
        self._next: _Stretch | None = None
        self._tracks: dict[int, _Track] = {}

    def steady(self, packets: Iterable[av.Packet]) -> Iterator[av.Packet]:
        """Yields all packets with steady timestamps; the order changes at seams only."""
        for packet in packets:
            if not packet.size:
                yield from self._settle()
                yield packet
                continue
            stretch = self._stretch_of(packet)
            if stretch is None:
                yield from self._settle()
                stretch = self._next = _Stretch(None, _time(packet))
            is_glitch = self._enter(packet, stretch)
            if is_glitch or self._is_known():
                yield from self._settle(keep=not is_glitch)
            if stretch.offset is None:
                stretch.held.append(packet)
            else:
                yield self._shift(packet)
        yield from self._settle()

    def _stretch_of(self, packet: av.Packet) -> _Stretch | None:
        """Returns the stretch that a packet belongs to; None if a new one begins."""
        track, time = self._tracks.get(packet.stream.index), _time(packet)
        newest = self._next or self._now
        if track is None:
            return None if self._begins_elsewhere(packet, newest) else newest
        if time is None:
            return track.stretch
        if track.stretch is self._next and _returns(track, time):
            return self._now
        is_late = track.stretch is not newest
        if not self._breaks(track, time, rises=track.rises and _rises(packet), is_late=is_late):
            return track.stretch
        return newest if is_late and abs(time - newest.newest) < _JUMP else None

    def _begins_elsewhere(self, packet: av.Packet, newest: _Stretch) -> bool:
        """Returns whether a stream begins with a time that belongs to another stretch."""
        if not self._tracks or _time(packet) is None:
            return False
        # Such formats store the sound by its time. FFmpeg reads a picture only with the next one.
        is_ordered = self.may_jump and packet.stream.type == "audio"
        return is_ordered and abs(_time(packet) - newest.newest) > _WAIT

    def _breaks(self, track: _Track, time: Fraction, *, rises: bool, is_late: bool) -> bool:
        step = time - track.last
        if step < 0 and rises:
            return is_late or -step > _STEP_BACK
        if step < 0:
            return -step > _STEP_BACK_SHOWN
        # A stream of few packets is no jump: the other streams are there already.
        return self.may_jump and step > _JUMP and time - track.stretch.newest > _JUMP

    def _enter(self, packet: av.Packet, stretch: _Stretch) -> bool:
        """Notes a packet of a stretch; returns whether the next stretch was only a wrong time."""
        index, time = packet.stream.index, _time(packet)
        track = self._tracks.setdefault(
            index, _Track(stretch, stretch.newest if time is None else time, _rises(packet))
        )
        is_back = stretch is self._now and track.stretch is self._next is not None
        if track.stretch is not stretch:
            track.stretch, track.left = stretch, track.last
        elif time is not None and time > track.last:
            track.step = min(time - track.last, _WAIT)
        if time is None:
            return False
        track.last, track.rises = time, _rises(packet)
        stretch.newest = max(stretch.newest, time)
        shown = time if packet.pts is None else packet.pts * packet.time_base
        stretch.first[index] = min(stretch.first.get(index, shown), shown)
        return is_back

    def _is_known(self) -> bool:
        """Returns whether all streams have begun the next stretch, or will not."""
        if self._next is None:
            return False
        has_waited = self._next.newest - min(self._next.first.values()) > _WAIT
        are_there = all(track.stretch is self._next for track in self._tracks.values())
        return has_waited or (are_there and len(self._next.held) >= _ENOUGH)

    def _settle(self, keep: bool = True) -> Iterator[av.Packet]:
        """Yields the held packets, at the earliest time at which no stream overlaps itself.

        Args:
          keep: whether the next stretch goes on; else it was a wrong timestamp.
        """
        stretch, self._next = self._next, None
        if stretch is None:
            return
        ends = {index: self._tracks[index].end for index in stretch.first}
        gaps = [end - stretch.first[index] for index, end in ends.items() if end is not None]
        stretch.offset = max(gaps, default=self._now.offset)
        if keep:
            self.seams += stretch.offset != self._now.offset
            self._now = stretch
        yield from (self._shift(packet, stretch) for packet in stretch.held)
        stretch.held.clear()

    def _shift(self, packet: av.Packet, stretch: _Stretch | None = None) -> av.Packet:
        track, base = self._tracks[packet.stream.index], packet.time_base
        if _time(packet) is None:
            if packet.stream.type == "audio":  # The decoder of pictures finds their time.
                packet.pts = packet.dts = round((track.end or Fraction(0)) / base)
        elif offset := (stretch or track.stretch).offset:
            ticks = round(offset / base)
            packet.pts = None if packet.pts is None else packet.pts + ticks
            packet.dts = None if packet.dts is None else packet.dts + ticks
        if (begin := packet.dts if packet.pts is None else packet.pts) is not None:
            end = begin * base + (packet.duration * base if packet.duration else track.step)
            track.end = end if track.end is None else max(track.end, end)
        return packet


def _time(packet: av.Packet) -> Fraction | None:
    """Returns the decoding time of a packet in seconds, or else its display time."""
    ticks = packet.pts if packet.dts is None else packet.dts
    return None if ticks is None else ticks * packet.time_base


def _rises(packet: av.Packet) -> bool:
    """Returns whether `_time` rises from packet to packet.

    Matroska has display timestamps only, and FFmpeg does not always find the decoding timestamps.
    """
    return packet.stream.type == "audio" or packet.dts not in (None, packet.pts)


def _returns(track: _Track, time: Fraction) -> bool:
    """Returns whether a track goes on where it was before its stretch, after one wrong time."""
    if track.left is None:
        return False
    is_sudden = not 0 <= time - track.last <= max(3 * track.step, _STEP_BACK)
    return is_sudden and 0 < time - track.left <= _WAIT
