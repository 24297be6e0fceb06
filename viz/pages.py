"""What pages are made of: a template, scripts by their digests, data that ends no script, a frame in notebooks."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import zlib
from collections.abc import Mapping
from html import escape
from typing import Any

HEAD = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{{policy}}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{{title}}</title>
<style>{{style}}</style>
</head>
<body>
"""
SLOT = re.compile(r"\{\{(\w+)\}\}")


def page_of(body: str, parts: Mapping[str, str]) -> str:
    """Return a page: the head that all have, and the template of a body, with the parts in their places."""
    return filled(HEAD + body, parts)


def filled(template: str, parts: Mapping[str, str]) -> str:
    """Return a template with its parts in place of {{their names}}."""
    return SLOT.sub(lambda slot: parts[slot[1]], template)


def scripts(script: str, start: str, *plain: str) -> dict[str, str]:
    """Return the parts of a page that runs a script: packed, what unpacks it, and the policy that allows these.

    The policy: its own scripts by their digests, its own style, and nothing from anywhere.
    """
    digests = (base64.b64encode(hashlib.sha256(each.encode()).digest()).decode() for each in (start, script, *plain))
    sources = " ".join(f"'sha256-{digest}'" for digest in digests)
    policy = (
        f"default-src 'none'; script-src {sources}; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    return {"policy": policy, "start": start, "code": base64.b64encode(zlib.compress(script.encode(), 9)).decode()}


def compact(script: str) -> str:
    """Return a script without indentation and without lines that only comment."""
    lines = (line.strip() for line in script.splitlines())
    return "".join(f"{line}\n" for line in lines if line and not line.startswith("//"))


def inert(record: Mapping[str, Any]) -> str:
    """Return JSON in ASCII in which nothing can end a script element."""
    written = json.dumps(record, separators=(",", ":"), allow_nan=False)
    return written.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def framed(title: str, page: str) -> str:
    """Return a page in a frame of its own, where its style and its names meet nobody else's."""
    style = "width:100%;height:680px;border:1px solid #8a96a3;border-radius:8px"
    return (
        f'<iframe title="{escape(title)}" sandbox="allow-scripts allow-downloads" style="{style}" '
        f'srcdoc="{escape(page)}"></iframe>'
    )
