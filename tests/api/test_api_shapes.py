"""Threads that begin with a type at the same time do not end the process."""

from __future__ import annotations

import subprocess
import sys

NESTED = """
import sys, threading, types, typing, msgspec
from api.shapes import compile_types

BODY = b'{"f1": {"f1": {"f1": {"f1": {"f0": {"a": 1}}}}}, "f7": {"f7": {"f0": {"b": 2}}}, "f6": {"z": 1}}'


def made(number):
    module = types.ModuleType(f"made{number}")
    sys.modules[module.__name__] = module
    lines = ["import msgspec", "from typing import Optional"]
    for depth in range(12):
        lines.append(f"class S{depth}(msgspec.Struct):")
        inner = f"'Optional[S{depth - 1}]'" if depth else "'dict[str, int] | None'"
        lines += [f"    f{n}: {inner if n % 2 else 'dict[str, int] | None'} = None" for n in range(8)]
    exec("\\n".join(lines), module.__dict__)
    return module.S11


def decode(kind, barrier):
    barrier.wait()
    msgspec.json.decode(BODY, type=kind)


sys.setswitchinterval(1e-6)
for number in range(60):
    kind = made(number)
    compile_types()
    barrier = threading.Barrier(4)
    threads = [threading.Thread(target=decode, args=(kind, barrier)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
"""


def test_types_that_are_compiled_first_are_safe_in_threads():
    ran = subprocess.run([sys.executable, "-c", NESTED], capture_output=True, text=True, timeout=120, check=False)
    assert ran.returncode == 0, ran.stderr[-2000:]
