"""A Telegram Bot API on this machine: the real library talks to it, a test or a person plays the phone.

It answers as api.telegram.org does for the methods that Ratchet uses, refuses markup, lengths and edits as
Telegram refuses them, and misbehaves on request: 409, 429, 502, silence, hanging up.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections import deque
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, Final, Self

import msgspec
from aiohttp import web

from engine.notify.telegram.fake_markup import MarkupRefused, read_markup

LONGEST: Final = 4096
BOT: Final = {"id": 4711, "is_bot": True, "first_name": "Ratchet (fake)", "username": "ratchet_fake_bot"}


class Shown(msgspec.Struct):
    """A message on the phone as it is now. `texts` has every version of it, the newest last, without markup;
    `buttons` are labels and their data.
    """

    id: int
    chat: int
    texts: list[str]
    entities: list[dict[str, Any]]
    buttons: list[tuple[str, str]]
    silent: bool
    is_deleted: bool = False
    date: int = 0

    @property
    def text(self) -> str:
        return self.texts[-1]

    def data(self, label: str) -> str:
        """What the button with this label carries. Raises LookupError when there is none."""
        found = next((data for name, data in self.buttons if name == label), None)
        if found is None:
            raise LookupError(f"no button {label!r} on {self.text!r}: {[name for name, _ in self.buttons]}")
        return found


class Fault(msgspec.Struct):
    """What goes wrong with the next `times` calls of `method` ("" for all). `hang_s` is silence before it,
    `lag_s` silence after it was done.
    """

    status: int = 0
    description: str = ""
    method: str = ""
    times: int = 1
    retry_after: int = 0
    hang_s: float = 0.0
    lag_s: float = 0.0
    aborts: bool = False


class BotRefused(Exception):
    """What the Bot API answers with an error code."""

    def __init__(self, status: int, description: str) -> None:
        super().__init__(description)
        self.status = status
        self.description = description


class FakeTelegram:
    """Listens on loopback while the `async with` block lasts.

    async with FakeTelegram() as phone: phone.type("/status", user=7, chat=7)

    `url` is what stands in front of `/bot<token>/method`. `on_change` is called with every message that is
    new, edited or deleted, `on_popup` with what answers a press.
    """

    def __init__(
        self,
        *,
        token: str = "",
        host: str = "127.0.0.1",
        port: int = 0,
        on_change: Callable[[Shown], None] | None = None,
        on_popup: Callable[[str], None] | None = None,
    ) -> None:
        self.token = token or f"4711:{secrets.token_urlsafe(24)}"
        self.messages: dict[int, Shown] = {}
        self.popups: list[str] = []
        self.calls: deque[tuple[str, dict[str, Any]]] = deque(maxlen=10_000)
        self.faults: list[Fault] = []
        self.commands: list[str] = []
        self.confirmed: list[dict[str, Any]] = []
        self._host, self._port = host, port
        self._on_change = on_change or (lambda shown: None)
        self._on_popup = on_popup or (lambda text: None)
        self._updates: list[dict[str, Any]] = []
        self._update = secrets.randbelow(1_000_000) + 1
        self._message = 100
        self._arrived = asyncio.Event()
        self._changed = asyncio.Event()
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        return f"http://{self._host}:{self._port}"

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_route("*", "/bot{token}/{method}", self._handle)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, self._host, self._port).start()
        self._port = int(self._runner.addresses[0][1])
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    # -- the person with the phone ---------------------------------------------------------------------------

    def type(self, text: str, *, user: int, chat: int | None = None, at: float | None = None) -> int:
        """Send a message to the bot; `at` is when, in seconds (now when left out). Returns its id."""
        self._message += 1
        message = self._wire(self._message, chat or user, text, [], at) | {"from": _person(user)}
        if text.startswith("/"):
            length = len(text.split(maxsplit=1)[0])
            message["entities"] = [{"type": "bot_command", "offset": 0, "length": length}]
        self._tell({"message": message})
        return self._message

    def press(self, shown: Shown, label: str, *, user: int, data: str | None = None) -> None:
        """Press a button. `data` stands in for the button's own, as a stranger might forge it."""
        message = self._wire(shown.id, shown.chat, shown.text, shown.entities, shown.date)
        query = {
            "id": secrets.token_hex(8),
            "from": _person(user),
            "chat_instance": "1",
            "message": message | {"from": BOT},
            "data": data if data is not None else shown.data(label),
        }
        self._tell({"callback_query": query})

    async def until(self, holds: Callable[[Shown], bool], within_s: float = 60.0) -> Shown:
        """The newest message for which it holds, now or soon. Raises AssertionError with what there is."""
        try:
            async with asyncio.timeout(within_s):
                while True:
                    for shown in reversed(self.messages.values()):
                        if not shown.is_deleted and holds(shown):
                            return shown
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            seen = "\n---\n".join(each.text for each in self.messages.values())
            raise AssertionError(f"no such message within {within_s} s; there are:\n{seen}") from None

    async def says(self, part: str, within_s: float = 60.0) -> Shown:
        """The newest message that contains this text."""
        return await self.until(lambda shown: part in shown.text, within_s)

    async def called(self, method: str, times: int = 1, within_s: float = 60.0) -> None:
        """Wait until a method was called so often in all. Raises TimeoutError."""
        async with asyncio.timeout(within_s):
            while sum(name == method for name, _ in self.calls) < times:
                self._changed.clear()
                await self._changed.wait()

    def deliver_again(self, update: dict[str, Any]) -> None:
        """The same message or press once more, as after a confirmation that was lost."""
        self._tell({name: body for name, body in update.items() if name != "update_id"})

    def misbehave(self, status: int = 0, description: str = "", **how: Any) -> Fault:
        """The next call goes wrong; see Fault."""
        fault = Fault(status, description, **how)
        self.faults.append(fault)
        self._arrived.set()
        return fault

    def recover(self) -> None:
        self.faults.clear()

    # -- the wire --------------------------------------------------------------------------------------------

    def _tell(self, body: dict[str, Any]) -> None:
        self._update += 1
        self._updates.append({"update_id": self._update} | body)
        self._arrived.set()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        method = request.match_info["method"]
        if request.match_info["token"] != self.token:
            return _refusal(401, "Unauthorized")
        params = {name: _value(str(value)) for name, value in (await request.post()).items()}
        self.calls.append((method, params))
        self._changed.set()
        fault = self._fault(method)
        if fault is not None and (answer := await _faulty(request, fault)) is not None:
            return answer
        work: Callable[[dict[str, Any]], Awaitable[Any]] | None = getattr(self, f"_on_{method.lower()}", None)
        if work is None:
            return _refusal(404, "Not Found")
        try:
            result = await work(params)
            await asyncio.sleep(fault.lag_s if fault is not None else 0)
            return web.json_response({"ok": True, "result": result})
        except BotRefused as refused:
            return _refusal(refused.status, refused.description)

    def _fault(self, method: str) -> Fault | None:
        """What is meant to go wrong with this call."""
        fault = next((each for each in self.faults if each.method.lower() in ("", method.lower())), None)
        if fault is not None:
            fault.times -= 1
            if fault.times <= 0:
                self.faults.remove(fault)
        return fault

    async def _on_getme(self, params: dict[str, Any]) -> Any:
        return BOT | {
            "can_join_groups": False,
            "can_read_all_group_messages": False,
            "supports_inline_queries": False,
        }

    async def _on_deletewebhook(self, params: dict[str, Any]) -> bool:
        return True

    async def _on_setmycommands(self, params: dict[str, Any]) -> bool:
        self.commands = [each["command"] for each in params["commands"]]
        return True

    async def _on_getupdates(self, params: dict[str, Any]) -> list[dict[str, Any]]:
        """Long polling; an offset confirms everything below it."""
        offset = int(params.get("offset", 0))
        self.confirmed += [each for each in self._updates if each["update_id"] < offset]
        self._updates = [each for each in self._updates if each["update_id"] >= offset]
        if not self._updates:
            self._arrived.clear()
            try:
                async with asyncio.timeout(float(params.get("timeout", 0))):
                    await self._arrived.wait()
            except TimeoutError:
                return []
        return self._updates[: int(params.get("limit", 100))]

    async def _on_sendmessage(self, params: dict[str, Any]) -> Any:
        text, entities = _read(params)
        self._message += 1
        silent = bool(params.get("disable_notification"))
        shown = Shown(self._message, int(params["chat_id"]), [text], entities, _buttons(params), silent)
        shown.date = int(time.time())
        self.messages[shown.id] = shown
        self._show(shown)
        return self._wire(shown.id, shown.chat, text, entities, shown.date) | {"from": BOT}

    async def _on_editmessagetext(self, params: dict[str, Any]) -> Any:
        shown = self._find(params)
        text, entities = _read(params)
        buttons = _buttons(params)
        if (text, entities, buttons) == (shown.text, shown.entities, shown.buttons):
            raise BotRefused(400, "Bad Request: message is not modified")
        shown.texts.append(text)
        shown.entities, shown.buttons = entities, buttons
        self._show(shown)
        return self._wire(shown.id, shown.chat, text, entities, shown.date) | {"from": BOT}

    async def _on_editmessagereplymarkup(self, params: dict[str, Any]) -> Any:
        shown = self._find(params)
        shown.buttons = _buttons(params)
        self._show(shown)
        return self._wire(shown.id, shown.chat, shown.text, shown.entities, shown.date) | {"from": BOT}

    async def _on_deletemessage(self, params: dict[str, Any]) -> bool:
        shown = self._find(params)
        shown.is_deleted = True
        self._show(shown)
        return True

    async def _on_answercallbackquery(self, params: dict[str, Any]) -> bool:
        self.popups.append(str(params.get("text", "")))
        self._on_popup(self.popups[-1])
        self._changed.set()
        return True

    def _find(self, params: dict[str, Any]) -> Shown:
        shown = self.messages.get(int(params.get("message_id", 0)))
        if shown is None or shown.is_deleted:
            raise BotRefused(400, "Bad Request: message to edit not found")
        return shown

    def _show(self, shown: Shown) -> None:
        self._changed.set()
        self._on_change(shown)

    def _wire(
        self, id: int, chat: int, text: str, entities: list[dict[str, Any]], at: float | None
    ) -> dict[str, Any]:
        date = int(time.time() if at is None else at)
        message = {"message_id": id, "date": date, "chat": {"id": chat, "type": "private"}, "text": text}
        return message | ({"entities": entities} if entities else {})


def _person(user: int) -> dict[str, Any]:
    return {"id": user, "is_bot": False, "first_name": f"User {user}"}


def _value(text: str) -> Any:
    """Parameters travel as form fields; what is no text is JSON."""
    if text[:1] in "[{" or text in ("true", "false"):
        try:
            return json.loads(text)
        except ValueError:
            return text
    return text


def _read(params: dict[str, Any]) -> tuple[str, list[dict[str, Any]]]:
    """The text without its markup, and Telegram's entities for it. Raises BotRefused."""
    text = str(params.get("text", ""))
    entities: list[dict[str, Any]] = []
    if params.get("parse_mode") == "HTML":
        try:
            text, entities = read_markup(text)
        except MarkupRefused as refused:
            raise BotRefused(400, f"Bad Request: can't parse entities: {refused}") from None
    if not text.strip():
        raise BotRefused(400, "Bad Request: message text is empty")
    if len(text) > LONGEST:
        raise BotRefused(400, "Bad Request: message is too long")
    return text, entities


def _buttons(params: dict[str, Any]) -> list[tuple[str, str]]:
    rows = (params.get("reply_markup") or {}).get("inline_keyboard", [])
    found = [(each["text"], each["callback_data"]) for row in rows for each in row]
    if any(not 1 <= len(data.encode()) <= 64 for _, data in found):
        raise BotRefused(400, "Bad Request: BUTTON_DATA_INVALID")
    return found


def _refusal(status: int, description: str, retry_after: int = 0) -> web.Response:
    body: dict[str, Any] = {"ok": False, "error_code": status, "description": description}
    if retry_after:
        body["parameters"] = {"retry_after": retry_after}
    return web.json_response(body, status=status)


async def _faulty(request: web.Request, fault: Fault) -> web.StreamResponse | None:
    """What this call gets instead of its answer, if anything."""
    await asyncio.sleep(fault.hang_s)
    if fault.aborts:
        if request.transport is not None:
            request.transport.abort()
        return web.Response(status=502)
    if not fault.status:
        return None
    if fault.status == 502:
        return web.Response(status=502, text="<html>502 Bad Gateway</html>", content_type="text/html")
    return _refusal(fault.status, fault.description, fault.retry_after)
