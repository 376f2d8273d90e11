"""Both places that keep jobs, for real: what a worker that was thought dead, a caller who repeats itself and a deletion
find there; and which addresses a webhook may have."""

import asyncio
import io
import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from voxmood.models import Problem
from voxmood_gateway.jobs.models import Outcome, Record
from voxmood_gateway.jobs.shared import Shared
from voxmood_gateway.jobs.sqlite import Embedded
from voxmood_gateway.jobs.store import Gone, Store
from voxmood_gateway.jobs.webhook import is_public

FAILED = Outcome(problem=Problem(status=415, code="not_audio", detail="no sound"))


@pytest.fixture(params=["sqlite", "redis"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[float], Store]:
    """Make a store that keeps jobs for so many seconds."""
    if request.param == "sqlite":
        return lambda keep: Embedded(tmp_path, keep)
    url = request.getfixturevalue("redis_url")
    return lambda keep: Shared(url, keep, patience=30)


@pytest.fixture
async def store(place: Callable[[float], Store]) -> AsyncIterator[Store]:
    made = place(3600)
    await made.open()
    yield made
    await made.close()


def job(id: str = "one") -> Record:
    return Record(id=id, owner="anna", files=2)


def audio() -> list[io.BytesIO]:
    return [io.BytesIO(b"first"), io.BytesIO(b"second")]


async def test_only_who_holds_the_lease_writes(store: Store) -> None:
    await store.add(job(), audio(), None)
    taken, lost = await store.take("one")
    again, held = await store.take("one")
    with pytest.raises(Gone):
        await store.save(taken, lost, (0, FAILED))
    assert await store.outcomes("one") == {}
    again.number = 1
    await store.save(again, held, (0, FAILED))
    assert await store.outcomes("one") == {0: FAILED}
    assert (await store.get("one")) == again
    assert await store.audio("one", 1) == b"second"


async def test_a_job_that_has_ended_is_finished_though_its_webhook_is_to_be_told(store: Store) -> None:
    await store.add(job(), audio(), None)
    taken, lease = await store.take("one")
    taken.ended, taken.told = taken.created, "pending"
    assert [await store.unfinished(owner) for owner in ("anna", None)] == [1, 1]
    await store.save(taken, lease)
    assert [await store.unfinished(owner) for owner in ("anna", None)] == [0, 0]


async def test_a_deleted_job_is_gone_for_its_worker_too(store: Store) -> None:
    await store.add(job(), audio(), None)
    taken, lease = await store.take("one")
    await store.delete("one")
    for lost in (store.save(taken, lease, (0, FAILED)), store.take("one"), store.audio("one", 0)):
        with pytest.raises(Gone):
            await lost
    assert (await store.get("one"), await store.outcomes("one"), await store.unfinished()) == (None, {}, 0)


async def test_a_repeated_order_makes_no_second_job(store: Store) -> None:
    await store.add(job(), audio(), "key")
    assert (await store.add(job("two"), audio(), "key")).id == "one"
    assert await store.unfinished("anna") == 1
    await store.delete("one")
    assert (await store.add(job("two"), audio(), "key")).id == "two"
    assert [await store.unfinished(owner) for owner in ("anna", "boris", None)] == [1, 0, 1]


def on_disk(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.iterdir())


async def test_what_was_deleted_is_not_left_on_the_disk(tmp_path: Path) -> None:
    store = Embedded(tmp_path, keep=3600)
    await store.open()
    said = os.urandom(50_000)
    await store.add(Record(id="one", owner="anna", files=1), [io.BytesIO(said)], None)
    assert said[25_000:25_100] in on_disk(tmp_path)
    await store.delete("one")
    assert said[25_000:25_100] not in on_disk(tmp_path)
    await store.close()


async def test_what_has_expired_is_gone(place: Callable[[float], Store]) -> None:
    brief = place(1)
    await brief.open()

    async def step(id: str) -> None:
        taken, lease = await brief.take(id)
        taken.number, taken.ended = 1, taken.created
        await brief.save(taken, lease, (0, FAILED))

    await brief.add(job(), audio(), None)
    running = asyncio.create_task(brief.run(step, 1))
    async with asyncio.timeout(30):
        while await brief.unfinished():
            pass
        while await brief.get("one"):
            await brief.add(job("two"), audio(), "key")  # what comes has the store look around
            await brief.delete("two")
    assert await brief.outcomes("one") == {}
    running.cancel()
    await asyncio.wait({running})
    await brief.close()


async def test_two_gateways_do_not_use_one_folder(tmp_path: Path) -> None:
    one, two = Embedded(tmp_path, keep=3600), Embedded(tmp_path, keep=3600)
    await one.open()
    with pytest.raises(OSError, match="VOXMOOD_JOBS_REDIS_URL"):
        await two.open()
    await one.close()


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.215.14", True),
        ("2606:2800:21f:cb07:6820:80da:af6b:8b2c", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),  # tells machines in clouds about themselves
        ("168.63.129.16", False),  # in Azure
        ("100.64.0.1", False),
        ("0.0.0.0", False),  # noqa: S104, an address to refuse
        ("224.0.0.1", False),
        ("::1", False),
        ("fe80::1", False),
        ("fd00:ec2::254", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:93.184.215.14", False),
        ("64:ff9b::7f00:1", False),
        ("2002:7f00:1::", False),
    ],
)
def test_which_addresses_are_public(address: str, public: bool) -> None:
    assert is_public(address) is public
