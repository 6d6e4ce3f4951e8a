"""`ratchet kill` and `ratchet resume`: the shortest way from a key press to the engine.

Only the standard library is used, and the request carries no protocol number: an engine of any version
understands a halt.
"""

from __future__ import annotations

import argparse
import json
import os

from engine.api.asker import asker
from engine.api.door import NoEngine, Silent, ask
from engine.commands.speech import DONE, NO_ENGINE, complain, failed, refused
from engine.config.paths import find_paths

ANSWER_S = 5.0


def run(arguments: argparse.Namespace) -> int:
    if arguments.command == "resume":
        command = {"command": "resume"}
    else:
        command = {
            "command": "flatten" if arguments.flatten else "halt",
            "reason": " ".join(arguments.reason.split()),
        }
    request = {"id": os.urandom(16).hex(), "by": asker(), "command": command}
    socket, body = find_paths(arguments.home).socket, json.dumps(request).encode()
    reply = ask(socket, "POST", "/v1/commands", body, timeout_s=ANSWER_S)
    if isinstance(reply, NoEngine):
        code = failed(reply)
        if command["command"] != "resume":
            complain("nothing was sent: positions and stops are on Bitget as they were; close there by hand")
        return code
    if isinstance(reply, Silent):
        complain(f"{reply.text}: nobody knows whether it was carried out; ask again, it does no harm twice")
        return NO_ENGINE
    return _told(reply.body)


def _told(body: bytes) -> int:
    try:
        answer = json.loads(body)
        verdict, text = str(answer["verdict"]), str(answer["text"])
    except (ValueError, KeyError, TypeError):
        return refused("the engine's answer cannot be read; `ratchet status` shows what holds")
    if verdict != "done":
        return refused(text)
    print(text)
    return DONE
