"""`make prove`: seeds, the matrix and the digests. A seed that fails is printed with the way to run it again.

python -m tests.simulation.prove --seeds 10000            random markets, hands, misfortunes and crashes
python -m tests.simulation.prove --seed 4711              one of them again, with the desk's own words
python -m tests.simulation.prove --matrix [--stride 10]   every crash, fault and request of each plan
python -m tests.simulation.prove --cell "NAME"            one of those again, whole, with the desk's own words
python -m tests.simulation.prove --digests 1000           the digests of the first seeds, one a line
"""

from __future__ import annotations

import argparse
import gc
import io
import logging
import os
import sys
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ProcessPoolExecutor, wait
from contextlib import ExitStack, contextmanager, redirect_stderr
from functools import partial
from itertools import groupby, islice
from typing import TypeVar

import msgspec

from .chapters import chapter
from .matrix import Matrix, Played, felt
from .network import Strike
from .plans import PLANS, cell_named, cells, strikes_of
from .run import Outcome, simulate
from .scenario import Scenario

T = TypeVar("T")
Rows = tuple[tuple[Strike, ...], ...]
"""Every fault on one request."""

BATCH = 25
COLLECT_AFTER = 20_000
"""Objects between two looks for garbage: a world that was played is all garbage, and soon."""


class Tally(msgspec.Struct):
    """What a batch came to: how many ran, what failed (name, sentences), what happened."""

    ran: int
    failed: list[tuple[str, list[str]]]
    happened: dict[str, int]


def run_seeds(seeds: list[int]) -> Tally:
    """A batch of seeds, in a process of its own."""
    return _tally(map(chapter, seeds), simulate)


def run_cells(name: str, stride: int) -> Tally:
    """Every `stride`-th cell of a plan's matrix, until it is at rest, but for faults that are felt as others
    are.
    """
    some = (each for each in cells(PLANS[name], stride=stride) if felt(each.strikes) == each.strikes)
    return _tally(some, partial(simulate, until_rest=True))


@contextmanager
def silenced() -> Iterator[None]:
    """No log while a story is played; a violation is told by itself."""
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)


def _tally(scenarios: Iterable[Scenario], play: Callable[[Scenario], Outcome]) -> Tally:
    tally = Tally(0, [], {})
    happened: Counter[str] = Counter()
    for scenario in scenarios:
        with redirect_stderr(io.StringIO()), silenced():
            outcome = play(scenario)
        tally.ran += 1
        happened += outcome.happened
        happened.update(outcome.counts)
        if outcome.violations:
            tally.failed.append((scenario.name, outcome.violations))
    tally.happened = dict(happened)
    return tally


def prove_seeds(first: int, count: int, jobs: int) -> int:
    """Run `count` seeds; 1 when one of them failed."""
    batches = (list(range(at, min(at + BATCH, first + count))) for at in range(first, first + count, BATCH))
    with ProcessPoolExecutor(jobs) as pool:
        return _report(pool.map(run_seeds, batches), count, "seeds", again="make prove SEED={}")


def run_request(name: str, rows: Rows, *, stride: int) -> Played:
    """Every fault on one request of a plan, with every crash. What this process has played of the plan before
    is not played again.
    """
    played = Played()
    with redirect_stderr(io.StringIO()), silenced():
        if name not in begun:
            begun.clear()
            begun[name] = Matrix(PLANS[name], stride)
        for strikes in rows:
            played.add(begun[name].play(strikes))
    return played


begun: dict[str, Matrix] = {}
"""The matrix of the plan that this process is at, as far as it has played it."""


def prove_matrix(stride: int, jobs: int) -> int:
    """Play the matrix of every plan; 1 when one of its cells failed."""
    began, whole, told_of = time.monotonic(), Played(), 0
    requests = {name: requests_struck(plan) for name, plan in PLANS.items()}
    with ExitStack() as stack:
        workers = [stack.enter_context(_worker()) for _ in range(jobs)]
        for played in shared_out(requests, workers, partial(run_request, stride=stride)):
            whole.add(played)
            for name, violations in whole.failed[told_of:]:
                _tell_failed(name, violations, again=f"make prove ARGS='--cell \"{name}\"'")
            told_of = len(whole.failed)
            pace = whole.cells / max(time.monotonic() - began, 1e-9)
            print(f"\r{whole}, {pace:.0f} cells/s ", end="", flush=True)
    print(f"\n{time.monotonic() - began:.0f} s")
    _tell_happened(whole.happened)
    return 1 if whole.failed else 0


def requests_struck(plan: Scenario) -> deque[Rows]:
    """Every fault on every request of a plan, by request; the first is none at all."""
    by_request = groupby(strikes_of(plan), key=lambda strikes: [(s.path, s.number) for s in strikes])
    return deque(tuple(rows) for _, rows in by_request)


def _worker() -> ProcessPoolExecutor:
    return ProcessPoolExecutor(1, initializer=gc.set_threshold, initargs=(COLLECT_AFTER,))


def shared_out(
    requests: dict[str, deque[Rows]], workers: Sequence[Executor], play: Callable[[str, Rows], T]
) -> Iterator[T]:
    """What `play` makes of every request; `requests` is empty afterwards. A worker keeps to a plan while
    anything is left of it, because no process plays a world twice; then it goes where the fewest are.
    """
    at: dict[Future[T], tuple[Executor, str]] = {}

    def send(worker: Executor, name: str) -> None:
        busy = Counter(plan for _, plan in at.values())
        left = sorted((n for n, rows in requests.items() if rows), key=lambda n: (busy[n], -len(requests[n])))
        if left:
            name = name if requests.get(name) else left[0]
            at[worker.submit(play, name, requests[name].popleft())] = worker, name

    for worker in workers:
        send(worker, "")
    while at:
        for done in wait(at, return_when=FIRST_COMPLETED).done:
            send(*at.pop(done))
            yield done.result()


def _tell_failed(name: str, violations: list[str], *, again: str) -> None:
    print(f"\nFAILED {name}")
    print("\n".join(f"  {sentence}" for sentence in violations))
    print(f"  again: {again}", flush=True)


def _tell_happened(happened: Counter[str]) -> None:
    for name, number in sorted(happened.items(), key=lambda item: -item[1]):
        print(f"  {number:>9} {name}")


def _report(tallies: Iterator[Tally], of: int, what: str, *, again: str) -> int:
    begun, ran, failed = time.monotonic(), 0, 0
    happened: Counter[str] = Counter()
    for tally in tallies:
        ran += tally.ran
        failed += len(tally.failed)
        happened.update(tally.happened)
        for name, violations in tally.failed:
            _tell_failed(name, violations, again=again.format(name.removeprefix("seed ")))
        pace = ran / max(time.monotonic() - begun, 1e-9)
        print(
            f"\r{ran}{f' of {of}' if of else ''} {what}, {failed} failed, {pace:.0f}/s ", end="", flush=True
        )
    print()
    _tell_happened(happened)
    return 1 if failed else 0


def show(scenario: Scenario) -> int:
    """One story again, with everything that the desk said; 1 when it fails."""
    print(msgspec.json.format(msgspec.json.encode(scenario)).decode())
    outcome: Outcome = simulate(scenario)
    print("\n".join(outcome.notes))
    print("\n".join(outcome.violations) or "nothing was violated")
    return 1 if outcome.violations else 0


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="make prove", description=__doc__.splitlines()[0] if __doc__ else ""
    )
    parser.add_argument("--seeds", type=int, default=2000, help="how many seeds (default: 2000)")
    parser.add_argument("--first", type=int, default=0, help="the first of them")
    parser.add_argument("--seed", type=int, help="run this one again and tell everything")
    parser.add_argument("--matrix", action="store_true", help="every crash with every fault on every request")
    parser.add_argument("--cell", help="play this cell of the matrix again and tell everything")
    parser.add_argument("--stride", type=int, default=1, help="only every n-th cell of the matrix")
    parser.add_argument("--digests", type=int, help="print the digests of the first seeds")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    asked = parser.parse_args()
    if asked.seed is not None:
        return show(chapter(asked.seed))
    if asked.cell is not None:
        return show(cell_named(asked.cell))
    if asked.digests is not None:
        for seed in islice(range(asked.first, asked.first + asked.digests), None):
            print(seed, simulate(chapter(seed)).digest)
        return 0
    if asked.matrix:
        return prove_matrix(asked.stride, asked.jobs)
    return prove_seeds(asked.first, asked.seeds, asked.jobs)


if __name__ == "__main__":
    sys.exit(main())
