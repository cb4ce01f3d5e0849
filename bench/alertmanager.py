"""The real Alertmanager as the peer: on loopback, without clustering, on one core."""

from __future__ import annotations

import shutil
from pathlib import Path

from bench.process import Server, free_port

CONFIG = """
global: {{resolve_timeout: 1h}}
route:
  receiver: hook
  group_by: [alertname, cluster]
  group_wait: {wait}
  group_interval: 30s
  repeat_interval: 4h
  routes:
    - receiver: probe
      matchers: ['probe != ""']
      group_by: [probe]
      group_wait: 0s
receivers:
  - name: hook
    webhook_configs: [{{url: 'http://127.0.0.1:{sink}/hook', send_resolved: true}}]
  - name: probe
    webhook_configs: [{{url: 'http://127.0.0.1:{sink}/probe', send_resolved: false}}]
"""
PATH = "/api/v2/alerts"


def program() -> str | None:
    """Where the Alertmanager is, if it is installed."""
    return shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")


def start(folder: Path, sink: int, group_wait: str = "30s") -> Server:
    """A fresh Alertmanager that notifies 127.0.0.1:``sink``. Probes (label ``probe``) are notified at once."""
    found = program()
    if found is None:
        raise RuntimeError("Alertmanager is not installed: run script/parts")
    folder.mkdir(parents=True)
    config = folder / "alertmanager.yml"
    config.write_text(CONFIG.format(sink=sink, wait=group_wait))
    port = free_port()
    command = [
        found,
        f"--config.file={config}",
        f"--storage.path={folder / 'data'}",
        "--cluster.listen-address=",
        f"--web.listen-address=127.0.0.1:{port}",
        "--log.level=warn",
    ]
    return Server(command, port, "/-/ready", folder / "log")
