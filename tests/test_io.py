import os
import stat
import struct
import threading
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

import pyrascope as ps
from pyrascope import _pictures, io
from tolerances import near

HEIGHT, WIDTH = 12, 16


@pytest.fixture(scope="module")
def picture():
    """uint8 (h, w, 3), smooth enough for JPEG, no two of its eight turns alike."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    return np.stack([10 + 14 * x, 20 + 18 * y, 200 - 6 * x - 5 * y], axis=-1).astype(np.uint8)


def save(image, path, **options):
    image = Image.fromarray(image) if isinstance(image, np.ndarray) else image
    image.save(path, **options)
    return path


def png(width, height, depth, colour, rows, transparent=b""):
    """A PNG by hand, for what Pillow does not write."""

    def chunk(tag, data):
        return struct.pack(">I", len(data)) + tag + data + struct.pack(">I", zlib.crc32(tag + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    extra = chunk(b"tRNS", transparent) if transparent else b""
    return b"\x89PNG\r\n\x1a\n" + head + extra + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def palette_image(picture):
    colours, index = np.unique(picture.reshape(-1, 3), axis=0, return_inverse=True)
    image = Image.fromarray(index.reshape(picture.shape[:2]).astype(np.uint8), "L")
    image.putpalette(colours.tobytes())
    assert image.mode == "P"
    return image


def over_white(picture, alpha):
    share = alpha[..., None] / 255
    return picture / 255 * share + (1 - share)


# --- the same picture, stored in many ways ---


def test_rgb_png_gives_its_pixels_by_255(picture, tmp_path):
    seen = io.read_image(save(picture, tmp_path / "a.png"))
    assert seen.dtype == np.float32
    np.testing.assert_array_equal(seen, picture.astype(np.float32) / np.float32(255))


@pytest.mark.parametrize(
    ("suffix", "tolerance"), [("png", 0), ("gif", 0), ("tif", 0), ("bmp", 0), ("webp", 0), ("jpg", 0.05)]
)
def test_formats_agree_with_the_png(picture, tmp_path, suffix, tolerance):
    options = {"webp": {"lossless": True}, "jpg": {"quality": 95, "subsampling": 0}}.get(suffix, {})
    image = palette_image(picture) if suffix == "gif" else picture
    seen = io.read_image(save(image, tmp_path / f"a.{suffix}", **options))
    np.testing.assert_allclose(seen, io.read_image(save(picture, tmp_path / "b.png")), atol=tolerance)


def test_palette_agrees_with_the_png(picture, tmp_path):
    seen = io.read_image(save(palette_image(picture), tmp_path / "a.png"))
    near(seen, io.read_image(save(picture, tmp_path / "b.png")), "step")


def test_transparent_palette_is_laid_over_white(picture, tmp_path):
    image = palette_image(picture)
    alpha = np.linspace(255, 0, 256).astype(np.uint8)
    path = save(image, tmp_path / "many.png", transparency=alpha.tobytes())
    expected = over_white(picture, alpha[np.asarray(image)])
    near(io.read_image(path), expected, "step")
    one = save(image, tmp_path / "one.gif", transparency=int(np.asarray(image)[3, 4]))
    assert (io.read_image(one)[3, 4] == 1).all()
    near(io.read_image(one)[5, 6], picture[5, 6] / 255, "step")


@pytest.mark.parametrize("suffix", ["png", "jpg", "tif"])
def test_grey_is_repeated_to_three_channels(picture, tmp_path, suffix):
    grey = np.ascontiguousarray(picture[..., 0])
    seen = io.read_image(save(grey, tmp_path / f"a.{suffix}"))
    three = io.read_image(save(np.repeat(grey[..., None], 3, axis=2), tmp_path / "b.png"))
    np.testing.assert_allclose(seen, three, atol=0.03 if suffix == "jpg" else 0)


def test_one_bit_is_black_and_white(picture, tmp_path):
    bits = picture[..., 0] > 100
    seen = io.read_image(save(Image.fromarray(bits), tmp_path / "a.png"))
    np.testing.assert_array_equal(seen, np.repeat(bits[..., None], 3, axis=2).astype(np.float32))


@pytest.mark.parametrize("suffix", ["tif", "jpg"])
def test_cmyk_agrees_with_the_ink_model(picture, tmp_path, suffix):
    ink = np.concatenate([picture, picture[::-1, :, :1] // 2], axis=2)
    path = save(Image.fromarray(ink, "CMYK"), tmp_path / f"a.{suffix}", **({"quality": 98} if suffix == "jpg" else {}))
    share = ink / 255
    expected = (1 - share[..., :3]) * (1 - share[..., 3:])
    np.testing.assert_allclose(io.read_image(path), expected, atol=0.005 if suffix == "tif" else 0.05)


def test_cmyk_without_black_agrees_with_the_png(picture, tmp_path):
    seen = io.read_image(save(Image.fromarray(picture).convert("CMYK"), tmp_path / "a.tif"))
    near(seen, io.read_image(save(picture, tmp_path / "b.png")), "step")


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_alpha_is_laid_over_white(picture, tmp_path, mode):
    colours = picture if mode == "RGBA" else picture[..., :1]
    alpha = np.linspace(0, 255, HEIGHT * WIDTH).round().astype(np.uint8).reshape(HEIGHT, WIDTH)
    path = save(np.concatenate([colours, alpha[..., None]], axis=2), tmp_path / "a.png")
    with Image.open(path) as image:
        assert image.mode == mode
    seen = io.read_image(path)
    assert seen.max() <= 1
    expected = np.broadcast_to(over_white(colours, alpha), picture.shape)
    near(seen, expected, "step")


def test_opaque_alpha_changes_no_bit():
    values = np.repeat(np.arange(256, dtype=np.uint8).reshape(16, 16, 1), 3, axis=2)
    opaque = np.concatenate([values, np.full((16, 16, 1), 255, np.uint8)], axis=2)
    tensor, _ = io.as_tensor(Image.fromarray(opaque))
    assert torch.equal(tensor, io.as_tensor(values)[0])


@pytest.mark.parametrize("mode", ["PA", "RGBa", "RGBX", "HSV", "YCbCr", "LAB", "1", "P", "I;16B"])
def test_other_modes_of_pil_images_give_rgb(mode):
    tensor, layout = io.as_tensor(Image.new(mode, (3, 2)))
    assert (tensor.shape, tensor.dtype, layout) == ((3, 2, 3), torch.float32, io.Layout("numpy"))


@pytest.mark.parametrize("suffix", ["png", "tif", "pgm"])
def test_sixteen_bit_grey_keeps_its_precision(tmp_path, suffix):
    grey = np.arange(0, 65536, 331, dtype=np.uint16)[:192].reshape(HEIGHT, WIDTH)
    seen = io.read_image(save(grey, tmp_path / f"a.{suffix}"))
    near(seen, np.repeat(grey[..., None] / 65535, 3, axis=2), "step")


def test_sixteen_bit_transparent_value_is_white(tmp_path):
    rows = b"".join(b"\0" + np.array(row, ">u2").tobytes() for row in ([258, 40000], [257, 0]))
    (tmp_path / "a.png").write_bytes(png(2, 2, 16, 0, rows, struct.pack(">H", 258)))
    seen = io.read_image(tmp_path / "a.png")
    near(seen[..., 1], [[1, 40000 / 65535], [257 / 65535, 0]], "step")


def test_sixteen_bit_colour_comes_with_eight_bits(tmp_path):
    (tmp_path / "a.png").write_bytes(png(1, 1, 16, 2, b"\0" + np.array([33005, 39756, 63618], ">u2").tobytes()))
    near(io.read_image(tmp_path / "a.png")[0, 0], np.array([128, 155, 248]) / 255, "step")


def test_float_picture_is_kept_within_0_and_1(tmp_path):
    grey = np.linspace(0, 1, 6, dtype=np.float32).reshape(2, 3)
    seen = io.read_image(save(grey, tmp_path / "a.tif"))
    np.testing.assert_array_equal(seen, np.repeat(grey[..., None], 3, axis=2))


@pytest.mark.parametrize("value", [-0.01, 1.5, 255.0, np.nan, np.inf])
def test_float_picture_outside_0_and_1_is_refused(tmp_path, value):
    path = save(np.array([[0.5, value]], np.float32), tmp_path / "a.tif")
    with pytest.raises(ValueError, match=r"image file .*a.tif' must hold values from 0 to 1, got .*; scale it"):
        io.read_image(path)


@pytest.mark.parametrize("value", [-1, 65536])
def test_wide_integer_picture_beyond_16_bits_is_refused(tmp_path, value):
    path = save(np.array([[5, value]], np.int32), tmp_path / "a.tif")
    with pytest.raises(ValueError, match="must hold values from 0 to 65535, got"):
        io.read_image(path)


# What EXIF says of each orientation: the visual sides on which stored row 0 and stored column 0 lie.
SIDES = {
    1: ("top", "left"),
    2: ("top", "right"),
    3: ("bottom", "right"),
    4: ("bottom", "left"),
    5: ("left", "top"),
    6: ("right", "top"),
    7: ("right", "bottom"),
    8: ("left", "bottom"),
}


def stored(picture, orientation):
    row, column = SIDES[orientation]
    if "bottom" in (row, column):
        picture = picture[::-1]
    if "right" in (row, column):
        picture = picture[:, ::-1]
    return np.ascontiguousarray(picture if row in ("top", "bottom") else picture.swapaxes(0, 1))


@pytest.mark.parametrize("orientation", SIDES)
@pytest.mark.parametrize("suffix", ["png", "jpg", "tif", "webp"])
def test_exif_orientation_is_resolved(picture, tmp_path, suffix, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"jpg": {"quality": 95, "subsampling": 0}, "webp": {"lossless": True}}.get(suffix, {})
    path = save(stored(picture, orientation), tmp_path / f"a.{suffix}", exif=exif, **options)
    upright = io.read_image(save(picture, tmp_path / "b.png"))
    np.testing.assert_allclose(io.read_image(path), upright, atol=0.05 if suffix == "jpg" else 0)


@pytest.mark.parametrize("orientation", SIDES)
def test_a_pil_image_is_its_stored_pixels_and_warns_once(picture, tmp_path, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    as_stored = stored(picture, orientation)
    path = save(as_stored, tmp_path / "a.png", exif=exif)
    with Image.open(path) as image, warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        for _ in range(2):
            tensor, _ = io.as_tensor(image)
            np.testing.assert_array_equal(tensor.permute(1, 2, 0), as_stored.astype(np.float32) / 255)
        with Image.open(path) as another:
            io.as_tensor(another)
    sentence = (
        f"PIL image (RGB, {image.width}x{image.height}) has EXIF orientation {orientation}, and its pixels are used "
        "as they are stored; turn it with PIL.ImageOps.exif_transpose, or give its path"
    )
    assert [str(one.message) for one in said] == [sentence] * (0 if orientation == 1 else 2), "once an image"


@pytest.mark.parametrize("bits", [8, 16])
def test_a_scan_whose_zero_is_white_is_no_negative(tmp_path, bits):
    paper = np.zeros((4, 6), np.uint8 if bits == 8 else np.uint16)
    paper[1:3, 2:4] = np.iinfo(paper.dtype).max  # ink
    path = tmp_path / "scan.tif"
    tifffile.imwrite(path, paper, photometric="miniswhite")
    seen = io.read_image(path)[..., 0]
    assert (seen[0, 0], seen[1, 2]) == (1.0, 0.0)
    with Image.open(path) as image:
        np.testing.assert_array_equal(io.as_tensor(image)[0][0], seen)
    tifffile.imwrite(path, paper, photometric="minisblack")
    np.testing.assert_array_equal(io.read_image(path)[..., 0], 1 - seen)


@pytest.mark.parametrize("orientation", [3, 6])
def test_exif_orientation_turns_sixteen_bit_grey(picture, tmp_path, orientation):
    grey = picture[..., 0].astype(np.uint16) * 250
    exif = Image.Exif()
    exif[0x0112] = orientation
    seen = io.read_image(save(stored(grey, orientation), tmp_path / "a.png", exif=exif))
    near(seen[..., 2], grey / 65535, "step")


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_unknown_orientation_turns_nothing(picture, tmp_path, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    seen = io.read_image(save(picture, tmp_path / "a.png", exif=exif))
    near(seen, picture / 255, "step")


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (9, 1)])
@pytest.mark.parametrize("mode", ["RGB", "L", "LA", "RGBA", "P", "1", "CMYK", "I;16", "F"])
def test_smallest_sizes(tmp_path, size, mode):
    path = save(Image.new(mode, size[::-1]), tmp_path / ("a.tif" if mode in ("CMYK", "F") else "a.png"))
    assert io.read_image(path).shape == (*size, 3)
    assert io.as_tensor(path)[0].shape == (3, *size)


def test_path_pil_and_array_agree(picture, tmp_path):
    path = save(picture, tmp_path / "a.png")
    expected = torch.from_numpy(picture.astype(np.float32) / 255).permute(2, 0, 1)
    for image in (path, str(path), Image.fromarray(picture), picture):
        tensor, layout = io.as_tensor(image)
        assert torch.equal(tensor, expected)
        assert layout == io.Layout("numpy")
    tensor, layout = io.as_tensor(torch.from_numpy(picture).permute(2, 0, 1))
    assert torch.equal(tensor, expected)
    assert layout == io.Layout("torch")


# --- arrays and tensors ---


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_float_arrays_keep_type_and_values(dtype):
    array = np.random.default_rng(0).random((5, 4, 3)).astype(dtype)
    tensor, _ = io.as_tensor(array)
    np.testing.assert_array_equal(tensor.permute(1, 2, 0).numpy(), array)
    assert tensor.numpy().dtype == dtype


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_float_tensors_keep_type_values_and_gradient(dtype):
    leaf = torch.rand(3, 5, 4).to(dtype).requires_grad_()
    tensor, layout = io.as_tensor(leaf * 1)
    assert (tensor.dtype, layout.kind) == (dtype, "torch")
    tensor.sum().backward()
    assert torch.equal(leaf.grad, torch.ones_like(leaf))


@pytest.mark.parametrize(("dtype", "top"), [(np.uint8, 255), (np.uint16, 65535)])
def test_whole_numbers_are_scaled_by_their_range(dtype, top):
    array = np.array([[0, 1, top // 2, top]], dtype)
    expected = np.array([[[0, 1, top // 2, top]]]) / top
    for image in (array, torch.from_numpy(array)[None]):
        tensor, _ = io.as_tensor(image)
        assert tensor.dtype == torch.float32
        near(tensor, expected, "step")


def read_only(array):
    array = array.copy()
    array.setflags(write=False)
    return array


@pytest.mark.parametrize("dtype", ["<f4", ">f4", ">f8", ">f2", "<u2", ">u2", "u1"])
@pytest.mark.parametrize(
    "view",
    [
        lambda a: a[::-1, ::-1, ::-1],
        lambda a: a[1::2, ::3],
        lambda a: a[..., 0],
        lambda a: a[:, :, 1:2],
        lambda a: a.transpose(2, 0, 1),
        np.asfortranarray,
        read_only,
        lambda a: np.broadcast_to(a[:1], a.shape),
        lambda a: a.reshape(10, 18).view(np.matrix),
    ],
)
def test_any_memory_order_gives_the_values_and_leaves_the_input(dtype, view):
    base = (np.random.default_rng(1).random((10, 6, 3)) * (1 if "f" in dtype else 255)).astype(dtype)
    array = view(base)
    before = base.copy()
    tensor, _ = io.as_tensor(array)
    values = np.asarray(array)[..., None] if array.ndim == 2 else array
    top = {"u1": 255, "u2": 65535}.get(dtype[-2:], 1)
    near(tensor.permute(1, 2, 0).numpy(), values.astype(np.float64) / top, "step")
    tensor.zero_()
    np.testing.assert_array_equal(base, before)


@pytest.mark.parametrize("dtype", [bool, np.int8, np.int32, np.int64, np.uint32, np.complex64, np.longdouble, object])
def test_other_numbers_in_arrays_are_refused(dtype):
    with pytest.raises(TypeError, match=r"image must hold floats in \[0, 1\], uint8 or uint16, got .*; scale it"):
        io.as_tensor(np.zeros((4, 4), dtype))


@pytest.mark.parametrize("dtype", [torch.bool, torch.int8, torch.int64, torch.complex64, torch.float8_e4m3fn])
def test_other_numbers_in_tensors_are_refused(dtype):
    with pytest.raises(TypeError, match=r"image must hold floats in \[0, 1\], uint8 or uint16, got torch\..*; scale"):
        io.as_tensor(torch.zeros(3, 4, 4).to(dtype))


@pytest.mark.parametrize("image", [torch.zeros(3, 4, 4, device="meta"), torch.zeros(3, 4, 4).to_sparse()])
def test_tensors_without_dense_data_are_refused(image):
    with pytest.raises(TypeError, match="image must be a dense tensor with data, got"):
        io.as_tensor(image)


@pytest.mark.parametrize(("value", "name"), [(np.nan, "NaN"), (np.inf, "infinity"), (-np.inf, "infinity")])
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_not_finite_is_named(value, name, dtype):
    array = np.zeros((4, 5, 3), dtype)
    array[2, 3, 1] = value
    for image in (array, torch.from_numpy(array)):
        with pytest.raises(ValueError, match=f"image must hold finite numbers, got {name}; replace it"):
            io.as_tensor(image)


@pytest.mark.parametrize("shape", [(), (4,), (1, 3, 4, 4)])
def test_wrong_axes_of_arrays_are_shown(shape):
    with pytest.raises(ValueError, match=r"image must be an array \(h, w\) or \(h, w, c\), got shape \(.*\); "):
        io.as_tensor(np.zeros(shape))


@pytest.mark.parametrize(
    ("shape", "hint"), [((4,), "one image"), ((4, 4), r"image\[None\]"), ((1, 3, 4, 4), "one image")]
)
def test_wrong_axes_of_tensors_are_shown(shape, hint):
    with pytest.raises(ValueError, match=rf"image must be a tensor \(c, h, w\), got shape \(.*\); .*{hint}"):
        io.as_tensor(torch.zeros(shape))


@pytest.mark.parametrize("shape", [(0, 4, 3), (4, 0, 3), (4, 4, 0), (0, 4)])
def test_empty_axes_are_refused(shape):
    with pytest.raises(ValueError, match="image must have at least one pixel, got"):
        io.as_tensor(np.zeros(shape))
    with pytest.raises(ValueError, match="image must have at least one pixel, got"):
        io.as_tensor(torch.zeros((*shape, 3)[:3]))


def test_empty_pil_image_is_refused():
    with pytest.raises(ValueError, match=r"PIL image \(RGB, 0x5\) must have at least one pixel, got 0x5"):
        io.as_tensor(Image.new("RGB", (0, 5)))


@pytest.mark.parametrize("image", [None, 3, 0.5, [[0.0, 1.0]], b"a.png", {}, np.float32(1), np.ma.zeros((4, 4))])
def test_other_objects_are_refused(image):
    with pytest.raises(TypeError, match=r"image must be a path, a PIL image, a NumPy array .* got \w+; convert it"):
        io.as_tensor(image)


def test_patches_go_out_as_the_image_came_in():
    patches = torch.rand(5, 3, 4, 4, requires_grad=True)
    assert io.patches_out(patches, io.Layout("torch")) is patches
    array = io.patches_out(patches, io.Layout("numpy"))
    assert array.shape == (5, 4, 4, 3)
    assert array.flags.c_contiguous
    np.testing.assert_array_equal(array[2, 1, 3], patches[2, :, 1, 3].detach().numpy())


# --- bad files ---


def open_files():
    folder = Path("/proc/self/fd")
    return len(list(folder.iterdir())) if folder.exists() else 0


@pytest.fixture(autouse=True)
def no_file_stays_open():
    before = open_files()
    yield
    assert open_files() <= before


def refused(path, error, match):
    """Reads `path` both ways; the message is one line of at most 400 characters."""
    for read in (io.read_image, io.as_tensor):
        with pytest.raises(error, match=match) as caught:
            read(path)
        assert type(caught.value) is error
        assert "\n" not in str(caught.value)
        assert len(str(caught.value)) < 400


def test_missing_file(tmp_path):
    refused(tmp_path / "no.png", FileNotFoundError, r"image file must be .*, got '.*no.png' \(No such file.*\); check")
    refused(tmp_path / "no" / "no.png", FileNotFoundError, "image file must be a readable file, got")
    refused(str(tmp_path / "a\0.png"), ValueError, "embedded null byte")


def test_folder_as_file(tmp_path):
    refused(tmp_path, IsADirectoryError, "image file must be a readable file, got .* directory")
    (tmp_path / "a").write_bytes(b"1")
    refused(tmp_path / "a" / "b.png", NotADirectoryError, "image file must be a readable file, got")
    refused(tmp_path / ("a" * 300), OSError, "name too long")


def test_closed_file(tmp_path, monkeypatch, picture):
    path = save(picture, tmp_path / "a.png")

    def closed(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", closed)  # root may read everything
    refused(path, PermissionError, r"image file must be a readable file, got '.*a.png' \(Permission denied\); check")


def test_pipe_is_refused_without_waiting(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    refused(tmp_path / "pipe.png", OSError, "got .* pipe or device")


def test_empty_file(tmp_path):
    (tmp_path / "a.png").touch()
    refused(tmp_path / "a.png", ValueError, "image file must hold data, got '.*a.png' of 0 bytes")


@pytest.mark.parametrize(
    "data", [b"hello", b"\0" * 5000, b"\x89PNG\r\n\x1a\n", b"GIF89a", b"II*\0\xff\xff\xff\x7f", b"{}"]
)
def test_no_image(tmp_path, data):
    (tmp_path / "a.png").write_bytes(data)
    refused(
        tmp_path / "a.png", ValueError, r"image file '.*a.png' must be a whole picture .* \(no known format\); open"
    )


@pytest.mark.parametrize("suffix", ["png", "jpg", "gif", "tif", "webp", "bmp", "jp2", "ico"])
def test_truncated_file(tmp_path, suffix):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    path = save(noise, tmp_path / f"a.{suffix}", **({"compression": "tiff_lzw"} if suffix == "tif" else {}))
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    refused(path, ValueError, "must be a whole picture that Pillow can read, got broken or other data")


def test_truncated_pil_image(tmp_path, picture):
    path = save(np.tile(picture, (8, 8, 1)), tmp_path / "a.png")
    path.write_bytes(path.read_bytes()[:200])
    with (
        Image.open(path) as image,
        pytest.raises(ValueError, match=r"PIL image \(RGB, 128x96\) must be a whole picture"),
    ):
        io.as_tensor(image)


def test_closed_pil_image(tmp_path, picture):
    with Image.open(save(picture, tmp_path / "a.png")) as image:
        pass
    with pytest.raises(ValueError, match=r"PIL image \(RGB, 16x12\) must be a whole picture"):
        io.as_tensor(image)


def test_postscript_is_not_run(tmp_path, picture):
    refused(save(picture, tmp_path / "a.eps"), ValueError, "must be made of pixels, got EPS")


@pytest.mark.parametrize("size", [(100_000, 100_000), (2**31 - 1, 2**31 - 1)])
def test_absurd_size_in_the_header(tmp_path, size):
    (tmp_path / "a.png").write_bytes(png(*size, 8, 2, b"abc"))
    limit = 2 * Image.MAX_IMAGE_PIXELS
    refused(tmp_path / "a.png", ValueError, f"must have at most {limit} pixels, got {size[0] * size[1]}; shrink it")


def test_size_limit_is_pillows_hard_one_and_silent_below(tmp_path, monkeypatch, picture):
    path = save(picture, tmp_path / "a.png")
    filters = list(warnings.filters)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", HEIGHT * WIDTH // 2)
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        assert io.read_image(path).shape == (HEIGHT, WIDTH, 3)
    assert seen == []
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", HEIGHT * WIDTH // 2 - 1)
    refused(path, ValueError, f"must have at most {HEIGHT * WIDTH - 2} pixels, got {HEIGHT * WIDTH}; shrink it")
    assert HEIGHT * WIDTH // 2 - 1 == Image.MAX_IMAGE_PIXELS
    assert warnings.filters == filters


def test_threads_leave_the_warning_filters(tmp_path, picture):
    path = save(np.tile(picture, (8, 8, 1)), tmp_path / "a.png")
    filters = list(warnings.filters)
    threads = [threading.Thread(target=lambda: [io.read_image(path) for _ in range(40)]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert warnings.filters == filters


@pytest.mark.parametrize("exception", [SyntaxError, OSError, struct.error, zlib.error, MemoryError, AssertionError])
def test_whatever_pillow_raises_is_one_value_error(tmp_path, monkeypatch, picture, exception):
    def broken(*_, **__):
        raise exception("some\ninner reason")

    path = save(picture, tmp_path / "a.png")
    for owner, name in ((_pictures.Image, "open"), (_pictures.Image.Image, "getexif")):
        with monkeypatch.context() as patch:
            patch.setattr(owner, name, broken)
            refused(path, ValueError, "got broken or other data .*some inner reason")


SEEDS = {
    "png": {},
    "jpg": {},
    "gif": {},
    "tif": {"compression": "tiff_deflate"},
    "webp": {},
    "bmp": {},
    "jp2": {},
    "ppm": {},
    "tga": {},
    "ico": {},
}


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_mutated_files_load_or_give_a_value_error(tmp_path, data):
    suffix = data.draw(st.sampled_from(sorted(SEEDS)))
    path = tmp_path / f"a.{suffix}"
    exif = Image.Exif()
    exif[0x0112] = 6
    noise = np.arange(16 * 16 * 3, dtype=np.uint8).reshape(16, 16, 3)
    save(noise, path, **SEEDS[suffix], **({"exif": exif} if suffix in ("png", "jpg", "webp") else {}))
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, min(len(content), 200) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content[: data.draw(st.integers(1, len(content)))])
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Image, "MAX_IMAGE_PIXELS", 100_000)  # bounds time and memory
            seen = io.read_image(path)
    except ValueError as error:
        assert str(error).startswith("image file '")  # noqa: PT017 - loading is fine too
    else:
        assert seen.shape[2] == 3
        assert 0 <= seen.min() <= seen.max() <= 1


# --- write_whole ---


def names(folder):
    return sorted(file.name for file in folder.iterdir())


def test_written_file_appears_when_it_is_whole(tmp_path, picture):
    target = tmp_path / "a.png"
    with io.write_whole(str(target)) as part:
        assert part.suffix == ".png"
        assert part.parent == tmp_path
        save(picture, part)
        assert not target.exists()
    assert names(tmp_path) == ["a.png"]
    near(io.read_image(target), picture / 255, "step")


def write(path, text, finish=lambda: None):
    with io.write_whole(path) as part:
        part.write_text(text)
        finish()


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_failure_leaves_no_file_or_the_old_one(tmp_path, error):
    def fail():
        raise error("half way")

    with pytest.raises(error, match="half way"):
        write(tmp_path / "new.json", "half", fail)
    assert names(tmp_path) == []
    write(tmp_path / "old.json", "old")
    with pytest.raises(error, match="half way"):
        write(tmp_path / "old.json", "half", fail)
    assert names(tmp_path) == ["old.json"]
    assert (tmp_path / "old.json").read_text() == "old"


def test_failure_to_move_leaves_no_part(tmp_path):
    with pytest.raises(IsADirectoryError):
        write(tmp_path / "a.json", "[]", (tmp_path / "a.json").mkdir)
    assert names(tmp_path) == ["a.json"]


def test_permissions_are_the_old_or_the_usual_ones(tmp_path):
    (tmp_path / "usual").touch()
    (tmp_path / "old").touch(mode=0o640)
    for name, like in (("new", "usual"), ("old", "old")):
        expected = stat.S_IMODE((tmp_path / like).stat().st_mode)
        write(tmp_path / name, "text")
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == expected


def test_links_are_followed(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link.json").symlink_to(tmp_path / "real" / "a.json")
    write(tmp_path / "link.json", "[]")
    assert (tmp_path / "link.json").is_symlink()
    assert names(tmp_path / "real") == ["a.json"]


def test_longest_names_and_relative_paths(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write("a" * 250 + ".json", "[]", lambda: monkeypatch.chdir("/"))
    assert names(tmp_path) == ["a" * 250 + ".json"]


def refuses_before_work(path, error, match):
    with pytest.raises(error, match=match) as caught, io.write_whole(path):
        pytest.fail("the block ran")
    assert type(caught.value) is error
    assert "\n" not in str(caught.value)


def test_unwritable_targets_are_refused_before_any_work(tmp_path, monkeypatch):
    expected = "output must be a file that can be written, got .*; give a file name"
    (tmp_path / "a").touch()
    refuses_before_work(tmp_path / "no" / "a.json", FileNotFoundError, expected)
    refuses_before_work(tmp_path, IsADirectoryError, expected)
    refuses_before_work("", IsADirectoryError, expected)
    refuses_before_work(tmp_path / "a" / "b.json", NotADirectoryError, expected)
    refuses_before_work("/dev/null", OSError, expected)
    refuses_before_work(tmp_path / ("a" * 300), OSError, expected)
    refuses_before_work(tmp_path / "a\0b", ValueError, "output must be a file name, got .*null byte")
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may write everything
    refuses_before_work(tmp_path / "a", PermissionError, expected)
    assert names(tmp_path) == ["a"]


def test_closed_folder_is_refused_before_any_work(tmp_path, monkeypatch):
    def closed(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", closed)
    refuses_before_work(tmp_path / "a.json", PermissionError, r"output must be .* \(Permission denied\); give a file")


@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors")
def test_nested_tensors_are_refused_and_lazily_negative_ones_read():
    nested = torch.nested.nested_tensor([torch.rand(3, 16, 16)])
    with pytest.raises(TypeError, match="image must be a dense tensor with data, got a nested tensor; densify it"):
        io.as_tensor(nested)
    for pyramid in (ps.gaussian_pyramid, ps.laplacian_pyramid, ps.steerable_pyramid, ps.mipmap):
        with pytest.raises(TypeError, match="x must be a dense tensor, got a nested one"):
            pyramid(nested)
    image = torch.rand(3, 61, 93, dtype=torch.complex64).conj().imag
    assert image.is_neg()
    assert ps.plan(image, 9) == ps.plan(image.clone(), 9)
