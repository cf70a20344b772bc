package ledger

import "time"

// State is what the lines of a ledger add up to.
type State struct {
	Head         string                  // hex SHA-256 of the last raw line with its newline
	Entries      int                     // lines read
	Organization string                  // as created
	Rehearsal    bool                    // as created
	Sequence     int                     // of the newest request; 0 before the first
	Authorities  map[string][]Generation // by authority, ascending
	Logs         map[string][]Generation // by log, ascending
	Serials      map[string]string       // lower-case hex serial → authority, withheld ones too
	Digests      map[string]string       // path → SHA-256 of every file spoken of
}

// Generation is one key of an authority or log and the window in which
// verifiers accept it.
type Generation struct {
	Number      int
	Certificate *Certificate // authorities
	Log         *Log         // logs
	Start       time.Time    // inclusive
	End         *time.Time   // inclusive; nil while open
}
