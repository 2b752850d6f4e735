"""Bring the catalogs in line with the sources: ``python -m entrepot_web.translations``.

New texts appear in the ``.po`` files without a translation, those that are gone leave
them, and the compiled ``.mo`` files follow. Says what is still untranslated.
"""

from __future__ import annotations

import sys

from entrepot_web.translations import catalog


def main() -> int:
    """Renew all catalogs; returns how many texts lack a translation, at most 100."""
    texts = catalog.extract()
    missing = 0
    for code in catalog.translated():
        known = catalog.load(code)
        catalog.merge(known, texts)
        catalog.save(code, known)
        lacking = catalog.untranslated(known)
        missing += len(lacking)
        for text in lacking:
            sys.stdout.write(f"{code}: {text!r}\n")
    sys.stdout.write(f"{len(texts)} texts, {missing} without translation\n")
    return min(missing, 100)


if __name__ == "__main__":
    sys.exit(main())
