"""--assume and --lambda: what the user decides of what the file leaves open (FORMAT.md, `choices`).

The engine knows which choices there are and what they mean; here only their form is checked.
"""

from typing import Dict, List, Optional

from .errors import UsageError, quoted, require_unicode

LAMBDA = "lambda:"


def collect(assumed: Optional[List[str]], lambdas: Optional[List[str]]) -> Dict[str, str]:
    """The choices by id, in code-point order, from the arguments ID=VALUE of --assume and NAME=EXPRESSION of --lambda."""
    chosen: Dict[str, str] = {}
    for option, prefix, form, arguments in (("--assume", "", "ID=VALUE", assumed), ("--lambda", LAMBDA, "NAME=EXPRESSION", lambdas)):
        for argument in arguments or []:
            require_unicode(argument, option)
            name, _, value = argument.partition("=")
            name, value = name.strip(), value.strip()
            if not name or not value or not argument.isprintable():
                raise UsageError(option, form, quoted(argument))
            if prefix + name in chosen:
                raise UsageError(option, "one value for each choice", f"{quoted(name)} twice")
            chosen[prefix + name] = value
    return dict(sorted(chosen.items()))
