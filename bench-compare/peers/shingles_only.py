"""No peer: reads the texts and makes the shingles, and stops. What the peers in Python take beyond this is theirs."""

import shingling

options = shingling.arguments()
sets = [shingling.shingles(text) for _, text in shingling.documents(options.input)]
shingling.write_flagged(options.output, [])
