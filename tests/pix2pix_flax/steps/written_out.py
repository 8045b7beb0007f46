"""One step of a GAN written out, as two losses with passes of their own."""

import flax.linen as nn
import jax
import jax.numpy as jnp

RATE = 0.05  # of SGD
COUNT = 4  # images of a batch
FORMULAS = {  # of real and generated logits for D, of generated ones for G
    "vanilla": (lambda x: -nn.log_sigmoid(x), lambda x: -nn.log_sigmoid(-x)),
    "lsgan": (lambda x: (x - 1) ** 2, lambda x: x**2),
    "hinge": (lambda x: jnp.maximum(0, 1 - x), lambda x: jnp.maximum(0, 1 + x)),
    "wgan-gp": (lambda x: -x, lambda x: x),
}
GEN_FORMULAS = FORMULAS | {"hinge": FORMULAS["wgan-gp"]}


def beside(condition):
    return lambda images: jnp.concatenate([condition, images], -1)


def mean(values):
    return jnp.mean(jnp.stack([jnp.mean(value) for value in values]))


def write_out(gan, loss, nets, batch, number):
    """The same step as two losses, with passes of their own and slopes image by image."""
    gen, disc, disc_input = nets["gen"], nets["disc"], beside(batch["condition"])
    share = jax.random.uniform(jax.random.key(number), (COUNT, 1, 1, 1))
    of_real, of_fake = FORMULAS[loss]

    def generate(params):
        return gan.gen.net.module.apply({"params": params}, batch["inputs"], train=True)

    def look(params, collections, images):
        variables = {"params": params, **collections}
        mutable = [*collections, "intermediates"]
        logits, moved = gan.disc.net.module.apply(
            variables, disc_input(images), train=True, mutable=mutable
        )
        return logits, jax.tree.leaves(moved.pop("intermediates")), moved

    def slopes(params, collections, images):
        def score(image, index):
            logits, _, _ = look(params, collections, images.at[index].set(image))
            return mean([scale[index] for scale in logits])

        slope = jax.grad(score)
        return jax.lax.map(lambda i: slope(images[i], i), jnp.arange(COUNT))

    def disc_loss(params):
        fake = generate(gen.params)
        real_logits, _, collections = look(params, disc.model_state, batch["real"])
        fake_logits, _, collections = look(params, collections, fake)
        values = {"real": mean(map(of_real, real_logits)), "fake": mean(map(of_fake, fake_logits))}
        total = values["real"] + values["fake"]
        if loss == "vanilla":
            squares = jnp.square(slopes(params, disc.model_state, jnp.asarray(batch["real"])))
            values["r1"] = squares.sum() / COUNT / 2
            total += 5.0 * values["r1"]
        if loss == "wgan-gp":
            found = slopes(params, collections, share * batch["real"] + (1 - share) * fake)
            norms = jnp.sqrt(jnp.square(found).sum((1, 2, 3)))
            values["gradient_penalty"] = jnp.square(norms - 1).mean()
            total += 10.0 * values["gradient_penalty"]
        return total / 2, (values, (real_logits, fake_logits), collections)

    (value, aux), disc_gradients = jax.value_and_grad(disc_loss, has_aux=True)(disc.params)
    values, logits, collections = aux
    moved = jax.tree.map(lambda p, g: p - RATE * g, disc.params, disc_gradients)

    def moved_look(images):
        return look(moved, collections, images)

    return {
        "disc": {"loss": value, **values},
        "logits": logits,
        "collections": collections,
        "third_pass": look(moved, collections, generate(gen.params))[2],
        "disc_gradients": disc_gradients,
        "terms": {
            name: jax.value_and_grad(term)(gen.params)
            for name, term in generator_terms(loss, moved_look, generate, batch["real"]).items()
        },
    }


def generator_terms(loss, look, generate, real):
    """The terms of G as functions of its parameters; `look` is a pass of D after its step."""
    _, wanted, _ = look(real)

    def gan_term(params):
        logits, _, _ = look(generate(params))
        return mean(map(GEN_FORMULAS[loss][0], logits))

    def feature_term(params):
        logits, features, _ = look(generate(params))
        pairs = zip(wanted, features, strict=True)
        return sum(jnp.abs(a - b).mean() for a, b in pairs) / len(logits)

    return {"gan": gan_term, "feature_matching": feature_term}
