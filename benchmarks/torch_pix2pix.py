"""A plain PyTorch pix2pix with the same networks, losses and step, to compare JAX with."""

import ml_collections
import torch
from torch import nn


def _norm(channels: int) -> nn.Module:
    return nn.BatchNorm2d(channels)


class Unet(nn.Module):
    """The paper's U-Net, or this project's with resizing and convolutions at full resolution.

    Its attributes are those of `pix2pix_flax.models.unet.Unet`.
    """

    def __init__(self, depth: int, width: int, dropout: float, upsample: str, fine_width: int):
        super().__init__()
        sizes = [width * min(2**level, 8) for level in range(depth)]
        self.downs = nn.ModuleList(
            self._down(level, 3 if level == 0 else sizes[level - 1], sizes[level], depth)
            for level in range(depth)
        )
        self.ups = nn.ModuleList(
            self._up(level, sizes, depth, dropout, upsample) for level in reversed(range(1, depth))
        )
        inputs = sizes[0] * (1 if depth == 1 else 2)
        if fine_width:
            shuffled = nn.Conv2d(inputs, 4 * fine_width, 1), nn.PixelShuffle(2)
            self.last = nn.Sequential(nn.ReLU(), *shuffled)
            self.fine = nn.ModuleList(_fine(inputs, fine_width) for inputs in (3, fine_width))
            self.output = nn.Sequential(nn.Conv2d(fine_width, 3, 3, padding=1), nn.Tanh())
        else:
            last = _doubling(upsample, inputs, 3, bias=True)
            self.last, self.fine = nn.Sequential(nn.ReLU(), *last, nn.Tanh()), None

    @staticmethod
    def _down(level: int, inputs: int, outputs: int, depth: int) -> nn.Sequential:
        normalised = 0 < level < depth - 1
        layers: list[nn.Module] = [nn.LeakyReLU(0.2)] if level else []
        layers.append(nn.Conv2d(inputs, outputs, 4, 2, 1, bias=not normalised))
        return nn.Sequential(*layers, *([_norm(outputs)] if normalised else []))

    @staticmethod
    def _up(
        level: int, sizes: list[int], depth: int, dropout: float, upsample: str
    ) -> nn.Sequential:
        inputs = sizes[level] * (1 if level == depth - 1 else 2)
        outputs = sizes[level - 1]
        layers = [nn.ReLU(), *_doubling(upsample, inputs, outputs, bias=False), _norm(outputs)]
        return nn.Sequential(*layers, *([nn.Dropout(dropout)] if level >= depth - 3 else []))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Returns images [B, 3, H, W] in [-1, 1] for images of the same shape and range."""
        x, skips = images, []
        for down in self.downs:
            x = down(x)
            skips.append(x)
        x = skips.pop()
        for up in self.ups:
            x = torch.cat([skips.pop(), up(x)], dim=1)
        x = self.last(x)
        if self.fine is None:
            return x
        return self.output(self.fine[1](x + self.fine[0](images)))


def unet(config: ml_collections.ConfigDict) -> Unet:
    """Makes the generator of `config`; drawings in layers are not supported."""
    net = config.generator
    return Unet(net.depth, net.width, net.dropout, net.upsample, net.fine_width)


def _doubling(upsample: str, inputs: int, outputs: int, bias: bool) -> list[nn.Module]:
    """Returns the layers that double height and width."""
    if upsample == "transpose":
        return [nn.ConvTranspose2d(inputs, outputs, 4, 2, 1, bias=bias)]
    return [nn.Upsample(scale_factor=2), nn.Conv2d(inputs, outputs, 3, padding=1, bias=bias)]


def _fine(inputs: int, outputs: int) -> nn.Sequential:
    convolution = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
    return nn.Sequential(convolution, _norm(outputs), nn.LeakyReLU(0.2))


def patch_discriminator(width: int) -> nn.Sequential:
    """Makes the 70x70 PatchGAN, which maps pairs [B, 6, H, W] to logits [B, 1, h, w]."""
    layers: list[nn.Module] = [nn.Conv2d(6, width, 4, 2, 1), nn.LeakyReLU(0.2)]
    for scale, stride in ((1, 2), (2, 2), (4, 1)):
        layers += [
            nn.Conv2d(width * scale, width * scale * 2, 4, stride, 1, bias=False),
            _norm(width * scale * 2),
            nn.LeakyReLU(0.2),
        ]
    return nn.Sequential(*layers, nn.Conv2d(width * 8, 1, 4, 1, 1))


def initialize(module: nn.Module) -> None:
    """Draws kernels from N(0, 0.02) and scales of norms from N(1, 0.02); biases become 0."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.BatchNorm2d):
        nn.init.normal_(module.weight, float(isinstance(module, nn.BatchNorm2d)), 0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


class Pix2Pix:
    """Both networks, their Adam optimizers and the training step."""

    def __init__(self, config: ml_collections.ConfigDict, device: str):
        """Makes the networks of `config` in `device`; see `unet`."""
        self.gen = unet(config).to(device)
        self.disc = patch_discriminator(config.discriminator.width).to(device)
        self.nets = (self.gen, self.disc)
        for net in self.nets:
            net.apply(initialize)
        self.gen_adam, self.disc_adam = (
            torch.optim.Adam(net.parameters(), lr=2e-4, betas=(0.5, 0.999)) for net in self.nets
        )
        self.l1_weight = config.loss_weights.l1

    def step(self, inputs: torch.Tensor, targets: torch.Tensor) -> tuple[float, float]:
        """Updates D, then G, on images [B, 3, H, W] in [-1, 1]; returns the losses of D and G."""
        entropy = nn.functional.binary_cross_entropy_with_logits
        fake = self.gen(inputs)

        self.disc_adam.zero_grad()
        real_logits = self.disc(torch.cat([inputs, targets], 1))
        fake_logits = self.disc(torch.cat([inputs, fake.detach()], 1))
        disc_loss = 0.5 * (
            entropy(real_logits, torch.ones_like(real_logits))
            + entropy(fake_logits, torch.zeros_like(fake_logits))
        )
        disc_loss.backward()
        self.disc_adam.step()

        self.disc.requires_grad_(False)
        self.gen_adam.zero_grad()
        logits = self.disc(torch.cat([inputs, fake], 1))
        l1 = nn.functional.l1_loss(fake, targets)
        gen_loss = entropy(logits, torch.ones_like(logits)) + self.l1_weight * l1
        gen_loss.backward()
        self.gen_adam.step()
        self.disc.requires_grad_(True)
        return disc_loss.item(), gen_loss.item()
