"""``python -m owaudit``."""

import os
import sys

# ``-m`` puts the working directory first on the search path. It may be a folder of a stranger's
# files, and a module there must not stand in for a library that is imported later.
if sys.path and sys.path[0] in ("", os.getcwd()):
    sys.path.append(sys.path.pop(0))

from owaudit.cli import main

if __name__ == "__main__":
    main(prog_name="owaudit")
