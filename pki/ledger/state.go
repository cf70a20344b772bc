package ledger

import (
	"fmt"
	"math/big"
	"time"
)

// State is what the lines of a ledger add up to.
type State struct {
	Head         string                  // hex SHA-256 of the last raw line with its newline
	Entries      int                     // lines read
	Organization string                  // as created
	Rehearsal    bool                    // as created
	Sequence     int                     // of the newest request; 0 before the first
	Authorities  map[string][]Generation // by authority, ascending
	Logs         map[string][]Generation // by log, ascending
	Apps         map[string][]Generation // by application, ascending
	Online       []Generation            // keys of snapshot and timestamp, ascending
	Requests     map[string]Request      // by digest
	Records      map[string]Record       // by digest of the request
	PublishedAt  time.Time               // when windows as published were last adopted, which nothing can change any more
	Serials      map[string]string       // lower-case hex serial → authority, withheld ones too
	Digests      map[string]string       // path → SHA-256 of every file spoken of
	CRLs         map[string][]CRL        // by issuer, in the order of their numbers
	Compromised  map[string]*Compromise  // by hex SHA-256 of the SPKI; the earliest
	Incidents    []Incident              // published without the ledger, and kept
	GivenUp      map[string]GivenUp      // by head
	Material     map[string][]Material   // by item, oldest first
	Torn         int                     // bytes of an incomplete last write, which do not count

	last    time.Time           // of the last line
	owners  map[string]string   // hex SHA-256 of an SPKI → "authority tsa", "log rekor", …
	issuers map[string][]string // of each serial number; an empty one withheld it
}

// Generation is one key of an authority, log or application and the window in
// which verifiers accept it.
//
// The window of an authority opens with its certificate's notBefore, that of a
// log with the recorded start. It closes when a cutover names the authority or
// log while a later generation is there, at the time of that cutover or with
// the certificate, whichever comes first; a compromise of its key, or of a key
// above it, closes it earlier, at the last second before the misuse.
// Applications have no start; a compromise or a retirement ends them.
type Generation struct {
	Number      int
	Certificate *Certificate // authorities
	Log         *Log         // logs
	App         *App         // applications
	Online      *Online      // keys of snapshot and timestamp
	Start       time.Time    // inclusive
	Added       time.Time    // when the ledger took it
	End         *time.Time   // inclusive; nil while open
	Compromised *Compromise  // of its key or of one above it, the earliest; nil when there is none
	Left        bool         // takes no part in trusted_root.json: nothing that it signed may verify
	Standby     bool         // a root that nobody trusts yet
	Retired     *Ended       // nil while in use
	Destroyed   *Ended       // nil while the token holds the key
	Adopted     bool         // in the trusted root that was in use before this ledger: verifiers have it

	replaced bool // a cutover closed it
	issuer   int  // generation of its issuer; 0 for a root
}

// Key returns the hex SHA-256 of the generation's SPKI.
func (g *Generation) Key() string {
	switch {
	case g.Certificate != nil:
		return g.Certificate.SPKISHA256
	case g.Log != nil:
		return g.Log.LogID
	case g.Online != nil:
		return g.Online.SPKISHA256
	default:
		return g.App.SPKISHA256
	}
}

// Live reports whether something may still be issued, signed or served with
// the generation: it is trusted, its key and those above are not compromised,
// and it was not retired.
func (g *Generation) Live() bool {
	return g.Compromised == nil && !g.Standby && g.Retired == nil && g.Destroyed == nil
}

// Condition says in a word or two why nothing may be made with a generation;
// it is empty while something may.
func (g *Generation) Condition() string {
	switch {
	case g.Compromised != nil:
		said := "COMPROMISED since " + g.Compromised.Since.UTC().Format(time.RFC3339)
		if g.Destroyed != nil {
			said += ", destroyed"
		}
		return said
	case g.Destroyed != nil:
		return "destroyed"
	case g.Retired != nil:
		return "retired"
	case g.Standby:
		return "stands by"
	}
	return ""
}

// Newest returns the last generation, or nil when there is none.
func Newest(generations []Generation) *Generation {
	if len(generations) == 0 {
		return nil
	}
	return &generations[len(generations)-1]
}

// SerialHex writes a serial number as the ledger does: lower-case hex without
// leading zeros.
func SerialHex(serial *big.Int) string { return serial.Text(16) }

// CheckSerial fails when the ledger knows the serial number already: issued or
// withheld, it is never used again.
func (s *State) CheckSerial(serial *big.Int) error {
	if owner, known := s.Serials[SerialHex(serial)]; known {
		return fmt.Errorf("serial %s was signed before, for %s", SerialHex(serial), owner)
	}
	return nil
}

func newState() *State {
	return &State{
		Authorities: map[string][]Generation{},
		Logs:        map[string][]Generation{},
		Apps:        map[string][]Generation{},
		Requests:    map[string]Request{},
		Records:     map[string]Record{},
		Serials:     map[string]string{},
		issuers:     map[string][]string{},
		Digests:     map[string]string{},
		CRLs:        map[string][]CRL{},
		Compromised: map[string]*Compromise{},
		GivenUp:     map[string]GivenUp{},
		Material:    map[string][]Material{},
		owners:      map[string]string{},
	}
}
