"""``python -m owaudit``."""

from owaudit.cli import main

if __name__ == "__main__":
    main(prog_name="owaudit")
