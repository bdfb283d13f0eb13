"""Licenses by their SPDX identifiers, as STAC wants them."""

from __future__ import annotations

import re

_IDS = """
0BSD AAL AFL-3.0 AGPL-3.0-only AGPL-3.0-or-later Apache-1.1 Apache-2.0 APSL-2.0 Artistic-1.0 Artistic-2.0 BlueOak-1.0.0
BSD-1-Clause BSD-2-Clause BSD-2-Clause-Patent BSD-3-Clause BSD-3-Clause-Clear BSD-3-Clause-LBNL BSD-4-Clause BSL-1.0
BUSL-1.1 CAL-1.0 CC-BY-1.0 CC-BY-2.0 CC-BY-2.5 CC-BY-3.0 CC-BY-3.0-IGO CC-BY-4.0 CC-BY-NC-2.0 CC-BY-NC-3.0 CC-BY-NC-4.0
CC-BY-NC-ND-3.0 CC-BY-NC-ND-4.0 CC-BY-NC-SA-2.0 CC-BY-NC-SA-3.0 CC-BY-NC-SA-4.0 CC-BY-ND-3.0 CC-BY-ND-4.0 CC-BY-SA-2.0
CC-BY-SA-3.0 CC-BY-SA-4.0 CC-PDDC CC0-1.0 CDDL-1.0 CDDL-1.1 CDLA-Permissive-1.0 CDLA-Permissive-2.0 CDLA-Sharing-1.0
CECILL-2.1 CECILL-B CECILL-C CERN-OHL-P-2.0 CERN-OHL-S-2.0 CERN-OHL-W-2.0 CPAL-1.0 CPL-1.0 D-FSL-1.0 DL-DE-BY-2.0
DL-DE-ZERO-2.0 ECL-2.0 EFL-2.0 Elastic-2.0 EPL-1.0 EPL-2.0 etalab-2.0 EUPL-1.1 EUPL-1.2 Fair FSFAP FTL GFDL-1.2-only
GFDL-1.2-or-later GFDL-1.3-only GFDL-1.3-or-later GPL-1.0-only GPL-1.0-or-later GPL-2.0-only GPL-2.0-or-later
GPL-3.0-only GPL-3.0-or-later HPND ICU IJG Intel IPL-1.0 ISC JSON LGPL-2.0-only LGPL-2.0-or-later LGPL-2.1-only
LGPL-2.1-or-later LGPL-3.0-only LGPL-3.0-or-later libpng-2.0 LPPL-1.3c MIT MIT-0 MIT-CMU MPL-1.1 MPL-2.0 MS-PL MS-RL
MulanPSL-2.0 NASA-1.3 NCSA NIST-PD NLOD-2.0 NPOSL-3.0 O-UDA-1.0 ODbL-1.0 ODC-By-1.0 OFL-1.1 OGL-Canada-2.0 OGL-UK-1.0
OGL-UK-2.0 OGL-UK-3.0 OLDAP-2.8 OpenSSL OSL-3.0 PDDL-1.0 PHP-3.01 PostgreSQL PSF-2.0 Python-2.0 QPL-1.0 Ruby
Sleepycat SSPL-1.0 SISSL TAPR-OHL-1.0 UCL-1.0 Unicode-DFS-2016 Unlicense UPL-1.0 Vim W3C WTFPL X11 Xnet Zend-2.0 Zlib
ZPL-2.1
""".split()

_ALIASES = {
    "apache": "Apache-2.0",
    "apache 2": "Apache-2.0",
    "apache2": "Apache-2.0",
    "bsd": "BSD-3-Clause",
    "bsd 2 clause": "BSD-2-Clause",
    "bsd 3 clause": "BSD-3-Clause",
    "boost software": "BSL-1.0",
    "cc by": "CC-BY-4.0",
    "cc by sa": "CC-BY-SA-4.0",
    "cc by nc": "CC-BY-NC-4.0",
    "cc0": "CC0-1.0",
    "cc0 1": "CC0-1.0",
    "creative commons zero v1.0 universal": "CC0-1.0",
    "creative commons attribution 4.0 international": "CC-BY-4.0",
    "creative commons attribution share alike 4.0 international": "CC-BY-SA-4.0",
    "eclipse public 2.0": "EPL-2.0",
    "mozilla public 2.0": "MPL-2.0",
    "odbl": "ODbL-1.0",
    "the unlicense": "Unlicense",
    **{f"{kind} {number}": f"{kind.upper()}-{number}.0-only" for kind in ("agpl", "gpl", "lgpl") for number in (2, 3)},
    **{f"{kind}v{number}": f"{kind.upper()}-{number}.0-only" for kind in ("agpl", "gpl", "lgpl") for number in (2, 3)},
    **{f"gnu general public v{number}.0": f"GPL-{number}.0-only" for number in (2, 3)},
    "gnu affero general public v3.0": "AGPL-3.0-only",
    "gnu lesser general public v2.1": "LGPL-2.1-only",
    "gnu lesser general public v3.0": "LGPL-3.0-only",
}

_BY_LOWER = {each.lower(): each for each in _IDS}
OTHER = "other"
"""What STAC calls a license without an SPDX identifier."""


def spdx(text: str) -> str | None:
    """Return the SPDX identifier that a license is called by, however it is written; None for one that has none."""
    lower = " ".join(text.lower().split())
    if lower in _BY_LOWER:
        return _BY_LOWER[lower]
    # GPL-3.0 and GPL-3.0+ are what SPDX called these before.
    older = re.fullmatch(r"((?:a|l)?gpl|gfdl)-(\d\.\d)(\+?)", lower)
    if older and (found := _BY_LOWER.get(f"{older[1]}-{older[2]}-{'or-later' if older[3] else 'only'}")):
        return found
    words = re.sub(r"\b(?:the|licen[cs]e|version)\b|[\"(),]", " ", lower.replace("-", " "))
    plain = " ".join(words.split())
    return _BY_LOWER.get(plain.replace(" ", "-")) or _ALIASES.get(plain)
