"""The web edition of the course: python -m helpers.site [folder]"""

import sys

from .build import main

sys.exit(main(sys.argv[1:]))
