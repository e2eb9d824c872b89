"""Files that are not pictures, or not whole: one sentence, and no file stays open."""

import os
import struct
import threading
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from pyrascope import _pictures, io
from stored import HEIGHT, WIDTH, open_files, png, save


@pytest.fixture(scope="module")
def picture():
    """uint8 (h, w, 3), smooth enough for JPEG, no two of its eight turns alike."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    return np.stack([10 + 14 * x, 20 + 18 * y, 200 - 6 * x - 5 * y], axis=-1).astype(np.uint8)


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
