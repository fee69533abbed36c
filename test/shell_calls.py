# SPDX-License-Identifier: BSD-3-Clause
"""The commands that shell scripts and makefiles call, as far as the text tells.

of_shell() and of_makefile() give simple commands; Functions knows which of the project's own
functions run their arguments (`in_ns dom0 tcpdump`) and so finds the programs in them.
Not a shell: what is in variables is not followed.
"""
import re
from collections import namedtuple

# function: the one it stands in, or None; argv: words as written, quotes removed where all is literal
Call = namedtuple("Call", "function line argv")

BUILTINS = set(
    ". : [ alias bg break builtin cd compgen continue declare dirs echo eval exec exit export false fg "
    "getopts hash help jobs kill let local mapfile popd printf pushd pwd read readarray readonly "
    "return set shift shopt source suspend test times trap true type typeset ulimit umask unalias unset "
    "wait command complete compopt disown history".split())
OPENERS = {"if", "then", "else", "elif", "do", "while", "until", "!", "{", "time", "coproc"}
CLOSERS = {"fi", "done", "}", "esac"}
# programs that run their arguments: options that take a value, words before the command
WRAPPERS = {"exec": ("a", 0), "nice": ("n", 0), "timeout": ("ks", 1), "xargs": ("PnIdLEs", 0), "nohup": ("", 0),
            "setsid": ("", 0), "unshare": ("", 0), "chroot": ("", 1), "flock": ("wE", 1), "stdbuf": ("ioe", 0),
            "env": ("Cu", 0), "time": ("", 0), "builtin": ("", 0), "taskset": ("", 1), "strace": ("oe", 0)}
OPERATOR = re.compile(r"\n|;;&?|;&|&&|\|\||\|&|;|&(?!>)|\||\(|\)")
REDIRECT = re.compile(r"(\d*|\{\w+\})(<<<|<<-?|>>|<>|>&|<&|&>>|&>|>\||<(?!\()|>(?!\())")
ASSIGNMENT = re.compile(r"\w+(\[[^]]*\])?\+?=")


class Reader:
    """Walks through a script once."""

    def __init__(self, text, line, calls, function=None):
        self.text, self.at, self.line0, self.calls = text, 0, line, calls
        self.functions, self.heredocs, self.cases = [(function, -1)], [], []
        self.depth = 0

    def line(self):
        return self.line0 + self.text.count("\n", 0, self.at)

    def inside(self, text, line):
        """A script in the script: $(...), a here document's."""
        Reader(text, line, self.calls, self.functions[-1][0]).script()

    def closing(self, start, opening, closing):
        """The index after what closes the bracket before start, quotes respected."""
        depth, at = 1, start
        while at < len(self.text) and depth:
            char = self.text[at]
            if char == "\\":
                at += 1
            elif char == "'" and opening == "(":
                at = self.text.find("'", at + 1) if "'" in self.text[at + 1:] else len(self.text)
            elif char == '"' and opening == "(":
                at = self.string_end(at + 1) - 1
            elif char == "#" and opening == "(" and self.text[at - 1] in " \t\n(":
                at = self.text.find("\n", at) if "\n" in self.text[at:] else len(self.text)
            elif char == opening:
                depth += 1
            elif char == closing:
                depth -= 1
            at += 1
        return at

    def string_end(self, at):
        """The index after a double-quoted string, which began before at."""
        while at < len(self.text) and self.text[at] != '"':
            if self.text[at] == "\\":
                at += 1
            elif self.text.startswith("$(", at):
                at = self.closing(at + 2, "(", ")") - 1
            elif self.text.startswith("${", at):
                at = self.closing(at + 2, "{", "}") - 1
            at += 1
        return at + 1

    def substitutions(self, text, line):
        """The commands in a text's $(...), `...`, <(...)"""
        part, at = Reader(text, line, self.calls, self.functions[-1][0]), 0
        while at < len(text):
            if text[at] == "\\":
                at += 2
            elif text.startswith("$((", at):
                at += 3
            elif text[at:at + 2] in ("$(", "<(", ">("):
                end = part.closing(at + 2, "(", ")")
                self.inside(text[at + 2:end - 1], line + text.count("\n", 0, at))
                at = end
            elif text[at] == "`" and "`" in text[at + 1:]:
                end = text.find("`", at + 1)
                self.inside(text[at + 1:end], line)
                at = end + 1
            else:
                at += 1

    def word(self):
        """The next word as written; '' if none begins here."""
        start, line = self.at, self.line()
        while self.at < len(self.text):
            char = self.text[self.at]
            if char == "\\":
                self.at += 2
            elif char == "'":
                end = self.text.find("'", self.at + 1)
                self.at = len(self.text) if end < 0 else end + 1
            elif char == '"':
                begin = self.at
                self.at = self.string_end(self.at + 1)
                self.substitutions(self.text[begin + 1:self.at - 1], line)
            elif self.text[self.at:self.at + 2] in ("$(", "<(", ">("):
                begin = self.at
                self.at = self.closing(self.at + 2, "(", ")")
                self.substitutions(self.text[begin:self.at], line)
            elif self.text.startswith("${", self.at):
                begin = self.at
                self.at = self.closing(self.at + 2, "{", "}")
                self.substitutions(self.text[begin + 2:self.at - 1], line)
            elif char == "`":
                begin = self.at
                self.at = max(self.text.find("`", self.at + 1), self.at) + 1
                self.substitutions(self.text[begin:self.at], line)
            elif char == "(" and ASSIGNMENT.fullmatch(self.text[start:self.at]):
                begin = self.at
                self.at = self.closing(self.at + 1, "(", ")")
                self.substitutions(self.text[begin + 1:self.at - 1], line)
            elif char in " \t\n;&|()<>":
                break
            else:
                self.at += 1
        return self.text[start:self.at]

    def blanks(self):
        while self.at < len(self.text):
            if self.text[self.at] in " \t":
                self.at += 1
            elif self.text.startswith("\\\n", self.at):
                self.at += 2
            elif self.text[self.at] == "#" and (self.at == 0 or self.text[self.at - 1] in " \t\n;&|()"):
                end = self.text.find("\n", self.at)
                self.at = len(self.text) if end < 0 else end
            else:
                break

    def redirect(self):
        found = REDIRECT.match(self.text, self.at)
        if not found:
            return False
        self.at = found.end()
        self.blanks()
        word = self.word()
        if found[2] in ("<<", "<<-"):
            self.heredocs.append((word, found[2] == "<<-"))
        return True

    def newline(self):
        """Takes the here documents that the line has announced."""
        for word, tabs in self.heredocs:
            end = re.compile(r"^%s%s$" % ("\t*" if tabs else "", re.escape(word.strip("'\"\\"))), re.M)
            found = end.search(self.text, self.at)
            stop = found.start() if found else len(self.text)
            if word.strip("'\"\\") == word:
                self.substitutions(self.text[self.at:stop], self.line())
            self.at = found.end() if found else len(self.text)
        self.heredocs = []

    def skip_to(self, mark):
        end = self.text.find(mark, self.at)
        self.at = len(self.text) if end < 0 else end + len(mark)

    def patterns(self):
        """After `in` or `;;`: to the commands of the next branch, or past esac."""
        while self.at < len(self.text):
            self.blanks()
            if self.text[self.at:self.at + 1] in ("\n", "(", "|"):
                self.at += 1
            elif self.text[self.at:self.at + 1] == ")":
                self.at += 1
                return
            else:
                word = self.word()
                if word == "esac":
                    self.cases.pop()
                    return
                self.at += not word

    def operator(self, text):
        self.at += len(text)
        if text == "\n":
            self.newline()
        elif text.startswith(";") and len(text) > 1 and self.cases:
            self.patterns()

    def keyword(self, word):
        """True if word is of the shell's grammar."""
        if word == "{":
            self.depth += 1
        elif word == "}":
            self.depth -= 1
            if len(self.functions) > 1 and self.depth == self.functions[-1][1]:
                self.functions.pop()
        elif word == "for":
            self.blanks()
            if self.text.startswith("((", self.at):
                self.skip_to("))")
            while self.at < len(self.text) and self.text[self.at] not in ";\n":
                self.blanks()
                if not self.word() and self.text[self.at:self.at + 1] not in (";", "\n"):
                    self.at += 1
        elif word == "case":
            self.blanks()
            self.word()
            self.blanks()
            self.word()
            self.cases.append(self.line())
            self.patterns()
        elif word == "[[":
            begin, line = self.at, self.line()
            self.skip_to(" ]]")
            self.substitutions(self.text[begin:self.at], line)
        elif word == "coproc":
            self.at += len(re.match(r"(\s+\w+(?=\s+\{))?", self.text[self.at:])[0])
        return word in OPENERS or word in CLOSERS or word in ("for", "case", "[[")

    def script(self):
        argv, line = [], 0
        while True:
            self.blanks()
            found = OPERATOR.match(self.text, self.at)
            if self.at >= len(self.text) or found:
                if found and found[0] == "(" and len(argv) == 1 and re.match(r"\(\s*\)", self.text[self.at:]):
                    self.functions.append((argv[0], self.depth))
                    self.calls.append(Call(argv[0], line, [":"]))
                    self.skip_to(")")
                    argv = []
                    continue
                if argv:
                    self.calls.append(Call(self.functions[-1][0], line, argv))
                argv = []
                if self.at >= len(self.text):
                    return
                if self.text.startswith("((", self.at):
                    self.at = self.closing(self.at + 1, "(", ")")
                else:
                    self.operator(found[0])
                continue
            if self.redirect():
                continue
            here = self.line()
            word = self.word()
            if not word:
                self.at += 1
            elif argv or not (ASSIGNMENT.match(word) or self.keyword(word)):
                line = line if argv else here
                argv.append(literal(word))


def literal(word):
    """Without its quotes, if all of it is literal."""
    plain = re.fullmatch(r"'([^']*)'|\"([^\"$`\\]*)\"", word)
    return word if not plain else plain[1] if plain[1] is not None else plain[2]


def of_shell(text, line=1):
    calls = []
    Reader(text, line, calls).script()
    return calls


def expand(text, found):
    """Text of a makefile with make's own $(...) as words; the commands of $(shell ...) go to found."""
    out, at = [], 0
    while at < len(text):
        if text.startswith("$$", at):
            out.append("$")
            at += 2
        elif text[at] == "$" and text[at + 1:at + 2] in ("(", "{"):
            depth, end = 1, at + 2
            while end < len(text) and depth:
                depth += (text[end] in "({") - (text[end] in ")}")
                end += 1
            inner = text[at + 2:end - 1]
            shell = expand(inner, found)
            if inner.startswith("shell "):
                found.append(shell[6:])
            out.append("" if inner == "Q" or inner.startswith(("if $(V)", "call say")) else "$make")
            at = end
        else:
            out.append(text[at])
            at += 1
    return "".join(out)


def of_makefile(text):
    calls, line, defines = [], 1, False
    for whole in re.split(r"(?<!\\)\n", text):
        shells = []
        defines = (defines or whole.startswith("define ")) and whole != "endef"
        if defines:  # it is expanded twice
            whole = whole.replace("$$", "$")
        rule = re.match(r"[^\t#=]*?:[^=#]*?;(.*)", whole, re.S)
        if whole.startswith("\t") or rule:
            shells.append(expand(rule[1] if rule else whole, shells).strip().lstrip("@-"))
        elif not whole.startswith("#"):
            expand(whole, shells)
        for shell in shells:
            calls += of_shell(shell, line)
        line += whole.count("\n") + 1
    return calls


class Functions:
    """The project's functions, and after how many words each runs its arguments, if it does."""

    def __init__(self, calls):
        self.names, self.bodies, self.skips = set(), {}, {}
        for call in calls:
            if call.function:
                self.names.add(call.function)
                self.bodies.setdefault(call.function, []).append(call)
        while self.learn():
            pass

    def learn(self):
        """True if one more function was found that runs its arguments."""
        before = len(self.skips)
        for name, body in self.bodies.items():
            shifts = 0
            for call in body:
                if call.argv[0] == "shift":
                    shifts += int(call.argv[1]) if call.argv[1:] and call.argv[1].isdigit() else 1
                for _, program in self.unwrap(call.argv, call.line):
                    rest = re.fullmatch(r'"\$(?:@|\{@:(\d+)\})"(\+\d+)?', program)
                    if rest:
                        skip = (int(rest[1]) - 1 if rest[1] else shifts) + int(rest[2] or 0)
                        self.skips.setdefault(name, skip)
        return len(self.skips) > before

    def after(self, argv, count):
        """argv without its first words; those that "$@" stands for are counted."""
        for n, word in enumerate(argv[:count]):
            if word == '"$@"':
                return [f'"$@"+{count - n}']
        return argv[count:]

    def wrapped(self, argv):
        """The command that argv[0], a program, runs; []: none."""
        name, rest = argv[0], argv[1:]
        if name == "ip":
            return self.after(rest, 3) if rest[:2] == ["netns", "exec"] else []
        if name == "find":
            marks = [n for n, word in enumerate(rest) if word in ("-exec", "-execdir", "-ok")]
            return rest[marks[0] + 1:] if marks else []
        if name not in WRAPPERS:
            return []
        valued, words = WRAPPERS[name]
        while rest and (rest[0].startswith("-") or name == "env" and ASSIGNMENT.match(rest[0])):
            rest = rest[2 if re.fullmatch(f"-[{valued or ' '}]", rest[0]) else 1:]
        return self.after(rest, words)

    def unwrap(self, argv, line):
        """(line, word) of each command that argv runs, the wrappers among them."""
        while argv:
            name = argv[0]
            yield line, name
            if name == "tar" and any(re.fullmatch(r"-?\w*J\w*", word) for word in argv[1:2]):
                yield line, "xz"
            if name in ("bash", "sh") or name in ("trap", "eval"):
                script = [word for n, word in enumerate(argv[1:], 1)
                          if re.fullmatch(r"-\w*c", argv[n - 1]) or name in ("trap", "eval") and n == 1]
                for call in of_shell(script[0], line) if script else []:
                    yield from self.unwrap(call.argv, call.line)
                return
            argv = self.after(argv[1:], self.skips[name]) if name in self.skips else self.wrapped(argv)

    def programs(self, call):
        """(line, name) of each program that a command runs, by that name."""
        if call.argv[:2] in (["command", "-v"], ["command", "-V"]):
            return
        for line, word in self.unwrap(call.argv, call.line):
            word = word.rpartition("/")[2] if re.match(r"/(usr/)?s?bin/", word) else word
            if re.fullmatch(r"[A-Za-z][\w.+-]*", word) and word not in self.names and word not in BUILTINS:
                yield line, word
