"""CLUTR's variational autoencoder of mazes: a latent space of whole levels, learnt before any student plays.

Source: Azad et al. 2023 (CLUTR, arXiv 2210.10243). Nothing is imported here, so that torch is loaded only by those who
need it: `config` and `sequences` do without, `model`, `decoding`, `training` and `metrics` do not.
"""
