// Package trustroot embeds the manual of the day and the pages for holders and
// witnesses. It holds no logic and imports nothing of the project.
package trustroot

import _ "embed" // the pages

// Manual is CEREMONY.md.
//
//go:embed CEREMONY.md
var Manual []byte

// HolderPage is docs/holder.md, which travels with an invitation.
//
//go:embed docs/holder.md
var HolderPage []byte

// WitnessPage is docs/witness.md, which travels with a request.
//
//go:embed docs/witness.md
var WitnessPage []byte

// SessionScript is scripts/ceremony-session, which records a day's terminal.
//
//go:embed scripts/ceremony-session
var SessionScript []byte
