"""The store's file in the hands of somebody who is not the store."""

from __future__ import annotations

import sqlite3
from pathlib import Path


def edit(path: Path, *changes: str) -> None:
    """What somebody with a shell on the file would do."""
    connection = sqlite3.connect(path)
    try:
        for sql in changes:
            connection.execute(sql)
        connection.commit()
    finally:
        connection.close()


def integrity(path: Path) -> str:
    connection = sqlite3.connect(path)
    try:
        return str(connection.execute("PRAGMA integrity_check").fetchone()[0])
    finally:
        connection.close()
