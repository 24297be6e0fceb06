"""Picture -> Mermaid, the language of flow charts that Markdown hosts draw."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..colours import light
from .boxes import CONSTANT, DEAD, FOLDED, INNER, LEAF, ROOT, Arrow, Box
from .dot import GROUNDS
from .picture import BACKWARD, Picture

KINDS = (LEAF, INNER, ROOT, CONSTANT, FOLDED)
PLAIN = re.compile(r"[^\w .,()=+~-]|- ", re.ASCII)  # everything that could be markup, lists included


def mermaid_of(picture: Picture, direction: str = "LR") -> str:
    """Return the picture as a Mermaid flow chart.

    >>> from autograd_mini import Value
    >>> from viz.graph.picture import picture_of
    >>> print(mermaid_of(picture_of(Value(2.0, label="x").sin(), {})).split("  classDef")[0], end="")
    flowchart LR
      n0["x<br/>data 2<br/>grad –"]:::leaf
      n1["L = sin<br/>data 0.9093<br/>grad –"]:::root
      n0 -->|"-0.4161"| n1
    """
    lines = [f"flowchart {direction}", *_framed(picture)]
    lines += [_arrow(arrow, picture.show == BACKWARD) for arrow in picture.arrows]
    if picture.note:
        lines.append(f'  note["{_text(picture.note)}"]:::constant')
    used = {box.kind for box in picture.boxes} | ({CONSTANT} if picture.note else set())
    lines += [_class(kind) for kind in KINDS if kind in used]
    return "\n".join(lines) + "\n"


def _framed(picture: Picture) -> Iterator[str]:
    """Yield the boxes, and a subgraph for each frame around what is in it."""
    around = {frame.id: frame.frame for frame in picture.frames}
    inside: dict[str, list[str]] = {}
    for box in picture.boxes:
        inside.setdefault(box.frame, []).append(_box(box))
    for frame in reversed(picture.frames):  # inner frames come after those around them
        held = [f"  {line}" for line in inside.pop(frame.id, [])]
        block = [f'  subgraph {frame.id}["{_text(frame.name)}"]', *held, "  end"]
        inside.setdefault(around[frame.id], []).extend(block)
    yield from inside.get("", [])


def _box(box: Box) -> str:
    between = ", " if box.kind == FOLDED else " = "
    name = between.join(_text(text) for text in (box.name, box.op) if text)
    rows = [_text(f"{key} {value}".strip()) for key, value in box.rows]
    return f'  {box.id}["{"<br/>".join(filter(None, [name, *rows]))}"]:::{box.kind}'


def _arrow(arrow: Arrow, back: bool) -> str:
    line = "-->" if arrow.carries and arrow.chip != DEAD else "-.->"
    tail, head = (arrow.head, arrow.tail) if back else (arrow.tail, arrow.head)
    label = f'|"{_text(arrow.local)}"|' if arrow.local else ""
    return f"  {tail} {line}{label} {head}"


def _class(kind: str) -> str:
    ground, rim = GROUNDS[kind]
    return f"  classDef {kind} fill:{light(ground)},stroke:{light(rim)},color:{light('ink')}"


def _text(text: str) -> str:
    """Return text as it is shown: what could be markup becomes the number of its character."""
    return PLAIN.sub(lambda match: f"#{ord(match[0][0])};{match[0][1:]}" if match[0].isascii() else match[0], text)
