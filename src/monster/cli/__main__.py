"""`python -m monster.cli` is `monster`."""

from monster.cli.main import main

main()
