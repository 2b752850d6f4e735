"""``python -m entrepot.cli``: how the supervisor starts its processes."""

from entrepot.cli.main import main

if __name__ == "__main__":
    main()
