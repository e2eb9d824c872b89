"""Arrays, tensors and other objects as images."""

import numpy as np
import pytest
import torch
from PIL import Image

import pyrascope as ps
from pyrascope import io
from stored import open_files
from tolerances import near


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
    assert io.patches_out(patches, io.ArrayKind("torch")) is patches
    array = io.patches_out(patches, io.ArrayKind("numpy"))
    assert array.shape == (5, 4, 4, 3)
    assert array.flags.c_contiguous
    np.testing.assert_array_equal(array[2, 1, 3], patches[2, :, 1, 3].detach().numpy())


@pytest.fixture(autouse=True)
def no_file_stays_open():
    before = open_files()
    yield
    assert open_files() <= before


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
