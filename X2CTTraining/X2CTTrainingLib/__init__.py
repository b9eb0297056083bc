"""Training of the networks of X2CT-GAN: data, losses, discriminator, trainer, evaluation."""
