"""The networks of pytorch-CycleGAN-and-pix2pix in PyTorch, and the files that they made for tests.

    python -m tests.pix2pix_flax.pretrained.pytorch_networks

writes `data/*.pth` and `data/*.npz` anew; PyTorch is needed for that, not for the tests that read
them. The classes follow the architecture's description, and name their layers as that project does.
"""

from pathlib import Path

import numpy as np
import skimage.data
import torch
from torch import nn

DATA = Path(__file__).with_name("data")
PHOTOGRAPH = skimage.data.chelsea()[80:208, 110:238]
SAMPLED = (slice(None), slice(None, None, 5), slice(None, None, 7))
GOLDEN = {
    "unet_batch": {"kind": "unet", "size": 7, "width": 1, "norm": "batch", "dropout": True},
    "unet_instance": {"kind": "unet", "size": 7, "width": 1, "norm": "instance"},
    "resnet_batch": {"kind": "resnet", "size": 6, "width": 2, "norm": "batch"},
    "resnet_instance": {
        "kind": "resnet",
        "size": 6,
        "width": 2,
        "norm": "instance",
        "dropout": True,
    },
}
NORMS = {
    "batch": nn.BatchNorm2d,
    "instance": nn.InstanceNorm2d,
    "none": lambda width: nn.Identity(),
}


class UnetBlock(nn.Module):
    """One level of a U-Net, and in its middle the block of the next one."""

    def __init__(self, level, levels, width, norm, dropout, inputs=3, outputs=3):
        super().__init__()
        outer, inner = (width * min(2**n, 8) for n in (level - 1, level))
        first, last, use_bias = level == 0, level == levels - 1, norm == "instance"
        make_norm = NORMS[norm]
        down = [] if first else [nn.LeakyReLU(0.2)]
        down += [nn.Conv2d(inputs if first else outer, inner, 4, 2, 1, bias=use_bias)]
        middle, channels = [], inner
        if not last:
            down += [] if first else [make_norm(inner)]
            middle, channels = [UnetBlock(level + 1, levels, width, norm, dropout)], 2 * inner
        up = [nn.ReLU()]
        if first:
            up += [nn.ConvTranspose2d(channels, outputs, 4, 2, 1), nn.Tanh()]
        else:
            up += [nn.ConvTranspose2d(channels, outer, 4, 2, 1, bias=use_bias), make_norm(outer)]
            up += [nn.Dropout(0.5)] if dropout and 4 <= level < levels - 1 else []
        self.first, self.model = first, nn.Sequential(*down, *middle, *up)

    def forward(self, x):
        return self.model(x) if self.first else torch.cat([x, self.model(x)], 1)


class Unet(nn.Module):
    def __init__(self, size, width, norm, dropout, **channels):
        super().__init__()
        self.model = UnetBlock(0, size, width, norm, dropout, **channels)

    def forward(self, x):
        return self.model(x)


class ResidualBlock(nn.Module):
    def __init__(self, width, norm, dropout):
        super().__init__()

        def convolution():
            bias = norm == "instance"
            return [
                nn.ReflectionPad2d(1),
                nn.Conv2d(width, width, 3, bias=bias),
                NORMS[norm](width),
            ]

        between = [nn.ReLU(), *([nn.Dropout(0.5)] if dropout else [])]
        self.conv_block = nn.Sequential(*convolution(), *between, *convolution())

    def forward(self, x):
        return x + self.conv_block(x)


class Resnet(nn.Module):
    def __init__(self, size, width, norm, dropout, inputs=3, outputs=3):
        super().__init__()
        settings, make_norm = {"bias": norm == "instance"}, NORMS[norm]
        layers = [nn.ReflectionPad2d(3), nn.Conv2d(inputs, width, 7, **settings)]
        layers += [make_norm(width), nn.ReLU()]
        for n in (width, 2 * width):
            layers += [nn.Conv2d(n, 2 * n, 3, 2, 1, **settings), make_norm(2 * n), nn.ReLU()]
        layers += [ResidualBlock(4 * width, norm, dropout) for _ in range(size)]
        for n in (2 * width, width):
            layers += [
                nn.ConvTranspose2d(2 * n, n, 3, 2, 1, 1, **settings),
                make_norm(n),
                nn.ReLU(),
            ]
        layers += [nn.ReflectionPad2d(3), nn.Conv2d(width, outputs, 7), nn.Tanh()]
        self.model = nn.Sequential(*layers)

    def forward(self, x):
        return self.model(x)


def make_network(kind, size, width, norm, dropout=False, seed=0, **channels):
    """Returns a network with weights and running statistics as different as trained ones."""
    network = {"unet": Unet, "resnet": Resnet}[kind](size, width, norm, dropout, **channels)
    random, gain = torch.Generator().manual_seed(seed), {"unet": 2.0, "resnet": 1.0}[kind]
    with torch.no_grad():
        for name, array in network.state_dict().items():
            noise = torch.randn(array.shape, generator=random)
            if array.ndim == 4:
                array.copy_(gain * noise / array[0].numel() ** 0.5)
            elif name.endswith("var"):
                array.copy_(0.5 + noise.abs())
            elif name.endswith(("weight", "bias", "mean")):
                array.copy_(name.endswith("weight") + 0.3 * noise)
    return network


def translate(network, picture, *, train=False):
    """Returns float32 [H, W, C] in [-1, 1] for uint8 [H, W, C]."""
    x = torch.from_numpy(picture.astype(np.float32) / 127.5 - 1).permute(2, 0, 1)[None]
    with torch.no_grad():
        return network.train(train)(x)[0].permute(1, 2, 0).numpy()


if __name__ == "__main__":
    for name, settings in GOLDEN.items():
        network = make_network(**settings)
        torch.save(network.state_dict(), DATA / f"{name}.pth")
        np.savez_compressed(DATA / f"{name}.npz", translate(network, PHOTOGRAPH)[SAMPLED[1:]])
