"""Numbers in sentences."""


def counted(number: int, noun: str) -> str:
    """So many of something: "1 record", "2 records"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
