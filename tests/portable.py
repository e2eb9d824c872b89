"""The tests that compare numbers, as an older processor would compute them: `python tests/portable.py SETTING`.

Libraries choose their code by the processor. The variables of a setting make them choose what an older one has, so that
one machine can tell whether a result hangs on the last bit. Other arguments go to pytest.
"""

import os
import platform
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
NUMERIC = ("allocation", "evaluation", "learning", "methods", "models", "signal", "tokens", "test_importance_map.py")
NOT_RUN = ("tests/builtin/train", "tests/models/test_lowest.py", "tests/models/test_needed.py")
"""Training, which takes minutes, and what compares no numbers."""
SETTINGS = {
    "oldest": {
        "ATEN_CPU_CAPABILITY": "default", "ONEDNN_MAX_CPU_ISA": "SSE41", "MKL_ENABLE_INSTRUCTIONS": "SSE4_2",
        "OPENBLAS_CORETYPE": "Nehalem", "NUMBA_CPU_NAME": "generic",
    },
    "avx2": {
        "ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2", "MKL_ENABLE_INSTRUCTIONS": "AVX2",
        "OPENBLAS_CORETYPE": "Haswell", "NUMBA_CPU_NAME": "haswell",
    },
}  # fmt: skip
"""The variables of each setting, besides those that depend on the machine."""
ALLOWED = {"oldest": (), "avx2": ("AVX2", "FMA3", "X86_V3")}
"""What numpy may use beyond the least that it was built for."""


def environment(setting):
    """The variables of this process with those of the setting laid over them."""
    cache = ROOT / ".venv" / f"numba-{setting}"  # numba does not tell the code of one processor from that of another
    own = {"NUMBA_CACHE_DIR": str(cache), "NPY_DISABLE_CPU_FEATURES": " ".join(disabled(setting))}
    return {**os.environ, "OMP_NUM_THREADS": "1", **SETTINGS[setting], **own}


def disabled(setting):
    """Features that numpy would use on this processor and the setting does not allow; naming others would warn."""
    from numpy._core._multiarray_umath import __cpu_dispatch__, __cpu_features__

    return [name for name in __cpu_dispatch__ if __cpu_features__.get(name) and name not in ALLOWED[setting]]


def chosen():
    """The arguments that choose the tests."""
    return [*(f"tests/{name}" for name in NUMERIC), *(f"--ignore={path}" for path in NOT_RUN)]


CHECK = """
import os
import numba.core.config as numba
import torch
found = torch.backends.cpu.get_cpu_capability()
wanted = os.environ["ATEN_CPU_CAPABILITY"].upper()
assert found == wanted, f"torch computes as {found}, got {wanted} in ATEN_CPU_CAPABILITY"
assert numba.CPU_NAME == os.environ["NUMBA_CPU_NAME"], f"numba compiles for {numba.CPU_NAME}"
"""


def main(setting, *arguments):
    """Runs the tests; returns the exit status."""
    if setting not in SETTINGS:
        raise SystemExit(f"SETTING must be one of {', '.join(SETTINGS)}, got {setting}")
    if platform.machine() not in ("x86_64", "AMD64"):
        raise SystemExit(f"the settings are those of x86-64 processors, got {platform.machine()}; run: make test")
    variables = environment(setting)
    subprocess.run([sys.executable, "-c", CHECK], env=variables, check=True)
    own = " ".join(f"{name}={variables[name]}" for name in (*SETTINGS[setting], "NPY_DISABLE_CPU_FEATURES"))
    print(own, flush=True)  # noqa: T201
    command = [sys.executable, "-m", "pytest", *chosen(), *arguments]
    return subprocess.run(command, env=variables, cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
