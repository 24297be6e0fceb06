"""Files: models and the states of optimizers, saved and loaded without pickle."""
