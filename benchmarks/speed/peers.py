"""What other libraries offer for the Gaussian and Laplacian pyramid, each as its documentation says.

Every function takes a float32 array (..., h, w) and prepares one library's work on it; what is not timed happens here.
"""

from collections.abc import Callable
from importlib import import_module
from itertools import pairwise
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from timing import Work

LEVELS = 5
Array = NDArray[Any]
Peer = Callable[[Array], Work]


def library(name: str) -> Any:
    """A peer, imported only when it is asked for: one that is missing is reported as such."""
    return import_module(name)


def planes(array: Array) -> list[Array]:
    return list(array.reshape(-1, *array.shape[-2:]))


def batch(array: Array) -> torch.Tensor:
    """(b, c, h, w), as torch libraries want it."""
    shape = (1, 1, *array.shape)[-4:]
    return torch.from_numpy(array.reshape(shape))


def opencv_pyramid(plane: Array) -> list[Array]:
    pyramid = [plane]
    while len(pyramid) < LEVELS:
        pyramid.append(cv2.pyrDown(pyramid[-1]))
    return pyramid


def opencv_bands(plane: Array) -> list[Array]:
    levels = opencv_pyramid(plane)
    fine = [cv2.subtract(a, cv2.pyrUp(b, dstsize=a.shape[::-1])) for a, b in pairwise(levels)]
    return [*fine, levels[-1]]


def opencv_image(bands: list[Array]) -> Array:
    image = bands[-1]
    for band in bands[-2::-1]:
        image = cv2.add(band, cv2.pyrUp(image, dstsize=band.shape[::-1]))
    return image


def opencv_gaussian(array: Array) -> Work:
    return lambda: [opencv_pyramid(plane) for plane in planes(array)]


def opencv_uint8(array: Array) -> Work:
    scale = np.float32(1 / 255)
    return lambda: [opencv_pyramid(np.multiply(plane, scale, dtype=np.float32)) for plane in planes(array)]


def opencv_laplacian(array: Array) -> Work:
    return lambda: [opencv_bands(plane) for plane in planes(array)]


def opencv_reconstruct(array: Array) -> Work:
    pyramids = [opencv_bands(plane) for plane in planes(array)]
    return lambda: [opencv_image(bands) for bands in pyramids]


def kornia_gaussian(array: Array) -> Work:
    build, x = library("kornia.geometry.transform").build_pyramid, batch(array)
    return lambda: build(x, LEVELS)


def kornia_laplacian(array: Array) -> Work:
    build, x = library("kornia.geometry.transform").build_laplacian_pyramid, batch(array)
    return lambda: build(x, LEVELS)


def plenoptic_gaussian(array: Array) -> Work:
    halve, x = library("plenoptic").process.blur_downsample, batch(array)

    def build() -> list[torch.Tensor]:
        pyramid = [x]
        while len(pyramid) < LEVELS:
            pyramid.append(halve(pyramid[-1], 1, "binom5", scale_filter=True))
        return pyramid

    return build


def plenoptic_laplacian(array: Array) -> Work:
    pyramid, x = library("plenoptic").process.LaplacianPyramid(LEVELS), batch(array)
    return lambda: pyramid(x)


def plenoptic_reconstruct(array: Array) -> Work:
    pyramid = library("plenoptic").process.LaplacianPyramid(LEVELS)
    bands = pyramid(batch(array))
    return lambda: pyramid.recon_pyr(bands)


def pyrtools_gaussian(array: Array) -> Work:
    build = library("pyrtools").pyramids.GaussianPyramid
    return lambda: [build(plane, height=LEVELS) for plane in planes(array)]


def pyrtools_laplacian(array: Array) -> Work:
    build = library("pyrtools").pyramids.LaplacianPyramid
    return lambda: [build(plane, height=LEVELS) for plane in planes(array)]


def pyrtools_reconstruct(array: Array) -> Work:
    build = library("pyrtools").pyramids.LaplacianPyramid
    pyramids = [build(plane, height=LEVELS) for plane in planes(array)]
    return lambda: [pyramid.recon_pyr() for pyramid in pyramids]


def _skimage(name: str, array: Array) -> Work:
    build, images = getattr(library("skimage.transform"), name), np.stack(planes(array))
    return lambda: list(build(images, max_layer=LEVELS - 1, channel_axis=0))


def skimage_gaussian(array: Array) -> Work:
    return _skimage("pyramid_gaussian", array)


def skimage_laplacian(array: Array) -> Work:
    return _skimage("pyramid_laplacian", array)


def _pyramid_loss(name: str, array: Array) -> Work:
    module, x = library("pyramid_loss"), batch(array)
    kernel, build = module.gaussian_kernel(channels=x.shape[1]), getattr(module, name)
    return lambda: build(x, kernel, LEVELS - 1)


def pyramid_loss_gaussian(array: Array) -> Work:
    return _pyramid_loss("create_gaussian_pyramid", array)


def pyramid_loss_laplacian(array: Array) -> Work:
    return _pyramid_loss("create_laplacian_pyramid", array)


def no_inverse(array: Array) -> Work:
    raise NotImplementedError("the library has no inverse")


GAUSSIAN: dict[str, Peer] = {
    "OpenCV": opencv_gaussian,
    "kornia": kornia_gaussian,
    "plenoptic": plenoptic_gaussian,
    "pyrtools": pyrtools_gaussian,
    "scikit-image": skimage_gaussian,
    "pyramid-loss": pyramid_loss_gaussian,
}
LAPLACIAN: dict[str, Peer] = {
    "OpenCV": opencv_laplacian,
    "kornia": kornia_laplacian,
    "plenoptic": plenoptic_laplacian,
    "pyrtools": pyrtools_laplacian,
    "scikit-image": skimage_laplacian,
    "pyramid-loss": pyramid_loss_laplacian,
}
RECONSTRUCT: dict[str, Peer] = {
    "OpenCV": opencv_reconstruct,
    "kornia": no_inverse,
    "plenoptic": plenoptic_reconstruct,
    "pyrtools": pyrtools_reconstruct,
    "scikit-image": no_inverse,
    "pyramid-loss": no_inverse,
}
