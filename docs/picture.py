"""The picture of the desk in the README: a real screen of the running demo after its first rung.

python -m docs.picture docs/desk.svg
"""

from __future__ import annotations

import asyncio
import re
import sys
from decimal import Decimal
from pathlib import Path

from engine.demo.desk import LentHand
from engine.demo.hand import DemoHand
from engine.demo.house import House
from engine.demo.scenario import SCENARIOS
from engine.demo.wish import Wish
from engine.protocol import Snapshot
from tui.app import RatchetDesk
from tui.client import EngineClient

SIZE = (120, 36)
BALANCE = Decimal(100)
WAIT_S = 90.0
FETCHED_FONTS = re.compile(r",\s*url\([^)]*\) format\([^)]*\)")
"""Whoever reads the README shall not ask a third party for a font."""


def main() -> int:
    """Draw it into the file named on the command line."""
    target = Path(sys.argv[1])
    wish = Wish(SCENARIOS[0], 60.0, BALANCE, plain=True, seconds=None)
    with House(wish) as house:
        hand = DemoHand(house.exchange, house.symbols, balance=BALANCE, speed=wish.speed)
        drawn = asyncio.run(_drawn(house, hand))
    target.write_text(FETCHED_FONTS.sub("", drawn), encoding="utf-8")
    print(f"{target}: {target.stat().st_size:,} bytes")
    return 0


async def _drawn(house: House, hand: DemoHand) -> str:
    """Open two positions by hand, wait for the first rung, and photograph the desk."""
    scenario = SCENARIOS[0]
    await hand.open(scenario.symbol, scenario.side)
    await hand.open("BTCUSDT", scenario.side)
    await hand.market.play(hand.speed)
    desk = RatchetDesk(EngineClient(house.paths.socket), hand=LentHand(hand))
    async with desk.run_test(size=SIZE) as pilot, asyncio.timeout(WAIT_S):
        while not _is_up_a_rung(house):
            await pilot.pause(0.2)
        await pilot.pause(3)
        return desk.export_screenshot(title="ratchet demo")


def _is_up_a_rung(house: House) -> bool:
    seen = house.engine.snapshot()
    return isinstance(seen, Snapshot) and any("rung 1 done" in line.text for line in seen.log)


if __name__ == "__main__":
    sys.exit(main())
