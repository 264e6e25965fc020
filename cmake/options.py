#!/usr/bin/env python3
"""Makes what include/pp/Pipelines/Options.td says in C++ and in words.

    llvm-tblgen --dump-json Options.td | options.py WHAT

WHAT is `fields`, `pipelines` (their options, checks and text), `fields-driver`,
`read` (statements that read the values of pp-compile) or `docs`. It goes to
standard output.
"""

import json
import sys
import textwrap


class Option:
    """A row of the table; fields of its setting are members."""

    def __init__(self, table, name):
        record = table[name]
        setting = table[record["Value"]["def"]]
        self.id = name
        self.line = [int(place.split(":")[1]) for place in record["!locs"]]
        self.text, self.pipeline = record["Text"], record["PipelineName"]
        self.needs = record["Needs"]
        self.field, self.type = setting["Field"], setting["Type"]
        self.initial, self.kind = setting["Initial"], setting["Kind"]
        self.what, self.lowest = setting["What"], setting["Lowest"]
        self.highest, self.highest_of_pipelines = setting["Highest"], setting["HighestOfPipelines"]
        self.allowed, self.allowed_from = setting["Allowed"], setting["AllowedFrom"]
        # As it is written for pp-compile; empty for what only pipelines have.
        self.spelling = (record["Prefixes"][0] + record["Name"]) if "Prefixes" in record else ""
        self.meta = record.get("MetaVarName") or ""

    def place(self):
        """The field in CompileOptions."""
        return "options." + ("pipeline." if self.pipeline else "") + self.field


def plain(text):
    """What code knows, by the word for it."""
    for placeholder, word in (("{schedules}", "a schedule's name"), ("{targets}", "a target"),
                              ("{semantics}", "semantics"), ("{chip}", "the usual chip")):
        text = text.replace(placeholder, word)
    return text


def literal(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def names(option):
    return "{" + ", ".join(map(literal, option.allowed)) + "}"


def fields(options):
    for option in options:
        print("\n".join(textwrap.wrap(plain(option.text), 76, initial_indent="/// ",
                                      subsequent_indent="/// ")))
        print(f"{option.type} {option.field} = {option.initial};")


def pipelines(options):
    """Of the text `name=value ...`: declarations, and from and to PipelineOptions."""
    print("struct Declared : mlir::PassPipelineOptions<Declared> {")
    for option in options:
        text = f"llvm::cl::desc(describe({literal(option.text)}))"
        print(f"  Option<{option.type}> {option.field}{{*this, {literal(option.pipeline)}, {text},")
        print(f"      llvm::cl::init({option.type}({option.initial}))}};")
    print("};")
    print("static PipelineOptions valuesOf(const Declared &declared) {\n  PipelineOptions options;")
    for option in options:
        print(f"  options.{option.field} = declared.{option.field};")
    print("  return options;\n}")
    print("static LogicalResult checkValues(const PipelineOptions &options) {\n  return success(")
    checks = []
    for option in options:
        if option.kind == "count":
            checks.append(f"succeeded(checkNumber({literal(option.pipeline)}, "
                          f"options.{option.field}, 0, {option.highest_of_pipelines}))")
        elif option.allowed:
            checks.append(f"succeeded(checkName({literal(option.pipeline)}, "
                          f"options.{option.field}, {option.initial}, {names(option)}))")
    print(" &&\n      ".join(checks) + ");\n}")
    print("std::string pp::toText(const PipelineOptions &options) {\n"
          "  const PipelineOptions initial;\n  std::string text;")
    for option in options:
        print(f"  if (options.{option.field} != initial.{option.field})")
        print(f"    addText(text, {literal(option.pipeline)}, options.{option.field});")
    print("  return text;\n}")


def read(options):
    for option in options:
        arg = f"args.getLastArg(OPT_{option.id})"
        if option.kind == "flag":
            print(f"{option.place()} = args.hasArg(OPT_{option.id});")
        elif option.kind == "count":
            print(f"readCount({arg}, {option.place()}, {literal(option.what)}, "
                  f"{option.lowest}, {option.highest}, check);")
        elif option.kind == "choice":
            allowed = option.allowed_from or names(option)
            print(f"readName({arg}, {option.place()}, {allowed}, check);")
        elif option.kind == "bytes":
            print(f"readBytes({arg}, {option.place()}, check);")
        elif option.kind == "text":
            print(f"readText({arg}, {option.place()});")
        if option.needs:
            print(f"needTarget({arg}, {literal(option.needs)}, args, options, check);")


def docs(options):
    print("""# Options of the compiler

Those of pp-compile, and of the pipelines `--pp-to-plan`, `--pp-to-rank`, `--pp-to-memory` and `--pp-to-llvm` of pp-opt (`name=value ...`), which have the same fields.
`pp-compile --print-pipeline` prints the latter for the former. Schedules are those of [Schedules.md](Schedules.md). Options of compiled programs are in
[Runtime.md](Runtime.md).

| pp-compile | pipelines | values | at first | |
|---|---|---|---|---|""")
    for option in options:
        values = ", ".join(f"`{name}`" for name in option.allowed)
        if option.kind == "count":
            values = f"{option.lowest} to {option.highest}"
        elif option.kind == "flag":
            values = ""
        initial = option.initial.strip('"')
        shown = "" if option.kind in ("flag", "") or initial in ("", "0") else f"`{initial}`"
        spelling = f"`{option.spelling}{option.meta}`" if option.spelling else ""
        pipeline = f"`{option.pipeline}`" if option.pipeline else ""
        text = plain(option.text).replace("|", "\\|")
        print(f"| {spelling} | {pipeline} | {values or ('N' if option.kind == 'count' else '')} "
              f"| {shown} | {text} |")


def main():
    table = json.load(sys.stdin)
    options = sorted((Option(table, name) for name in table["!instanceof"]["Option_"]),
                     key=lambda option: option.line[-1])
    of_pipelines = [option for option in options if option.pipeline]
    of_driver = [option for option in options if not option.pipeline and option.field]
    {"fields": lambda: fields(of_pipelines),
     "pipelines": lambda: pipelines(of_pipelines),
     "fields-driver": lambda: fields(of_driver),
     "read": lambda: read([option for option in options if option.spelling]),
     "docs": lambda: docs(options)}[sys.argv[1]]()


if __name__ == "__main__":
    main()
