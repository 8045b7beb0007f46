"""How parameters move: states, optimizers, and the GAN step."""
