"""Real video files, made from photographs, and what is in them."""

from fractions import Fraction

import av
import numpy as np
import skimage.data

from pix2pix_flax.inference.video import VideoOptions, translate_video

COFFEE = skimage.data.coffee()


def pan(frames, height=96, width=128):
    """A camera that moves over a photograph, uint8 [frames, height, width, 3]."""
    return np.stack(
        [COFFEE[100 + i : 100 + i + height, 4 * i : 4 * i + width] for i in range(frames)]
    )


def make_clip(
    path,
    images=None,
    *,
    pts=None,
    base=Fraction(1, 25),
    audio=False,
    sound=None,
    rotation=None,
    codec="libx264",
    pix_fmt="yuv420p",
    colour=None,
    transfer=None,
    fields=None,
    options=None,
    encoder=None,
    bframes=2,
    gop=250,
    aspect=None,
):
    """Writes images as a video, with `sound` seconds of a tone; returns its path.

    `fields`, tff or bff, flags the frames as interlaced.
    """
    graph = None
    images = pan(12) if images is None else images
    with av.open(str(path), "w", options=options or {}) as container:
        stream = container.add_stream(
            codec,
            rate=25,
            options={"g": str(gop)}
            | ({"crf": "8", "bf": str(bframes)} if "264" in codec else {})
            | (encoder or {}),
        )
        stream.height, stream.width = images.shape[1:3]
        stream.pix_fmt = pix_fmt
        stream.codec_context.sample_aspect_ratio = aspect or Fraction(1)
        stream.codec_context.time_base = stream.time_base = base
        if rotation:
            stream.set_display_rotation(rotation[0], hflip=rotation[1])
        if colour:
            context = stream.codec_context
            context.colorspace, context.color_range = colour
            context.color_primaries, context.color_trc = colour[0], transfer or colour[0]
        heard = container.add_stream("aac", rate=8000, layout="mono") if audio else None
        for i, image in enumerate(images):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image))
            matrix, colour_range = colour or (6, 1)
            frame = frame.reformat(
                format=pix_fmt,
                dst_colorspace=matrix,
                src_color_range="JPEG",
                dst_color_range=colour_range,
            )
            frame.pts, frame.time_base = (i if pts is None else pts[i]), base
            if fields:
                graph = graph or make_setfield(frame, fields)
                graph.push(frame)
                frame = graph.pull()
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        for packet in tone(heard, sound or len(images) / 25 + 0.12) if audio else ():
            container.mux(packet)
    return path


def make_setfield(frame, fields):
    graph = av.filter.Graph()
    source = graph.add_buffer(
        width=frame.width, height=frame.height, format=frame.format, time_base=frame.time_base
    )
    nodes = graph.add("setfield", mode=fields), graph.add("buffersink")
    graph.link_nodes(source, *nodes).configure()
    return graph


def tone(stream, seconds=0.6):
    wave = np.sin(np.arange(int(8000 * seconds)) * 0.3).astype(np.float32)
    frame = av.AudioFrame.from_ndarray(wave[np.newaxis], format="fltp", layout="mono")
    frame.rate, frame.pts = 8000, 0
    return stream.encode(frame) + stream.encode(None)


def decode(path):
    """Returns the frames as stored, uint8 [N, H, W, 3], and their (time, duration)."""
    with av.open(str(path)) as container:
        frames = list(container.decode(video=0))
        times = [(f.pts * f.time_base, (f.duration or 0) * f.time_base) for f in frames]
        return np.stack([f.to_ndarray(format="rgb24") for f in frames]), times


def duration(path):
    with av.open(str(path)) as container:
        return container.duration / 1e6


def audio_packets(path):
    with av.open(str(path)) as container:
        packets = [p for p in container.demux(audio=0) if p.size]
        return [(p.pts * p.time_base, bytes(p)) for p in packets]


def keep(images):
    return images


def invert(images):
    return 255 - images


def translate(predict, source, destination, *, blend=None, **options):
    options = VideoOptions(progress=False, **options)
    return translate_video(predict, source, destination, options, blend=blend)


def assert_alike(a, b, decibels):
    error = np.mean((np.asarray(a, np.float64) - b) ** 2)
    assert 10 * np.log10(255**2 / error) > decibels
