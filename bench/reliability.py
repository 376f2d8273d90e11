"""Write docs/reliability.md from what the commands that it names have measured.

python -m bench.reliability      # 1 s; reads the figures of the others beside it
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tools.stack import ROOT

HERE = Path(__file__).parent
PAGE = ROOT / "docs/reliability.md"

Figures = dict[str, Any]

TEXT = """\
# Reliability

What was tried against Voxmood, and what came of it. `python -m bench.reliability` writes this page from the figures
of the commands below; all of them run on one machine, without the internet. The [README](../README.md#file-map)
says what they want to be run.

## Load

`python -m bench.load` sends texts and voices of 3 to 30 s to the gateway, at a pace that rises from half of what the
machine can do ({capacity} requests a second on {cores} cores, which services and load share) to four times as much,
for two minutes.

{load}

Refused is what got 429 with `Retry-After`, {retry}. Failed is what got anything else. At most {places:.0f} recordings
are at work or waiting, and one takes {service:.2f} s of work: what is accepted must be answered within {bound:.1f} s
if each waits for all others, and the slowest in a hundred took {p99:.1f} s.

{kinds}

`/livez` was asked {asked} times meanwhile and took {live} ms at most, `/readyz` {ready} ms; {unhealthy} of the
answers were not 200. {hang_ups} clients that hung up as soon as they had sent their recording cost nothing that
lasts: {freed:.1f} s later the queues were empty.

Memory in MB, and over time below:

{memory}

![Seconds to each answer, and the memory of each service, over time](../bench/load.svg)

A long recording does not hold short ones up: its pieces take turns with other recordings, five pieces (70 s of sound
at most) at a time, and between two turns it waits at the end of the queue. A test holds this:
`test_short_messages_do_not_wait_for_all_of_a_long_one`.

## Faults

`python -m bench.faults` breaks one part after the other, in real processes on real sockets, and looks at what users
see until all works again by itself. {injected} faults were injected, {survived} survived:

{faults}

A process that dies is started again by Compose (`restart: unless-stopped`), by Kubernetes, and by `make run`.

## Replicas

`python -m bench.replicas` sends voice messages to one replica of asr on a core of its own, and to HAProxy before two
([operations](operations.md#beyond-one-machine)), {clients} at a time. Two answer {ratio:.2f} times as many as one
({ratios} in {rounds} rounds; the machine's load before was {busy}). Then one of them is killed with {at_work} messages
at work, and started again: of {offered} messages {lost} are lost, since the client asks again, and the new process
answers {anew}.

## Jobs

`python -m bench.jobs` posts {jobs[jobs]} jobs of {jobs[files]} voices, each of them twice with one `Idempotency-Key`,
and has their webhooks told. Meanwhile one gateway after the other is killed and started again,
{jobs[least_pause_s]:.0f} to {jobs[most_pause_s]:.0f} s after the one before; where two share jobs in Redis, some are
stopped instead, for four times as long as the other one waits, and woken. A job is lost if it does not end or its
webhook is not told, doubled if two came of one key; a file is doubled if it ever has another analysis than before.

{killed}

A webhook may be told twice: by a gateway that is killed after the answer, before that is written down. The last column
is the time of a job of {jobs[compared]} files as a share of that of as many requests to `/analyze`, one after the
other, without kills.

## Hostile files

`python -m tests.hostile` sends ten files that promise far more than they hold. Each was answered, the service went
on, and files are decoded in processes of their own: their peak, beside that of the service, in MB of resident memory:

{hostile}

## Fuzzing

`make fuzz` changes recordings of every kind of container and bodies of requests at random, for {minutes:.0f} minutes;
CI does the same for half a minute. It looks for anything but an answer or a named refusal. The process that fuzzed
grew to {fuzz_mb} MB.

{fuzz}

Beside it, schemathesis holds the three services to their OpenAPI schemas with all of its checks, and hypothesis the
splitting of sentences, the windows and the moods to what must hold for any text; both are a part of `make test`.
"""


def page(
    load: Figures, faults: list[Figures], replicas: Figures, jobs: Figures, fuzz: Figures, hostile: Figures
) -> str:
    """The whole page."""
    health, queue, retry = load["health"], load["queue"], load["retry_after_s"]
    return TEXT.format(
        capacity=load["capacity_per_s"],
        cores=load["machine"]["cores"],
        load=table(
            ("offered", "accepted", "refused", "failed", "p50", "p95", "p99"),
            [[load[name] for name in ("offered", "accepted", "refused", "failed")] + _seconds(load["accepted_s"])],
        ),
        retry=f"which said {retry['least']:.0f} to {retry['most']:.0f} s, and came after "
        f"{1000 * load['refused_s']['p50']:.0f} ms (p50; p99 {1000 * load['refused_s']['p99']:.0f} ms)",
        places=queue["places"],
        service=queue["service_s"],
        bound=queue["bound_s"],
        p99=load["accepted_s"]["p99"],
        kinds=table(
            ("accepted", "p50", "p95", "p99"),
            [[kind, *_seconds(took)] for kind, took in sorted(load["by_kind"].items(), key=_length)],
        ),
        asked=health["/livez"]["asked"],
        live=health["/livez"]["most_ms"],
        ready=health["/readyz"]["most_ms"],
        unhealthy=health["/livez"]["not_200"] + health["/readyz"]["not_200"],
        hang_ups=load["hang_ups"]["requests"],
        freed=load["hang_ups"]["queues_empty_after_s"],
        memory=table(
            ("", "at the first request", "after 500", "most", f"after {load['requests_in_all']}"),
            [[name, *(f"{of[at]:.0f}" for at in MEMORY)] for name, of in load["memory_mb"].items()],
        ),
        injected=sum(fault["injected"] for fault in faults),
        survived=sum(fault["survived"] for fault in faults),
        faults=table(
            ("fault", "what users see", "survived"),
            [[fault["what"], fault["seen"], f"{fault['survived']} of {fault['injected']}"] for fault in faults],
        ),
        clients=replicas["clients"],
        ratio=replicas["ratio"],
        busy=replicas["load_before"],
        ratios=", ".join(f"{ratio:.2f}" for ratio in replicas["ratios"]),
        rounds=len(replicas["ratios"]),
        at_work=replicas["killed"]["at_work_when_killed"],
        offered=replicas["killed"]["offered"],
        lost=replicas["killed"]["lost"] or "none",
        anew=replicas["killed"]["answered_by_the_new_process"],
        jobs=jobs["settings"],
        killed=table(
            ("jobs in", *JOBS.values()), [[place, *(jobs[place].get(name, 0) for name in JOBS)] for place in PLACES]
        ),
        hostile=table(
            ("file", "KB", "answer", "decoder", "service"),
            [
                [name.replace("_", " "), of["kb"], of["answer"], f"{of['decoder_mb']:.0f}", f"{of['service_mb']:.0f}"]
                for name, of in hostile.items()
            ],
        ),
        minutes=fuzz["seconds"] / 60,
        fuzz_mb=fuzz["memory_mb"],
        fuzz=table(
            ("", "cases", "crashes", "slowest"),
            [
                [name, f"{fuzz[name]['cases']:,}", fuzz[name]["crashes"], f"{fuzz[name]['slowest_s']:.1f} s"]
                for name in ("decoder", "request bodies")
            ],
        ),
    )


PLACES = ("folder", "redis")
JOBS = {
    "kills": "kills",
    "stops": "stops",
    "done": "done",
    "lost": "lost",
    "doubled": "doubled",
    "files_doubled": "files doubled",
    "webhooks_told_again": "webhooks told twice",
    "time_of_requests": "time",
}
MEMORY = ("first", "after_500", "most", "last")


def _seconds(took: Figures) -> list[str]:
    return [f"{took[share]:.2f} s" for share in ("p50", "p95", "p99")]


def _length(kind: tuple[str, Figures]) -> int:
    """Texts first, then voices by their seconds."""
    return int("".join(filter(str.isdigit, kind[0])) or 0)


def table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """In Markdown."""
    head = list(head)
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


def measured() -> str:
    """The page of what lies in this folder."""
    names = ("load", "faults", "replicas", "jobs", "fuzz", "hostile")
    return page(*(json.loads((HERE / f"{name}.json").read_text()) for name in names))


if __name__ == "__main__":
    PAGE.write_text(measured())
