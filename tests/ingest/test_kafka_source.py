"""Reading from a real Kafka-protocol broker: nothing lost, nothing repeated, whatever happens to the source."""

from __future__ import annotations

import itertools
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence

import pytest

from engine.ports import Record
from ingest.decoders import decode
from ingest.kafka.client import KafkaAdminClient, KafkaConsumer, KafkaProducer, NewTopic, TopicPartition
from ingest.kafka.source import KafkaSource
from tests.real.components import eventually, free_port

GROUPS = {"session_timeout_ms": 6000, "heartbeat_interval_ms": 1000}
Open = Callable[..., KafkaSource]
_names = itertools.count()


@pytest.fixture(
    scope="module",
    params=[
        pytest.param("kafka", marks=pytest.mark.real("kafka")),
        pytest.param("apache-kafka", marks=pytest.mark.real("apache-kafka")),
    ],
)
def broker(request: pytest.FixtureRequest) -> str:
    """The address of a broker."""
    if request.param == "kafka":
        address: str = request.getfixturevalue("small_kafka")
    else:
        address = request.getfixturevalue("apache_kafka").address
    return address


def _until(done: Callable[[], bool], seconds: float) -> None:
    eventually(done, "what was waited for", seconds)


@pytest.fixture
def topic(broker: str) -> str:
    """A fresh topic of two partitions."""
    name = f"signals-{next(_names)}"
    admin = KafkaAdminClient(bootstrap_servers=broker)
    admin.create_topics([NewTopic(name=name, num_partitions=2, replication_factor=1)])
    admin.close()
    return name


@pytest.fixture
def source(broker: str, topic: str) -> Iterator[Open]:
    """Opens sources of the topic in one group; closes those that are left open."""
    opened: list[KafkaSource] = []

    def open_source(positions: Mapping[tuple[str, int], int] | None = None, **options: object) -> KafkaSource:
        given = {"bootstrap_servers": [broker], **GROUPS}
        made = KafkaSource(given, [topic], f"group-{topic}", **options)  # type: ignore[arg-type]
        opened.append(made)
        made.resume(positions or {})
        return made

    yield open_source
    for made in opened:
        made.close()


def produce(broker: str, topic: str, bodies: Sequence[bytes | None], partition: int = 0, **headers: bytes) -> None:
    producer = KafkaProducer(bootstrap_servers=broker, acks="all", max_request_size=8_000_000)
    named = [(name.replace("_", "-"), value) for name, value in headers.items()]
    sent = [producer.send(topic, value=body, key=b"k", partition=partition, headers=named) for body in bodies]
    for future in sent:
        future.get(20)
    producer.close()


def read(source: KafkaSource, count: int, limit: int = 100, seconds: float = 40) -> list[Record]:
    """Records until there are ``count``, and none beyond within a moment."""
    found: list[Record] = []
    end = time.monotonic() + seconds
    while len(found) < count and time.monotonic() < end:
        found += source.poll(min(limit, count - len(found)), 0.5)
    assert len(found) == count, source.trouble()
    return found


def numbers(records: Sequence[Record]) -> list[int]:
    return [int(record.body) for record in records]


def positions_of(records: Sequence[Record]) -> dict[tuple[str, int], int]:
    return {(record.source, record.partition): record.offset or 0 for record in records}


def test_both_partitions_are_read_in_order_with_their_places(broker: str, topic: str, source: Open) -> None:
    for partition in (0, 1):
        produce(broker, topic, [b"%d" % (partition * 1000 + i) for i in range(50)], partition)
    records = read(source(), 100)
    for partition in (0, 1):
        mine = [record for record in records if record.partition == partition]
        assert numbers(mine) == list(range(partition * 1000, partition * 1000 + 50))
        assert [record.offset for record in mine] == list(range(50))
    assert {record.source for record in records} == {f"kafka:{topic}"}
    assert {record.format for record in records} == {"json"}


def test_a_new_source_resumes_from_the_stores_positions_without_loss_or_repetition(
    broker: str, topic: str, source: Open
) -> None:
    for partition in (0, 1):
        produce(broker, topic, [b"%d" % (partition * 1000 + i) for i in range(60)], partition)
    first = source()
    stored = read(first, 70)
    first.committed(stored)
    read(first, 20)  # polled, then the process dies before they are stored
    first.close()

    second = source(positions_of(stored))
    produce(broker, topic, [b"60"], 0)
    rest = read(second, 121 - len(stored))
    assert Counter(numbers([*stored, *rest])) == Counter([*range(61), *range(1000, 1060)])
    assert second.poll(10, 1.0) == []


def test_the_brokers_offsets_decide_nothing(broker: str, topic: str, source: Open) -> None:
    produce(broker, topic, [b"%d" % i for i in range(10)])
    first = source()
    first.committed(read(first, 10))
    time.sleep(1.5)  # told once a second
    first.close()
    display = KafkaConsumer(bootstrap_servers=broker, group_id=f"group-{topic}")
    assert display.committed(TopicPartition(topic, 0)) == 10
    display.close()

    assert numbers(read(source({}), 10)) == list(range(10))  # a new, empty store begins at the beginning


def test_a_poison_record_is_delivered_like_any_other_and_decodes_to_a_reject(
    broker: str, topic: str, source: Open
) -> None:
    good = b'{"kind":"log","service":"s","message":"fine"}'
    produce(broker, topic, [good])
    produce(broker, topic, [b"\xff not json", None])
    produce(broker, topic, [good], headwater_format=b"nonsense\xff")
    produce(broker, topic, [b'{"kind_of":"command","actor":"x","action":"y","target":"z"}'], headwater_format=b"own")
    produce(broker, topic, [b"x" * 300_000], headwater_format=b"alertmanager-v2")
    produce(broker, topic, [b'[{"labels":{"alertname":"X"}}]'], headwater_format=b"alertmanager-v2")
    produce(broker, topic, [good])

    records = read(source(max_bytes=200_000), 8)
    decoded = [decode(record.format, record.body) for record in records]
    assert [len(found.signals) for found in decoded] == [1, 0, 0, 0, 0, 0, 1, 1]
    assert [len(found.rejects) for found in decoded] == [0, 1, 1, 1, 1, 1, 0, 0]
    assert records[4].format == "unknown:own"  # nobody gives commands through a topic
    assert (records[5].format, len(records[5].body)) == ("oversized", 65_536)
    assert [record.offset for record in records] == list(range(8))


def test_records_that_could_not_be_stored_are_delivered_again_in_order(broker: str, topic: str, source: Open) -> None:
    produce(broker, topic, [b"%d" % i for i in range(30)])
    reader = source()
    stored = read(reader, 10)
    reader.committed(stored)
    reader.failed(read(reader, 5), OSError("disk full"))
    assert numbers(read(reader, 20)) == list(range(10, 30))
    assert reader.poll(10, 0.5) == []


def test_a_member_that_joins_and_leaves_takes_over_and_what_stays_is_neither_lost_nor_repeated(
    broker: str, topic: str, source: Open
) -> None:
    first, found = source(), []
    for partition in (0, 1):
        produce(broker, topic, [b"%d" % (partition * 1000 + i) for i in range(20)], partition)
    found += read(first, 40)
    first.committed(found)

    second = source(positions_of(found))  # as a store of both would say
    of_second: list[Record] = []
    sent = 20
    end = time.monotonic() + 60
    while not of_second and time.monotonic() < end:
        for partition in (0, 1):
            produce(broker, topic, [b"%d" % (partition * 1000 + sent)], partition)
        sent += 1
        _drain(first, found)
        _drain(second, of_second)
    second.close()
    everything = {partition * 1000 + number for partition in (0, 1) for number in range(sent)}
    while set(numbers(found)) != everything and time.monotonic() < end:
        _drain(first, found)

    (moved,) = {record.partition for record in of_second}
    stayed = numbers([record for record in found if record.partition != moved])
    assert stayed == sorted(number for number in everything if number // 1000 != moved)
    assert set(numbers(found)) == everything


def _drain(source: KafkaSource, into: list[Record]) -> None:
    taken = source.poll(100, 0.2)
    source.committed(taken)
    into += taken


def test_an_engine_that_does_not_keep_up_is_not_flooded(broker: str, topic: str, source: Open) -> None:
    produce(broker, topic, [b"%d" % i for i in range(3000)])
    reader = source(buffer=(100, 1 << 20))
    _until(lambda: len(reader._buffer) >= 100, 30)
    time.sleep(1.0)
    assert len(reader._buffer) <= 600
    assert numbers(read(reader, 3000)) == list(range(3000))


def test_two_clusters_with_topics_of_one_name_are_two_sources(broker: str, topic: str, source: Open) -> None:
    produce(broker, topic, [b"%d" % i for i in range(4)])
    places = {("kafka:west/" + topic, 0): 1, ("kafka:" + topic, 0): 3, ("kafka:east/" + topic, 0): 3}
    west = source(places, name="kafka:west")
    records = read(west, 2)
    assert numbers(records) == [2, 3]
    assert {record.source for record in records} == {f"kafka:west/{topic}"}
    west.committed(records)
    _until(lambda: west.lag() == {(topic, 0): 0, (topic, 1): 0}, 10)


def test_lag_is_what_is_not_yet_durable(broker: str, topic: str, source: Open) -> None:
    produce(broker, topic, [b"%d" % i for i in range(10)])
    reader = source()
    records = read(reader, 10)
    reader.committed(records)
    _until(lambda: reader.lag().get((topic, 0)) == 0, 10)


def test_without_a_broker_polls_return_in_time_and_the_trouble_is_told() -> None:
    nowhere = f"127.0.0.1:{free_port()}"
    reader = KafkaSource({"bootstrap_servers": [nowhere]}, ["t"], "g")
    reader.resume({})
    begin = time.monotonic()
    assert reader.poll(10, 0.2) == []
    assert time.monotonic() - begin < 1
    _until(lambda: f"no broker can be reached: {nowhere}" in reader.trouble(), 15)
    reader.close()


def test_polling_before_the_positions_are_known_is_refused() -> None:
    with pytest.raises(RuntimeError, match="resume"):
        KafkaSource({"bootstrap_servers": ["127.0.0.1:1"]}, ["t"], "g").poll(1, 0)
