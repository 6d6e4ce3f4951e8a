"""Everything that must be true before the first order, and one clear sentence for each thing that is not."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from difflib import get_close_matches
from typing import Any, Final, TypeVar

from msgspec.structs import replace

from engine.core.instrument import Instrument
from engine.venue.backoff import Backoff
from engine.venue.lanes import Lane
from engine.venue.malformed import Malformed, shaped
from engine.venue.outcomes import NoAnswer, Refusal
from engine.venue.port import VenueRefused
from engine.venue.repeats import Repeats
from engine.venue.rest import PRODUCT, Rest
from engine.venue.rows import ContractRow, FeeRates, TierRow

log = logging.getLogger("ratchet.venue")
Read = TypeVar("Read")

SKEW_LIMIT_MS: Final = 5_000
CLASSIC: Final = "40084"
OFF: Final = "off"
"""The status of a contract that is not traded any more."""
NOBODY: Final = "ratchet-preflight"
"""A client id that no order has: cancelling it cancels nothing, and shows whether the key may trade."""

_UNIFIED: Final = (
    "This is a Unified Trading Account. Ratchet speaks Bitget's classic API, which such an account refuses. "
    "Use an API key of a classic account (on Bitget: Assets, account mode; or a classic sub-account)."
)
_KEY: Final = (
    "Bitget does not know this API key. Check that it was copied whole, that it still exists, "
    "and that a demo key is used with demo trading only."
)
_SIGNATURE: Final = (
    "Bitget refuses the signature: the API secret does not belong to this key. Enter the secret again."
)
_PHRASE: Final = (
    "Bitget refuses the passphrase of this API key. It is the one chosen when the key was made, "
    "not the account's password."
)
_PERMISSION: Final = (
    "This API key may not trade futures. "
    "Give it the permission Futures: read and write on Bitget, or make a new key."
)
_MAINTENANCE: Final = (
    "Bitget is under maintenance. Positions and stops stay as they are; Ratchet goes on when it is over."
)
ONLINE: Final = "see that this machine is online and may reach it; what rests on Bitget stays"
MAINTENANCE: Final = ("40200", "40308", "41114", "43115", "30038")

SENTENCES: Final = {
    "40001": _KEY,
    "40006": _KEY,
    "40037": _KEY,
    "40002": _SIGNATURE,
    "40003": _SIGNATURE,
    "40009": _SIGNATURE,
    "40011": _PHRASE,
    "40012": _PHRASE,
    "40014": _PERMISSION,
    "40018": (
        "This API key is bound to other addresses than this machine's. "
        "Add this machine's public IP to the key on Bitget."
    ),
    "40085": _UNIFIED,
    **dict.fromkeys(MAINTENANCE, _MAINTENANCE),
}


class Preflight:
    """The checks, one after the other. Each is repeated while only the network fails, or Bitget is closed."""

    def __init__(self, rest: Rest, backoff: Backoff) -> None:
        self._rest = rest
        self._backoff = backoff
        self._away = Repeats()

    async def check(self) -> None:
        """Clock, account kind, key and permission. Raises VenueRefused."""
        skew_ms = await self.insist(self._rest.follow_clock)
        if abs(skew_ms) > SKEW_LIMIT_MS:
            raise VenueRefused(skewed(skew_ms))
        await together(self.insist(self._is_classic), self.insist(self._may_trade))

    async def instruments(
        self, symbols: tuple[str, ...], known: tuple[Instrument, ...] = ()
    ) -> tuple[Instrument, ...]:
        """The contracts of `symbols` with tiers and the account's own fees. One that is `known` and listed no
        more is `off`, and keeps none of the others from care. Raises VenueRefused.
        """
        data = await self.insist(self._contracts)
        listed = {row.symbol: row for row in data}
        before = {each.symbol: each for each in known if each.symbol not in listed}
        gone = [replace(before[symbol], status=OFF) for symbol in symbols if symbol in before]
        for each in gone:
            log.warning("%s is not listed on Bitget any more", each.symbol)
        chosen = [choose(symbol, listed) for symbol in symbols if symbol not in before]
        return (*await together(*(self._instrument(row) for row in chosen)), *gone)

    async def again(self, known: tuple[Instrument, ...]) -> tuple[Instrument, ...]:
        """The same contracts as they are now; one that is not listed is `off`. Raises VenueRefused."""
        listed = {row.symbol: row for row in await self.insist(self._contracts)}

        async def look(old: Instrument) -> Instrument:
            row = listed.get(old.symbol)
            return replace(old, status=OFF) if row is None else await self._instrument(row)

        return tuple(await together(*(look(old) for old in known)))

    async def insist(self, step: Callable[[], Awaitable[Read]]) -> Read:
        """The result of `step`, tried until the network lets it through and Bitget's maintenance is over.
        Raises VenueRefused.
        """
        self._backoff.rest()
        while True:
            try:
                done = await step()
            except Refusal as refusal:
                if refusal.code not in MAINTENANCE:
                    raise VenueRefused(sentence(refusal)) from None
                why = sentence(refusal)
            except (NoAnswer, Malformed) as error:
                why = f"Bitget cannot be reached ({error}): {ONLINE}"
            else:
                self._away.over()
                return done
            if self._away.is_due():
                log.warning("%s; trying again until it answers", why)
            await asyncio.sleep(self._backoff.next_s())

    async def _is_classic(self) -> None:
        """Ask the unified API for its settings: only a unified account has any (PITFALLS 34)."""
        try:
            await self._rest.get("v3/account/settings", {})
        except Refusal as refusal:
            if refusal.code in SENTENCES:
                raise
            if refusal.code != CLASSIC:
                log.info("the account kind is not told (%s); the classic API will say", refusal.code)
            return
        raise VenueRefused(_UNIFIED)

    async def _may_trade(self) -> None:
        """Cancel an order that does not exist: whatever is said about it, the key was allowed to ask."""
        body = {"symbol": "BTCUSDT", "productType": PRODUCT, "marginCoin": "USDT", "clientOid": NOBODY}
        try:
            await self._rest.post("v2/mix/order/cancel-order", body, Lane.REDUCE)
        except Refusal as refusal:
            if refusal.code in SENTENCES:
                raise

    async def _contracts(self) -> list[ContractRow]:
        data = await self._rest.get("v2/mix/market/contracts", {"productType": PRODUCT}, signed=False)
        return shaped("contracts", data, list[ContractRow])

    async def _instrument(self, row: ContractRow) -> Instrument:
        asked = {"symbol": row.symbol, "productType": PRODUCT}

        async def tiers() -> list[TierRow]:
            data = await self._rest.get("v2/mix/market/query-position-lever", asked, signed=False)
            return shaped("query-position-lever", data, list[TierRow])

        async def rates() -> FeeRates:
            data = await self._rest.get("v2/common/trade-rate", {"symbol": row.symbol, "businessType": "mix"})
            return shaped("trade-rate", data, FeeRates)

        try:
            return row.instrument(await self.insist(tiers), await self.insist(rates))
        except Malformed as bad:
            raise VenueRefused(f"Bitget's contract for {row.symbol} cannot be used: {bad}.") from None


async def together(*steps: Coroutine[Any, Any, Read]) -> list[Read]:
    """The results of steps that run side by side. The first refusal ends them all and is raised as it is."""
    try:
        async with asyncio.TaskGroup() as tasks:
            running = [tasks.create_task(step) for step in steps]
    except ExceptionGroup as group:
        refused = group.subgroup(VenueRefused)
        if refused is None:
            raise
        raise refused.exceptions[0] from None
    return [task.result() for task in running]


def choose(symbol: str, listed: dict[str, ContractRow]) -> ContractRow:
    """The contract of `symbol`; one that is suspended is watched, not traded. Raises VenueRefused when there
    is none.
    """
    row = listed.get(symbol)
    if row is None:
        near = get_close_matches(symbol.upper(), listed, n=1, cutoff=0.5)
        hint = f" Did you mean {near[0]}?" if near else ""
        raise VenueRefused(f"{symbol} is not a USDT perpetual on Bitget.{hint} Correct the list of symbols.")
    if row.symbol_status != "normal":
        log.warning("%s cannot be traded normally now: Bitget says %s", symbol, row.symbol_status)
    return row


def skewed(skew_ms: int) -> str:
    """The sentence for a wrong clock."""
    way = "ahead of" if skew_ms > 0 else "behind"
    return (
        f"This machine's clock is {abs(skew_ms) / 1000:.1f} s {way} Bitget's. At 30 s Bitget refuses all "
        "orders, and the age of every price is judged by it: "
        "set the clock (timedatectl set-ntp true) and start again."
    )


def sentence(refusal: Refusal) -> str:
    """What the trader reads for a refusal."""
    known = SENTENCES.get(refusal.code)
    return (
        f"{known} (Bitget {refusal.code})"
        if known
        else f"Bitget refuses: {refusal.message} ({refusal.code})."
    )
