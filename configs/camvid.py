"""Label maps of car photographs by pix2pix, and by cross-entropy beside it: CamVid's 11 classes.

The pairs are built from the folders of SegNet's CamVid, see docs/segmentation.md:
`python -m cartoon_tfds --pairs=PHOTOS,LABELS --name=camvid`. The discriminative baseline is
`--config.task=segmentation --config.generator.out_channels=11`.
"""

import ml_collections

from configs import default

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
    config = default.get_config()
    config.unlock()
    config.task = "adversarial_segmentation"
    # Short side in pixels at which G looks at larger pictures, here that of the photographs in
    # training; 0: at every picture as it is.
    config.segmentation = ml_collections.ConfigDict({"predict_size": 360})
    config.generator.depth = 6  # sees the whole of a crop
    config.loss_weights.cross_entropy = 1.0  # of the baseline
    config.augment.crop_size = 256
    config.data.name = "cartoon_tfds/camvid"
    config.data.features = ("input", "target")
    config.data.labels = "target"
    config.data.palette = PALETTE
    config.train.steps = 20_000
    config.train.eval_every_steps = 1_000
    config.train.best_metric, config.train.best_is = "mean_iou", "max"
    return default.variant(config, arg)
