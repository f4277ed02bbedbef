"""`python -m tiphys.step module:function --name=value …`."""

import sys

from tiphys.step.entry import main

sys.exit(main(sys.argv[1:]))
