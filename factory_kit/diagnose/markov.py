"""A hidden Markov model that rarely changes its state: the likeliest path, and how sure each step of it is."""

from __future__ import annotations

import numpy as np

from factory_kit.model.sample import Float64, Int64

__all__ = ["path"]


def path(likely: Float64, stay: float) -> tuple[Int64, Float64]:
    """The likeliest state of each step (Viterbi), and the probability of every state at every step (forward-backward).

    *likely* holds the logarithm of the likelihood, steps by states; a state stays with probability *stay*, else any other
    follows alike.
    """
    steps, states = likely.shape
    if not steps:
        return np.empty(0, np.int64), np.empty((0, states))
    if states == 1:
        return np.zeros(steps, np.int64), np.ones((steps, 1))
    change = np.full((states, states), np.log((1 - stay) / (states - 1)))
    np.fill_diagonal(change, np.log(stay))
    return _viterbi(likely, change), _posterior(likely, np.exp(change))


def _viterbi(likely: Float64, change: Float64) -> Int64:
    steps, states = likely.shape
    score = likely[0].copy()
    came = np.zeros((steps, states), np.int64)
    for step in range(1, steps):
        options = score[:, None] + change
        came[step] = np.argmax(options, axis=0)
        score = options[came[step], np.arange(states)] + likely[step]
    chosen = np.empty(steps, np.int64)
    chosen[-1] = int(np.argmax(score))
    for step in range(steps - 1, 0, -1):
        chosen[step - 1] = came[step, chosen[step]]
    return chosen


def _posterior(likely: Float64, change: Float64) -> Float64:
    steps, states = likely.shape
    emitted = np.exp(likely - likely.max(axis=1, keepdims=True))
    forward = np.empty((steps, states))
    forward[0] = emitted[0] / emitted[0].sum()
    for step in range(1, steps):
        ahead = (forward[step - 1] @ change) * emitted[step]
        forward[step] = ahead / ahead.sum()
    backward = np.ones(states)
    found = np.empty((steps, states))
    found[-1] = forward[-1]
    for step in range(steps - 2, -1, -1):
        backward = change @ (emitted[step + 1] * backward)
        backward /= backward.sum()
        both = forward[step] * backward
        found[step] = both / both.sum()
    return found
