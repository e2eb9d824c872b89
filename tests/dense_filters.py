"""The five-tap filters as dense matrices, built tap by tap: the oracle of the strided ones."""

import numpy as np

TAPS = (1, 4, 6, 4, 1)
NUMPY_MODE = {"reflect": "reflect", "replicate": "edge", "circular": "wrap", "constant": "constant"}


def beyond(n, width, mode):
    """Indices of n samples with `width` more on each side, as numpy.pad extends them; -1 stands for zero."""
    fill = {"constant_values": -1} if mode == "constant" else {}
    return [int(i) for i in np.pad(np.arange(n), width, mode=NUMPY_MODE[mode], **fill)]


def reduce_matrix(n, mode):
    matrix = np.zeros((-(-n // 2), n))
    index = beyond(n, 4, mode)
    for row in range(matrix.shape[0]):
        for tap, weight in enumerate(TAPS):
            column = index[4 + 2 * row + tap - 2]
            if column >= 0:
                matrix[row, column] += weight / 16
    return matrix


def expand_matrix(size, mode):
    n = -(-size // 2)
    # Which coarse sample stands on each place of the finer lattice, two places beyond either end included.
    place = {}
    if mode == "reflect":
        for position, i in zip(range(-2, size + 2), beyond(size, 2, mode), strict=True):
            if position % 2 == 0:  # the zeros between the samples stay zeros
                place[position] = i // 2
    else:
        for k, i in zip(range(-1, n + 1), beyond(n, 1, mode), strict=True):
            place[2 * k] = i
    matrix = np.zeros((size, n))
    for row in range(size):
        for tap, weight in enumerate(TAPS):
            column = place.get(row + tap - 2, -1)
            if column >= 0:
                matrix[row, column] += weight / 8
    return matrix


def dense_reduce(image, mode):
    h, w = image.shape
    return (np.kron(reduce_matrix(h, mode), reduce_matrix(w, mode)) @ image.ravel()).reshape(-(-h // 2), -(-w // 2))


def dense_expand(image, size, mode):
    return (np.kron(expand_matrix(size[0], mode), expand_matrix(size[1], mode)) @ image.ravel()).reshape(size)
