"""Mipmaps by OpenGL: glGenerateMipmap on all channels of an image at once. Needs the extra `gl`."""

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from types import TracebackType
from typing import Any

import torch
from torch import Tensor

from .._check import whole_number
from . import mipmap as plain
from .arrays import Array, from_planes, to_planes

FORMATS = {torch.float16: "f2", torch.float32: "f4"}
TEXTURE_2D_ARRAY, RED, FLOAT = 0x8C1A, 0x1903, 0x1406  # from OpenGL's registry
EGL = "libEGL.so.1"


class OpenGL:
    """An OpenGL context of its own, without a window, that makes mipmaps until it is closed.

    One call uploads all channels as the layers of one texture array and runs glGenerateMipmap once. Without a graphics
    card Mesa's software renderer does it, slower than `pyrascope.mipmap`: an oracle, no fast path.

    The context is current on a thread only during a call, and none is afterwards: whoever draws with another
    context on that thread makes it current again. Calls from several threads wait for each other.

    Args:
        device: The number of the EGL device, 0 the first.

    Attributes:
        renderer: What OpenGL calls itself.
        most_layers: How many channels one call takes (2048 or more on current systems).
        most_pixels: How many pixels a side may have (16384 or more on current systems).

    Raises:
        ImportError: moderngl is missing.
        RuntimeError: There is no such EGL device, or it has no OpenGL 3.3.
        TypeError, ValueError: `device` is not a whole number from 0 up.

    Example:
        >>> with OpenGL() as gl:  # doctest: +SKIP
        ...     [level.tolist() for level in gl.mipmap(torch.tensor([[0.0, 2.0, 4.0, 6.0]]))[1:]]
        [[[1.0, 5.0]], [[3.0]]]
    """

    def __init__(self, device: int = 0) -> None:
        index = whole_number(device, "device", 0)
        try:
            import glcontext
            import moderngl
        except ImportError as error:
            raise ImportError(
                f"OpenGL needs moderngl, which cannot be imported ({error}); pip install 'pyrascope[gl]'"
            ) from error
        try:
            # libEGL hands out OpenGL's functions too, so that no libGL, which comes with X11, has to be installed.
            place = {"libgl": EGL, "libegl": EGL, "device_index": index}
            self._handle: Any = glcontext.get_backend_by_name("egl")(mode="standalone", glversion=330, **place)
            self._context: Any = moderngl.create_context(standalone=True, context=self._handle, require=330)
        except Exception as error:  # glcontext raises nothing more exact
            raise RuntimeError(
                f"OpenGL needs an EGL device with OpenGL 3.3, and number {index} cannot be opened ({error}); install "
                "a driver (libegl1 and libgl1-mesa-dri on Debian), or use pyrascope.mipmap"
            ) from error
        try:
            kind = ctypes.CFUNCTYPE(None, *[ctypes.c_uint, ctypes.c_int, ctypes.c_uint, ctypes.c_uint], ctypes.c_void_p)
            self._read = kind(self._handle.load("glGetTexImage"))  # moderngl reads only level 0 of an array
            info = self._context.info
            self.renderer = str(info["GL_RENDERER"])
            self.most_pixels = int(info["GL_MAX_TEXTURE_SIZE"])
            self.most_layers = int(info["GL_MAX_ARRAY_TEXTURE_LAYERS"])
        finally:
            self._handle.__exit__()
        self._lock = Lock()

    def mipmap(self, x: Array, levels: int | None = None, channel_axis: int | None = None) -> list[Array]:
        """Returns the levels that `pyrascope.mipmap` returns, made by one glGenerateMipmap of a texture array.

        Sizes, types, kinds and level 0 are those of `pyrascope.mipmap`. Values, for finite images in [0, 1]: in
        float32 on Mesa's software renderer they agree to 2^-23 where the sides are powers of two, and else to
        n 2^-22 for a longer side of n pixels, since OpenGL finds its places in single precision; graphics cards may
        round the weights of odd sizes to 8 bits. float16 is rounded at every level. Not differentiable.

        Args:
            x: Image (..., h, w), or with channels on `channel_axis`: float16, float32, uint8 or uint16.
            levels: How many levels, as in `pyrascope.mipmap`.
            channel_axis: The axis of channels; None: rows and columns are the last two axes.

        Raises:
            TypeError: Another type, or as in `pyrascope.mipmap`.
            ValueError: More channels (all leading axes together) or pixels a side than OpenGL takes, a tensor that
                needs gradients, or as in `pyrascope.mipmap`.
            RuntimeError: The context is closed, or OpenGL failed.
            MemoryError: The driver has not the memory.

        Source:
            OpenGL 4.6 core specification, section 8.14.4.
        """
        planes: Tensor = to_planes(x, channel_axis)
        fit: int = max(planes.shape[-2:]).bit_length()
        count: int = fit if levels is None else whole_number(levels, "levels", 1)
        self._check(planes)
        chain: list[Tensor] = [planes, *self._coarse(planes, min(count, fit))]
        chain += [chain[-1]] * (count - len(chain))
        return [from_planes(level, x, channel_axis) for level in chain]

    def halve(self, planes: Tensor) -> Tensor:
        """Returns the next level of a float tensor (..., h, w): what `TextureStack.mipmap(mean=...)` asks for."""
        return self.mipmap(planes, 2)[1]

    def close(self) -> None:
        """Destroys the context; may be called again."""
        with self._lock:
            if self._context is not None:
                self._context.release()
                self._handle.release()
            self._context = None

    def __enter__(self) -> "OpenGL":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _check(self, planes: Tensor) -> None:
        """Refuses what a texture array cannot hold."""
        if planes.dtype not in FORMATS:
            name = str(planes.dtype).removeprefix("torch.")
            raise TypeError(
                f"x must hold float16, float32, uint8 or uint16 for OpenGL, got {name}; convert it to float32, "
                "or use pyrascope.mipmap"
            )
        if planes.requires_grad and torch.is_grad_enabled():
            raise ValueError("x must need no gradient, got a tensor that does; detach it, or use pyrascope.mipmap")
        *lead, height, width = planes.shape
        for name, found, most in (
            ("pixels a side", max(height, width), self.most_pixels),
            ("channels", torch.Size(lead).numel(), self.most_layers),
        ):
            if found > most:
                raise ValueError(
                    f"x must have at most {most} {name} for OpenGL ({self.renderer}), got shape {tuple(planes.shape)}; "
                    "give it in parts, or use pyrascope.mipmap"
                )

    def _coarse(self, planes: Tensor, count: int) -> list[Tensor]:
        """Levels 1 to `count` - 1 of (..., h, w)."""
        if not planes.numel() or count == 1:  # a texture has at least one layer
            return plain.mipmap(planes, count)[1:]
        *lead, height, width = planes.shape
        with self._current() as context:
            texture = context.texture_array((width, height, torch.Size(lead).numel()), 1, dtype=FORMATS[planes.dtype])
            try:
                self._succeed(planes)  # before a copy is made of what does not fit
                texture.write(planes.detach().cpu().contiguous().numpy())
                texture.build_mipmaps(0, count - 1)
                texture.use()
                sizes = [(max(1, height >> level), max(1, width >> level)) for level in range(1, count)]
                # Floats, also of float16, whose rows need not be whole multiples of OpenGL's four bytes.
                parts = [torch.empty(*lead, *size, dtype=torch.float32, device="cpu") for size in sizes]
                for level, part in enumerate(parts, start=1):
                    self._read(TEXTURE_2D_ARRAY, level, RED, FLOAT, part.data_ptr())
                self._succeed(planes)
            finally:
                texture.release()
        return [part.to(planes) for part in parts]

    def _succeed(self, planes: Tensor) -> None:
        """Raises what OpenGL reports."""
        error = self._context.error
        if error == "GL_OUT_OF_MEMORY":
            raise MemoryError(f"OpenGL ({self.renderer}) has no memory for shape {tuple(planes.shape)}")
        if error != "GL_NO_ERROR":
            raise RuntimeError(f"OpenGL ({self.renderer}) failed: {error}; use pyrascope.mipmap")

    @contextmanager
    def _current(self) -> Iterator[Any]:
        """The context, current on this thread meanwhile."""
        with self._lock:
            if self._context is None:
                raise RuntimeError("OpenGL is closed; make a new one")
            self._handle.__enter__()
            try:
                yield self._context
            finally:
                self._handle.__exit__()
