"""Names that PyTorch projects give the arrays of super-resolution networks, as tables."""

import itertools
from collections.abc import Callable
from typing import NamedTuple

from pix2pix_flax.models.upscaling import doublings


class Place(NamedTuple):
    """The name of an array, and the factor of the pixel shuffle after its layer, or 1."""

    name: str
    shuffled: int


Table = dict[str, Place]
"""Places by the paths of this project's arrays, such as `params/first/kernel`."""


def _conv(ours: str, theirs: str, shuffled: int = 1) -> Table:
    leaves = {"kernel": "weight", "bias": "bias"}
    return {f"params/{ours}/{a}": Place(f"{theirs}.{b}", shuffled) for a, b in leaves.items()}


def _norm(ours: str, theirs: str) -> Table:
    leaves = {"params": {"scale": "weight", "bias": "bias"}}
    leaves["batch_stats"] = {"mean": "running_mean", "var": "running_var"}
    return {
        f"{collection}/{ours}/BatchNorm_0/{a}": Place(f"{theirs}.{b}", 1)
        for collection, names in leaves.items()
        for a, b in names.items()
    }


def compact(generator) -> Table:
    """Returns the names of SRVGGNetCompact in Real-ESRGAN."""
    table = {}
    for index in range(generator["blocks"] + 1):
        table |= _conv(f"conv{index}", f"body.{2 * index}")
        table[f"params/slopes{index}"] = Place(f"body.{2 * index + 1}.weight", 1)
    return table | _conv("out", f"body.{2 * generator['blocks'] + 2}", generator["scale"])


def span(generator) -> Table:
    """Returns the names of SPAN; `eval_conv` stands for all parts of a `Conv3XC`."""
    table = _conv("first", "conv_1.eval_conv") | _conv("last", "conv_2.eval_conv")
    table |= _conv("mix", "conv_cat") | _conv("out", "upsampler.0", generator["scale"])
    for block, conv in itertools.product(range(generator["blocks"]), range(3)):
        place = f"block_{block + 1}.c{conv + 1}_r.eval_conv"
        table |= _conv(f"block{block}_{conv}", place)
    return table


RRDB_NAMES = {
    "new": {
        "first": "conv_first",
        "dense": "body.{block}.rdb{rdb}.conv{conv}",
        "last": "conv_body",
        "up": "conv_up{up}",
        "hr": "conv_hr",
        "out": "conv_last",
    },
    "trunk": {
        "first": "conv_first",
        "dense": "RRDB_trunk.{block}.RDB{rdb}.conv{conv}",
        "last": "trunk_conv",
        "up": "upconv{up}",
        "hr": "HRconv",
        "out": "conv_last",
    },
    "old": {
        "first": "model.0",
        "dense": "model.1.sub.{block}.RDB{rdb}.conv{conv}.0",
        "last": "model.1.sub.{blocks}",
        "up": "model.{up_index}",
        "hr": "model.{hr_index}",
        "out": "model.{out_index}",
    },
}
"""Names of RRDBNet's layers: of Real-ESRGAN, of ESRGAN since 2019, and of ESRGAN before."""


def rrdb(generator, style: str = "new") -> Table:
    """Returns the names of RRDBNet in a style of `RRDB_NAMES`."""
    names, ups = RRDB_NAMES[style], doublings(generator["scale"])
    indices = {"blocks": generator["blocks"], "hr_index": 3 * ups + 2, "out_index": 3 * ups + 4}
    table = {}
    for ours in ("first", "last", "hr", "out"):
        table |= _conv(ours, names[ours].format(**indices))
    for block, rdb, conv in itertools.product(range(generator["blocks"]), range(3), range(5)):
        place = names["dense"].format(block=block, rdb=rdb + 1, conv=conv + 1)
        table |= _conv(f"block{block}_{rdb}_{conv}", place)
    for index in range(ups):
        place = names["up"].format(up=index + 1, up_index=3 * index + 3)
        table |= _conv(f"up{index}/Conv_0", place)
    return table


def srresnet(generator) -> Table:
    """Returns the names of SRResNet with BatchNorm in SRGAN-PyTorch."""
    blocks, ups = generator["blocks"], doublings(generator["scale"])
    slopes = ["conv1.1", *(f"trunk.{i}.rcb.2" for i in range(blocks))]
    slopes += [f"upsampling.{i}.upsample_block.2" for i in range(ups)]
    table = _conv("first", "conv1.0") | _conv("out", "conv3")
    normed = {"last": ("conv2", 0)}
    for i in range(blocks):
        normed |= {f"block{i}_0": (f"trunk.{i}.rcb", 0), f"block{i}_1": (f"trunk.{i}.rcb", 3)}
    for ours, (place, index) in normed.items():
        table |= _conv(ours, f"{place}.{index}") | _norm(f"{ours}_norm", f"{place}.{index + 1}")
    for i in range(ups):
        table |= _conv(f"up{i}", f"upsampling.{i}.upsample_block.0", 2)
    for i, place in enumerate(slopes):
        table[f"params/PReLU_{i}/negative_slope"] = Place(f"{place}.weight", 1)
    return table


TABLES: dict[str, Callable[..., Table]] = {
    "compact": compact,
    "span": span,
    "rrdb": rrdb,
    "srresnet": srresnet,
}
"""Functions that make the table of a network from `config.generator`, by its name."""
