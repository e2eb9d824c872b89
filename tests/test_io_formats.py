"""The same picture, stored in many ways, is read as the same pixels."""

import struct
import warnings

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image

from pyrascope import io
from stored import HEIGHT, WIDTH, open_files, png, save
from tolerances import near


@pytest.fixture(scope="module")
def picture():
    """uint8 (h, w, 3), smooth enough for JPEG, no two of its eight turns alike."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    return np.stack([10 + 14 * x, 20 + 18 * y, 200 - 6 * x - 5 * y], axis=-1).astype(np.uint8)


def palette_image(picture):
    colours, index = np.unique(picture.reshape(-1, 3), axis=0, return_inverse=True)
    image = Image.fromarray(index.reshape(picture.shape[:2]).astype(np.uint8), "L")
    image.putpalette(colours.tobytes())
    assert image.mode == "P"
    return image


def over_white(picture, alpha):
    share = alpha[..., None] / 255
    return picture / 255 * share + (1 - share)


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
    assert (tensor.shape, tensor.dtype, layout) == ((3, 2, 3), torch.float32, io.ArrayKind("numpy"))


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
        assert layout == io.ArrayKind("numpy")
    tensor, layout = io.as_tensor(torch.from_numpy(picture).permute(2, 0, 1))
    assert torch.equal(tensor, expected)
    assert layout == io.ArrayKind("torch")


@pytest.fixture(autouse=True)
def no_file_stays_open():
    before = open_files()
    yield
    assert open_files() <= before
