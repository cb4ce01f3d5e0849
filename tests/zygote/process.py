"""A process that a zygote forks: the side of whoever asks for it.

As a script, `process.py SOCKET TARGET NAME [ARGUMENT]…`, it is that process for a shell: same streams, same exit code.
It imports little, for there it is the whole price.
"""

from __future__ import annotations

import json
import os
import select
import socket
import struct
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

WORD = struct.Struct("q")
"""What a zygote says of a process: its id when it is there, its wait status when it has ended."""


class Forked:
    """A process that runs ``module:function``; the part of `subprocess.Popen` that tests use.

    ``arguments`` begin with the program's name, ``streams`` are standard input, output and error.
    """

    def __init__(
        self,
        zygote: str,
        target: str,
        arguments: Sequence[str],
        streams: Sequence[int],
        cwd: str,
        env: Mapping[str, str],
    ) -> None:
        self._zygote = socket.socket(socket.AF_UNIX)
        self._zygote.connect(zygote)
        asked = {"target": target, "arguments": [*arguments], "cwd": cwd, "env": {**env}}
        data = json.dumps(asked).encode() + b"\n"
        self._zygote.sendall(data[socket.send_fds(self._zygote, [data], streams) :])
        self.pid = self._word()
        self.returncode: int | None = None

    def wait(self, timeout: float | None = None) -> int:
        """Its exit code, negative if a signal ended it. Raises TimeoutError after so many seconds."""
        if self.returncode is None:
            if not select.select([self._zygote], [], [], timeout)[0]:
                raise TimeoutError(f"process {self.pid} goes on")
            self.returncode = os.waitstatus_to_exitcode(self._word())
            self._zygote.close()
        return self.returncode

    def kill(self) -> None:
        """SIGKILL, by its parent: nobody else knows whether its id is still its own."""
        if self.returncode is None:
            self._zygote.shutdown(socket.SHUT_WR)

    def _word(self) -> int:
        data = self._zygote.recv(WORD.size, socket.MSG_WAITALL)
        if len(data) != WORD.size:
            raise RuntimeError("the zygote has ended")
        return int(WORD.unpack(data)[0])


if __name__ == "__main__":
    code = Forked(sys.argv[1], sys.argv[2], sys.argv[3:], (0, 1, 2), os.getcwd(), os.environ).wait()
    os._exit(code if code >= 0 else 128 - code)
