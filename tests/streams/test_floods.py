"""Shares of senders and accounts: told by the log's own times, sticky until calm, the same for a repeated chunk."""

from datetime import UTC, datetime
from typing import NamedTuple

import pytest
from faust.types import TP

from schemas import topics
from schemas.records.raw import BEGINNING
from streams.backpressure.rate_limit import SENDERS, Bucket, FloodControl, Floods
from streams.backpressure.settings import FloodSettings, ShareSettings

SETTINGS = FloodSettings(sender_burst=5, sender_per_minute=60, account_burst=40, account_per_minute=120)


class Fetched(NamedTuple):
    offset: int
    timestamp: int
    headers: list[tuple[str, bytes]]
    topic: str = topics.raw("sms")
    partition: int = 0
    key: bytes | None = b"k"
    value: bytes | None = b"v"


def record(offset: int, seconds: float = 0, sender: str | None = "wang", account: str = "hall") -> Fetched:
    headers = [("ce_account", account.encode())]
    if sender is not None:
        headers.append(("ce_sender", sender.encode()))
    return Fetched(offset, int(seconds * 1000), headers)


def beginning(of: Fetched) -> Fetched:
    return of._replace(headers=[*of.headers, ("ce_type", BEGINNING.encode())])


def judged(*records: Fetched, settings: FloodSettings = SETTINGS, partitions: int = 1) -> list[str | None]:
    return list(Floods(settings, partitions).reasons(records))


def test_a_burst_goes_on_and_the_rest_waits() -> None:
    assert judged(*(record(n) for n in range(8))) == [None] * 5 + ["sender"] * 3


def test_other_senders_and_other_accounts_have_shares_of_their_own() -> None:
    floods = Floods(SETTINGS, 1)
    assert "sender" in floods.reasons([record(n) for n in range(30)])
    assert floods.reasons([record(30, sender="li"), record(31, account="other")]) == [None, None]


def test_a_flood_lasts_until_the_sender_was_calm() -> None:
    """What comes meanwhile stays behind what waits; with a full bucket the sender is as anybody else."""
    floods = Floods(SETTINGS, 1)
    floods.reasons([record(n) for n in range(10)])
    assert floods.reasons([record(20, seconds=3)]) == ["sender"]  # three tokens are there, and the flood goes on
    assert floods.reasons([record(21, seconds=20)]) == [None]


def test_a_steady_sender_below_the_rate_is_never_put_behind() -> None:
    assert set(judged(*(record(n, seconds=n) for n in range(500)))) == {None}


def test_times_that_go_back_give_no_tokens() -> None:
    floods = Floods(SETTINGS, 1)
    floods.reasons([record(n, seconds=100) for n in range(5)])
    assert floods.reasons([record(5, seconds=10), record(6, seconds=100.5)]) == ["sender", "sender"]


def test_how_a_large_message_begins_takes_no_share_and_waits_where_the_message_would() -> None:
    large = [one for n in range(5) for one in (beginning(record(2 * n)), record(2 * n + 1))]
    assert judged(*large) == [None] * 10
    after = [beginning(record(10)), record(11), beginning(record(12)), beginning(record(13, seconds=60)), record(14)]
    assert judged(*large, *after) == [None] * 10 + ["sender"] * 3 + [None] * 2


def test_how_a_large_message_begins_takes_no_share_of_its_account() -> None:
    many = [one for n in range(40) for one in (beginning(record(2 * n, sender=None)), record(2 * n + 1, sender=None))]
    assert judged(*many) == [None] * 80
    assert judged(*many, beginning(record(80, sender=None)), record(81, sender=None))[80:] == ["account"] * 2


def test_a_repeated_chunk_is_judged_as_before() -> None:
    floods, chunk = Floods(SETTINGS, 1), [record(n) for n in range(8)]
    assert floods.reasons(chunk) == floods.reasons(chunk)
    assert floods.reasons([record(8)]) == ["sender"]


def test_the_same_log_gives_the_same_shares() -> None:
    chunk = [record(n, seconds=n / 7, sender=f"s{n % 3}") for n in range(300)]
    assert judged(*chunk) == judged(*chunk)


def test_an_account_has_a_share_of_each_partition() -> None:
    many = [record(n, sender=f"s{n}") for n in range(60)]
    assert judged(*many).count("account") == 20
    assert judged(*many, partitions=4).count("account") == 50
    assert set(judged(*many, settings=SETTINGS.model_copy(update={"account_per_minute": 0}))) == {None}


def test_who_is_put_behind_for_the_accounts_sake_does_not_overtake_oneself() -> None:
    floods = Floods(SETTINGS, 1)
    floods.reasons([record(n, sender=f"s{n}") for n in range(40)])
    assert floods.reasons([record(40, sender="li")]) == ["account"]
    assert floods.reasons([record(41, seconds=1, sender="li")]) == ["sender"]


def test_a_sender_who_is_not_known_shares_only_the_account() -> None:
    assert set(judged(*(record(n, sender=None) for n in range(39)))) == {None}


def test_an_account_may_have_other_shares() -> None:
    own = SETTINGS.model_copy(update={"accounts": {"hall": ShareSettings(sender_per_minute=0, account_per_minute=0)}})
    assert set(judged(*(record(n) for n in range(500)), settings=own)) == {None}
    assert "sender" in judged(*(record(n, account="other") for n in range(500)), settings=own)


def test_memory_is_bounded() -> None:
    floods = Floods(SETTINGS.model_copy(update={"account_per_minute": 0}), 1)
    floods.reasons([record(n, sender=f"s{n}") for n in range(SENDERS + 50)])
    assert len(floods._senders) == SENDERS


@pytest.mark.parametrize("topic", [topics.BACKFILL, topics.raw("sms")])
def test_back_fill_waits_anyway_and_is_not_put_behind_again(topic: str) -> None:
    control = FloodControl(SETTINGS, 1)
    within, beyond = control.part(TP(topic, 0), [record(n) for n in range(8)])
    assert len(within) + len(beyond) == 8
    assert len(beyond) == (0 if topic == topics.BACKFILL else 3)


def test_a_bucket_that_is_never_empty_never_floods() -> None:
    bucket = Bucket(2, 60, 0)
    assert [bucket.take(at) for at in (0, 0, 1, 2, 3)] == [True] * 5


def waited(offset: int, taken: float, appended: float = 7200, sender: str = "wang") -> Fetched:
    """Return a record that a journal held, since `taken`, until Kafka answered."""
    one = record(offset, appended, sender)
    at = datetime.fromtimestamp(taken, UTC).isoformat().encode()
    return one._replace(headers=[*one.headers, ("ce_recordedtime", at)])


def test_what_waited_for_kafka_in_a_journal_is_no_flood() -> None:
    backlog = [waited(n, taken=n * 2.0, sender=f"s{n % 30}") for n in range(1000)]
    assert set(judged(*backlog)) == {None}
    mixed = [one for n in range(0, 200, 2) for one in (waited(n, n * 2.0), record(n + 1, 7200 + n, sender="li"))]
    assert set(judged(*mixed)) == {None}, "what comes meanwhile"


def test_a_flood_that_came_during_the_outage_is_one_and_nothing_overtakes_it() -> None:
    floods = Floods(SETTINGS, 1)
    backlog = [waited(n, taken=100 + n / 100) for n in range(8)]
    assert floods.reasons(backlog) == [None] * 5 + ["sender"] * 3
    assert floods.reasons([record(9, seconds=7200.5)]) == ["sender"]
    assert floods.reasons([record(10, seconds=7200.5, sender="li")]) == [None]
    assert floods.reasons([record(11, seconds=7230)]) == [None]


def test_a_time_that_cannot_be_read_or_is_ahead_counts_from_kafkas() -> None:
    odd = record(0)._replace(headers=[*record(0).headers, ("ce_recordedtime", b"soon")])
    assert judged(*[odd] * 7) == [None] * 5 + ["sender"] * 2
    ahead = [waited(n, taken=7200 + n * 60, appended=7200) for n in range(7)]
    assert judged(*ahead) == [None] * 5 + ["sender"] * 2
