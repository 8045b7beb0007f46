"""Label maps of Cityscapes by the recipe of Isola et al. 2017 (section 4.4): 19 classes.

    python -m pix2pix_flax.main --config=configs/cityscapes.py --workdir=runs/cityscapes

TFDS builds the pairs from the archives of cityscapes-dataset.com; see docs/segmentation.md. The
labels of the test split are not public, so `validation` is scored, as in the paper. The baseline, a
classifier of pixels trained by cross-entropy, is `configs/cityscapes.py:supervised`. Written for a
GPU; time and scores are not measured here.
"""

import ml_collections

from configs import base, paper

# Name, colour, `labelIds` of the 19 classes that the benchmark scores. All other ids are void.
PALETTE = (
    ("road", (128, 64, 128), (7,)),
    ("sidewalk", (244, 35, 232), (8,)),
    ("building", (70, 70, 70), (11,)),
    ("wall", (102, 102, 156), (12,)),
    ("fence", (190, 153, 153), (13,)),
    ("pole", (153, 153, 153), (17,)),
    ("traffic light", (250, 170, 30), (19,)),
    ("traffic sign", (220, 220, 0), (20,)),
    ("vegetation", (107, 142, 35), (21,)),
    ("terrain", (152, 251, 152), (22,)),
    ("sky", (70, 130, 180), (23,)),
    ("person", (220, 20, 60), (24,)),
    ("rider", (255, 0, 0), (25,)),
    ("car", (0, 0, 142), (26,)),
    ("truck", (0, 0, 70), (27,)),
    ("bus", (0, 60, 100), (28,)),
    ("train", (0, 80, 100), (31,)),
    ("motorcycle", (0, 0, 230), (32,)),
    ("bicycle", (119, 11, 32), (33,)),
    ("void", (0, 0, 0), ()),
)


def get_config(arg: str = "") -> ml_collections.ConfigDict:
    config = paper.get_config()
    config.unlock()
    config.task = "segmentation"
    config.segmentation = ml_collections.ConfigDict(  # see configs/camvid.py
        {"coding": "colours", "class_weights": "none"}
    )
    config.sizes.inference = 256
    config.data.name = "cityscapes/semantic_segmentation"
    config.data.features = ("image_left", "segmentation_label")
    config.data.labels = "segmentation_label"
    config.data.palette = PALETTE
    config.train.eval_every_steps = 10_000
    config.train.best_metric = "mean_iou"
    return base.variant(config, arg)
