// Package trustroot embeds the manual of the day. It holds no logic and imports
// nothing of the project.
package trustroot

import _ "embed" // the manual

// Manual is CEREMONY.md.
//
//go:embed CEREMONY.md
var Manual []byte
