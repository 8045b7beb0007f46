"""Label maps of street photographs by pix2pix: the 11 classes of CamVid.

    python -m cartoon_tfds --pairs=PHOTOS,LABELS --name=camvid
    python -m pix2pix_flax.main --config=configs/camvid.py --workdir=runs/camvid

The pairs are built from the folders of SegNet's CamVid; see docs/segmentation.md. The baseline, a
classifier of pixels trained by cross-entropy, is `configs/camvid.py:supervised`. Time at full size
is not measured. `:lite`, for CPUs, takes an hour on a core: pixel accuracy .74 and mean IoU .39 on
the test split, of the baseline .80 and .46 with two more flags, .82 and .47 after a second
training, of the commonest class .32 and .08 (docs/segmentation.md).
"""

import ml_collections

from configs import base

# Name, colour, ids in the label maps. All other ids are void.
PALETTE = (
    ("sky", (128, 128, 128), (0,)),
    ("building", (128, 0, 0), (1,)),
    ("pole", (192, 192, 128), (2,)),
    ("road", (128, 64, 128), (3,)),
    ("pavement", (60, 40, 222), (4,)),
    ("tree", (128, 128, 0), (5,)),
    ("sign", (192, 128, 128), (6,)),
    ("fence", (64, 64, 128), (7,)),
    ("car", (64, 0, 128), (8,)),
    ("pedestrian", (64, 64, 0), (9,)),
    ("bicyclist", (0, 128, 192), (10,)),
    ("void", (0, 0, 0), ()),
)


def get_config(arg: str = "") -> ml_collections.ConfigDict:
    config = base.pix2pix()
    config.task = "segmentation"
    # How label maps are represented: as `colours` of the palette, or as `logits`, one for each
    # class. `:supervised` takes logits. And the weights of the classes in the losses l1 and
    # cross_entropy: none, or median_frequency, by which rare classes count more, or
    # root_median_frequency, a way between the two.
    config.segmentation = ml_collections.ConfigDict({"coding": "colours", "class_weights": "none"})
    config.sizes.inference = 360  # the short side of the photographs in training
    config.generator.depth = 6  # its receptive field covers a whole crop
    config.sizes.canvas, config.sizes.crop = 360, 256
    config.augment.min_scale, config.augment.max_scale = 0.75, 1.5
    config.data.name = "cartoon_tfds/camvid"
    config.data.features = ("input", "target")
    config.data.labels = "target"
    config.data.palette = PALETTE
    config.train.steps = 20_000
    config.train.eval_every_steps = 1_000
    config.train.best_metric = "mean_iou"
    return base.variant(config, arg, lite=_lite)


def _lite(config: ml_collections.ConfigDict) -> None:
    """Halves the photographs to 240x180 and makes the network narrow, for CPUs."""
    config.data.canvas_mode = "scale_width"
    config.sizes.canvas = config.sizes.evaluation = 240
    config.sizes.inference, config.sizes.crop = 180, 160
    config.augment.min_scale, config.augment.max_scale = 0.9, 1.6
    config.segmentation.class_weights = "median_frequency"
    config.generator.depth, config.generator.width = 5, 32
    config.generator.fine_width = 16  # so that poles and signs are seen in full resolution
    config.generator.dropout = 0.3
    config.discriminator.width = 16
    config.optimizer.learning_rate = 1e-3
    config.optimizer.decay_start = 0.3
    config.ema_decay = 0.998
    config.data.cache = "host"
    config.train.steps = 4_000
    config.train.eval_every_steps = 500
    config.train.eval_examples = 50
