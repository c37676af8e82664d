"""The one kind of error that a user of the converter sees."""

MAX_SHOWN = 120


class ConvertError(Exception):
    """Something is wrong with an input or the output. Says where, what was expected, what was found, what to do."""

    exit_code = 1

    def __init__(self, where, expected, actual, hint=""):
        super().__init__(where, expected, actual, hint)
        self.where = where
        self.expected = expected
        self.actual = actual
        self.hint = hint

    def __str__(self):
        message = f"{printable(self.where)}: expected {self.expected}, found {self.actual}."
        return f"{message} {self.hint}" if self.hint else message


class UsageError(ConvertError):
    """The options do not fit together, or do not fit the file."""

    exit_code = 2


def printable(text: str) -> str:
    """`text` with everything escaped that could move the cursor, hide, or fail to print (names come from files)."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode("ascii") for c in text)


def quoted(text: str) -> str:
    """`text` in quotes for a message: escaped, and shortened where it is very long."""
    if len(text) > MAX_SHOWN:
        return f'"{printable(text[:MAX_SHOWN])}…" ({len(text):,} characters)'
    return f'"{printable(text)}"'


def grouped(count: int, singular: str, plural: str = "") -> str:
    """`1 layer`, `12,345 layers`."""
    return f"{count:,} {singular if count == 1 else plural or singular + 's'}"


def reason(error: OSError) -> str:
    """What the operating system says, as part of a sentence."""
    text = error.strerror or str(error)
    return text[:1].lower() + text[1:]


def described(value) -> str:
    """What a JSON value is, for messages."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f"the string {quoted(value)}"
    if isinstance(value, (int, float)):
        return f"the number {value}" if abs(value) < 1e300 else "a number too large"
    return "a list" if isinstance(value, list) else "an object"


def require_unicode(text: str, where: str) -> None:
    """Refuses a command-line argument that was not text in the terminal's encoding (Python keeps such bytes as surrogates)."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise ConvertError(where, "Unicode text", f"an undecodable byte at character {error.start}") from None
