#!/usr/bin/env python3
"""Each collective of compiled programs dropped, doubled, moved to other axes or to
another place: the compiler names it, each time. And as they are they pass.

Mutants are made of the text of rank programs, planned anew, and go through the checks and
the lowering that a compilation has.
"""

import pathlib
import re

from harness import BUILD, SOURCE, check, execute, must, start

CHECKS = ["--pp-verify-communication", "--comm-verify-distribution", "--pp-plan-memory",
          "--pp-verify-memory", "--pp-lower-programs"]
START = re.compile(r"^ *(?P<buffer>%\w+), (?P<token>%\w+) = pp\.start (?P<kind>\w+) "
                   r"(?P<operand>%[\w#]+) over (?P<axes>\[[^\]]*\]) "
                   r'value\("(?P<value>[^"]*)"\).* : (?P<type>tensor\S+) -> (?P<result>\S+)$')
MODEL = SOURCE / "test/Tools/pp-compile/Inputs/small.mlir"
SETTINGS = [
    "ranks=2 replicas=2 microbatches=2",
    "ranks=2 replicas=2 microbatches=2 zero=0",
    "ranks=2 replicas=2 microbatches=4 groups=4 schedule=zb-h1",
    "ranks=1 replicas=2 microbatches=3 precision=bf16",
    "ranks=2 replicas=2 microbatches=8 schedule=1f1b recompute=full",
]


class Program:
    """The lines of a module and what its collectives are."""

    def __init__(self, text):
        self.lines = text.splitlines()
        self.starts = [(i, match.groupdict()) for i, line in enumerate(self.lines)
                       if (match := START.match(line))]

    def line_of(self, begin, pattern):
        """The next line that the pattern is found in."""
        for i in range(begin, len(self.lines)):
            if re.search(pattern, self.lines[i]):
                return i
            if self.lines[i] == "  }":
                break
        return None

    def finish_of(self, place, start):
        return self.line_of(place, rf"= pp\.finish {start['token']},")

    def end_of(self, place):
        return next(i for i in range(place, len(self.lines)) if self.lines[i] == "  }")

    def substitute(self, lines, begin, old, new):
        """Uses of a value from a line on, to the end of its program."""
        for i in range(begin, self.end_of(begin)):
            lines[i] = re.sub(rf"{old}(?!\w)", new, lines[i])


def mutants(program):
    """Of each collective: what was done to it, and the module."""
    is_bf16 = any("xbf16>" in line for line in program.lines)
    pipes = sum("  pp.program " in line and "evaluates" not in line for line in program.lines)
    for place, start in program.starts:
        finish = program.finish_of(place, start)
        result = re.match(r" *(%\w+) =", program.lines[finish])[1]
        name = f"{start['kind']} of '{start['value']}'"

        def edited(edit):
            lines = list(program.lines)
            edit(lines)
            return "\n".join(line for line in lines if line is not None) + "\n"

        def drop(lines):
            lines[place] = None
            store = program.line_of(finish, rf"pp\.store_parameter @\S+, {result} ")
            if store:
                lines[store] = lines[finish] = None
            elif start["type"] == start["result"]:
                lines[finish] = None
                program.substitute(lines, finish + 1, result, start["operand"])
            else:
                # Something of that type stands in its place: a piece of a parameter, or
                # the gradient of this replica alone.
                parameter = start["value"].removesuffix(".sum")
                parameter = re.sub(r"\.grad\.\d+$", "", parameter)
                op = "load_gradient" if parameter != start["value"] and \
                    start["kind"] == "all_gather" else "load_piece"
                use = " use(0)" if op == "load_gradient" else ""
                lines[finish] = f"    {result} = pp.{op} @{parameter}{use} : {start['result']}"

        def double(lines):
            again = f"%again{place}"
            program.substitute(lines, finish + 1, result, again)
            kind = start["result"]
            lines[finish] += (
                f'\n    %b{place}, %t{place} = pp.start all_reduce {result} over '
                f'{start["axes"]} value("again") : {kind} -> {kind}'
                f"\n    {again} = pp.finish %t{place}, {result}, %b{place} : {kind} -> {kind}")

        def move(axes):
            def edit(lines):
                lines[place] = lines[place].replace(f"over {start['axes']}", f"over {axes}")
            return edit

        # What would stand in the place of a sum of f32 has another type.
        if not is_bf16 or start["kind"] != "reduce_scatter":
            yield f"dropped: {name}", edited(drop)
        if "bf16" not in start["result"]:  # sums are of f32
            yield f"doubled: {name}", edited(double)
        # Over one pipe coordinate and the replicas it is the same collective.
        for axes in ('["pipe"]', '["tensor"]', '["pipe", "data"]')[:3 if pipes > 1 else 2]:
            yield f"moved to {axes}: {name}", edited(move(axes))

        if start["kind"] == "reduce_scatter":
            # Before the last action that adds to the gradient.
            run = max((i for i in range(place) if " = pp.run " in program.lines[i]
                       or " pp.run " in program.lines[i]), default=None)
            load = program.line_of(run, rf"{start['operand']} = pp\.load_gradient")
            if load:
                def early(lines):
                    moved = [lines[load], lines[place]]
                    lines[load] = lines[place] = None
                    lines[run] = "\n".join([*moved, lines[run]])
                yield f"started before the last backward: {name}", edited(early)
        elif store := program.line_of(finish, rf"pp\.store_parameter @\S+, {result} "):
            # Behind the first action that reads the parameter.
            run = program.line_of(finish, r"pp\.run ")

            def late(lines):
                moved = [lines[finish], lines[store]]
                lines[finish] = lines[store] = None
                lines[run] = "\n".join([lines[run], *moved])
            yield f"finished behind a forward: {name}", edited(late)


def check_mutants():
    count, missed = 0, []
    for number, setting in enumerate(SETTINGS):
        text = must(execute([BUILD / "bin/pp-opt", MODEL, f"--pp-to-memory={setting}"]))
        path = pathlib.Path("mutant.mlir")
        path.write_text(text)
        must(execute([BUILD / "bin/pp-opt", path, *CHECKS, "-o", "/dev/null"]))
        program = Program(text)
        check(len(program.starts) >= 6, f"{setting}: {len(program.starts)} collectives")
        for what, mutant in mutants(program):
            path.write_text(mutant)
            result = execute([BUILD / "bin/pp-opt", path, *CHECKS, "-o", "/dev/null",
                              "--mlir-print-op-on-diagnostic=false"])
            count += 1
            error = re.search(r"error: .*", result.stderr)
            print(f"{setting}: {what}: {error[0][:150] if error else 'NOTHING'}", flush=True)
            if result.returncode == 0 or not error:
                missed.append(f"{setting}: {what}")
    print(f"{count} mutants")
    check(not missed, "not named: " + "; ".join(missed))


def main():
    start()
    check_mutants()


main()
