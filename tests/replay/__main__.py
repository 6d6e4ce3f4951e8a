"""`python -m tests.replay`: play the shipped month through the whole of Ratchet and print what it came to."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from tests.replay.play import BALANCE, replay
from tests.replay.test_recorded_markets import BOTH_LONG, SHIPPED, agree, ms


async def main() -> None:
    files = [SHIPPED / f"{coin}USDT-perp-1m-2025-05.csv.gz" for coin in ("BTC", "ETH")]
    with tempfile.TemporaryDirectory() as folder:
        done = await replay(Path(folder), files, BOTH_LONG, until=ms("2025-06-03T15:31"), tell=print)
    agree(done, BOTH_LONG)
    print()
    for symbol, rungs in done.mine.rungs.items():
        ended = done.mine.ended[symbol] or "still open"
        print(f"{symbol} long: {rungs} rungs, {ended}, booked {done.mine.paid[symbol]:+.2f} USDT")
    print(f"account: {BALANCE} → {done.balance:.2f} USDT booked, {done.equity:.2f} with what is open")
    print("every trade and every stop is the one that the independent recomputation says")


asyncio.run(main())
