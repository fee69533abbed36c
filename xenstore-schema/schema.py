# SPDX-License-Identifier: BSD-3-Clause
"""Reads vif.schema; its own head says what a line is."""
import dataclasses
import re

LINE = re.compile(r"(?P<side>backend|frontend)/(?P<key>[\w/-]+) = (?P<type>.+?) "
                  r"\[(?P<writes>[^,]+), (?P<reads>[^,]+), (?P<when>\w+)\] (?P<default>\S+)"
                  r"(?: hw=(?P<hw>\w+)(?: counts=(?P<counts>[\w,]+))?(?: bits=(?P<bits>tx|rx|tx\+rx))?)?"
                  r"  # (?P<meaning>.+)")
TYPES = re.compile(r"flag|mac|folder|tag|rate|mirror-target|xl-vlans|(number|vlans|vlan-set|handle|queues|queue-rates|shares) (\d+)\.\.(\d+)"
                   r"|(text|path|macs|ips) (\d+)|choice ([\w|-]+)")
PEOPLE = {"toolstack", "script", "admin", "vifd", "guest"}
WHEN = {"create", "initwait", "connect", "any"}
POLICY = "policy/"
# Kinds of a rule that may have a bit, and the C type of its value; a flag has none besides the bit.
BIT_TYPES = {"flag": None, "number": "uint32_t", "tag": "uint16_t"}


@dataclasses.dataclass
class Key:
    """One line; line is where it stands, group the comment above its block."""
    side: str
    name: str
    type: str
    writes: list
    reads: list
    when: str
    default: str
    meaning: str
    line: str
    group: str
    hw: str = None
    counts: list = dataclasses.field(default_factory=list)
    bits: list = dataclasses.field(default_factory=list)

    @property
    def kind(self):
        return self.type.split()[0]

    @property
    def words(self):
        return self.type.split()[1].split("|") if self.kind == "choice" else []

    @property
    def range(self):
        match = TYPES.fullmatch(self.type)
        if match[2]:
            return int(match[2]), int(match[3])
        return 0, int(match[5] or (1 if self.kind == "flag" else 0))

    @property
    def rule(self):
        """Of a key of policy/: what files and vifctl call it; None for any other."""
        below = self.side == "backend" and self.name.startswith(POLICY)
        return self.name[len(POLICY):] if below else None

    @property
    def bit(self):
        """The name of its bit; a rule that is on by default has one for being off."""
        name = self.rule.replace("-", "_").upper()
        return f"POLICY_NO_{name}" if self.kind == "flag" and self.default == "1" else f"POLICY_{name}"

    @property
    def setter(self):
        """policy/words.c's function for this type; a flag without a default has three values."""
        return "maybe" if self.kind == "flag" and self.default == "none" else self.kind.replace("-", "_")

    @property
    def expected(self):
        """What a value must be, in words."""
        low, high = self.range
        return {"flag": "0 or 1", "mac": "aa:bb:cc:dd:ee:ff", "folder": "a folder",
                "number": f"{low}..{high}", "text": f"text, at most {high} bytes",
                "path": f"a path, at most {high} bytes",
                "choice": " | ".join(w or "''" for w in self.words),
                "macs": f"up to {high} addresses aa:bb:cc:dd:ee:ff",
                "ips": f"up to {high} IPv4 or IPv6 addresses, optionally /BITS",
                "vlans": f"VLANs {low}..{high} as 10,20-29",
                "vlan-set": f"VLANs {low}..{high} as 10,20-29", "handle": f"{low}..{high}, or nothing", "tag": "VLAN or VLAN/PRIORITY",
                "xl-vlans": "ID[p|u], FIRST-LAST[u], START+OFFSETxCOUNT[u] separated by /",
                "shares": f"up to 8 numbers {low}..{high} separated by commas",
                "queues": f"queues {low}..{high} as 0-3,5",
                "queue-rates": "QUEUE:BYTES,MICROSECONDS separated by blanks",
                "mirror-target": "aa:bb:cc:dd:ee:ff or file:NAME",
                "rate": "BYTES,MICROSECONDS"}[self.kind]


def check_line(match, where, errors):
    people = set(match["writes"].split("+")) | set(match["reads"].split("+"))
    if not TYPES.fullmatch(match["type"]):
        errors.append(f"{where}: no such type '{match['type']}'")
    if people - PEOPLE:
        errors.append(f"{where}: no such party '{' '.join(sorted(people - PEOPLE))}'")
    if match["when"] not in WHEN:
        errors.append(f"{where}: no such time '{match['when']}'")
    if match["key"].startswith(POLICY) != (match["hw"] is not None):
        errors.append(f"{where}: expected hw= after the default of keys below {POLICY} and of no others")
    if match["bits"] and (match["type"].split()[0] not in BIT_TYPES or
                          match["type"] == "flag" and match["default"] == "none"):
        errors.append(f"{where}: expected bits= only of {', '.join(BIT_TYPES)}, a flag with a default")


def read_schema(path, errors):
    """{(side, name): Key} in order of the file; a line that is wrong goes to errors."""
    keys, group = {}, ""
    with open(path, encoding="utf-8") as stream:
        lines = stream.read().splitlines()
    for number, text in enumerate(lines, 1):
        if text.startswith("#"):
            group = text[1:].strip()
        if not text or text.startswith("#"):
            continue
        where = f"{path}:{number}"
        match = LINE.fullmatch(text)
        if not match:
            errors.append(f"{where}: expected 'path = type [writes, reads, when] default  # meaning'")
            continue
        check_line(match, where, errors)
        if (match["side"], match["key"]) in keys:
            errors.append(f"{where}: given twice")
        keys[match["side"], match["key"]] = Key(
            match["side"], match["key"], match["type"], match["writes"].split("+"),
            match["reads"].split("+"), match["when"], match["default"], match["meaning"], where, group,
            match["hw"], (match["counts"] or "").split(",") if match["counts"] else [],
            match["bits"].split("+") if match["bits"] else [])
    return keys
