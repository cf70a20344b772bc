package ledger

import (
	"fmt"
	"strings"
	"time"
)

// Entry is one line of the ledger, in the bytes that encoding/json writes
// without escaping HTML. Exactly one of the pointers is set, and Type names it.
// Who appends an entry sets that pointer alone.
type Entry struct {
	Seq  int       `json:"seq"`  // 1, 2, 3, …
	Prev string    `json:"prev"` // hex SHA-256 of the previous raw line with its newline; 64 zeros in the first
	Time time.Time `json:"time"` // UTC, seconds
	Type string    `json:"type"`

	Created     *Created     `json:"created,omitempty"`
	Request     *Request     `json:"request,omitempty"`
	Certificate *Certificate `json:"certificate,omitempty"`
	Withheld    *Withheld    `json:"withheld,omitempty"`
	Log         *Log         `json:"log,omitempty"`
	App         *App         `json:"app,omitempty"`
	Online      *Online      `json:"online,omitempty"`
	Cutover     *Cutover     `json:"cutover,omitempty"`
	Compromise  *Compromise  `json:"compromise,omitempty"`
	Record      *Record      `json:"record,omitempty"`
	CRL         *CRL         `json:"crl,omitempty"`
	Promote     *Promote     `json:"promote,omitempty"`
	Ended       *Ended       `json:"ended,omitempty"`
	Incident    *Incident    `json:"incident,omitempty"`
	GivenUp     *GivenUp     `json:"given_up,omitempty"`
	Material    *Material    `json:"material,omitempty"`

	// Source says where a line of an adopted hierarchy was learned from, and By
	// who said so. Lines without it were made here.
	Source string `json:"source,omitempty"`
	By     string `json:"by,omitempty"`

	More int    `json:"more,omitempty"` // lines of the same write that follow: they count together or not at all
	Sum  string `json:"sum"`            // hex SHA-256 of this line with an empty sum and without its newline
}

// Sources of what was adopted.
const (
	Observed  = "observed"  // read from a certificate, a key or a token
	Published = "published" // as the trusted root in use has it
	Told      = "told"      // an answer of the person in By
)

// Created opens a ledger.
type Created struct {
	Organization string `json:"organization"`
	Rehearsal    bool   `json:"rehearsal,omitempty"`
}

// Request is a request that left the admin host.
type Request struct {
	Sequence int    `json:"sequence"` // from 1, each larger than the one before
	Ceremony string `json:"ceremony"`
	Digest   string `json:"digest"` // hex SHA-256 of the request's SHA256SUMS
}

// Certificate is a certificate that a ceremony issued and that was accepted.
type Certificate struct {
	Authority  string `json:"authority"`
	Generation int    `json:"generation"`
	Profile    string `json:"profile"`
	Serial     string `json:"serial"`      // lower-case hex
	SPKISHA256 string `json:"spki_sha256"` // hex
	Issuer     string `json:"issuer"`      // authority name; the root names itself
	// IssuerGeneration is the issuer's generation. Lines without it were issued
	// by the newest that the ledger then had, one that stands by aside.
	IssuerGeneration int `json:"issuer_generation,omitempty"`
	// Standby marks a root that nobody trusts until a promote line names it.
	Standby   bool      `json:"standby,omitempty"`
	NotBefore time.Time `json:"not_before"`
	NotAfter  time.Time `json:"not_after"`
	File      File      `json:"file"`  // certificate.pem
	Chain     File      `json:"chain"` // chain.pem, leaf-first, root last
	// URL is where the service answered by the plan of that day, so that a plan
	// that names another later changes no past entry. Lines without it are read
	// with the plan's.
	URL      string `json:"url,omitempty"`
	Ceremony string `json:"ceremony,omitempty"`
}

// Withheld is a serial that was signed and never left.
type Withheld struct {
	Authority string `json:"authority"`
	Serial    string `json:"serial"`
	Reason    string `json:"reason"`
}

// Log is one generation of a log's checkpoint key.
type Log struct {
	Name       string    `json:"name"`
	Generation int       `json:"generation"`
	Kind       string    `json:"kind"`
	Origin     string    `json:"origin"`
	URL        string    `json:"url"`
	LogID      string    `json:"log_id"` // hex SHA-256 of the SPKI
	Start      time.Time `json:"start"`
	File       File      `json:"file"` // key.pem
}

// App is one generation of an application's signing key.
type App struct {
	Name       string `json:"name"`
	Generation int    `json:"generation"`
	SPKISHA256 string `json:"spki_sha256"`
	File       File   `json:"file"`
}

// OnlineKey is the name of the key of snapshot and timestamp.
const OnlineKey = "tuf-online"

// Online is one generation of the TUF repository's online key. It begins, and
// the one before it ends, when a root is first staged with it in the plan.
type Online struct {
	Generation int    `json:"generation"`
	SPKISHA256 string `json:"spki_sha256"` // hex
}

// Cutover closes the windows of earlier generations: At is when the running
// services were seen to use the newer one.
type Cutover struct {
	Names       []string  `json:"names"`
	At          time.Time `json:"at"`
	Urgent      bool      `json:"urgent,omitempty"`      // before every verifier must have fetched the new generation
	Unpublished string    `json:"unpublished,omitempty"` // why it was not published, or not in every place
}

// Compromise is of a key: of the one that a generation holds, or of Key where
// the ledger holds no generation of it (a TUF holder's, the online key). It
// closes every generation of that key, and every certificate under it, at the
// last second before Since.
type Compromise struct {
	Name       string    `json:"name"`
	Generation int       `json:"generation"`    // 0 with Key
	Key        string    `json:"key,omitempty"` // hex SHA-256 of the SPKI
	Since      time.Time `json:"since"`         // first instant of misuse
	Reason     string    `json:"reason"`
	// Leaves takes the key's entries out of trusted_root.json, with everything
	// that rests on them: for keys whose dates can be forged backwards.
	Leaves bool `json:"leaves,omitempty"`
}

// CRL is a list of revoked certificates that a ceremony issued.
type CRL struct {
	Issuer     string    `json:"issuer"` // authority
	Generation int       `json:"generation"`
	Number     int64     `json:"number"` // growing for each key of an issuer
	ThisUpdate time.Time `json:"this_update"`
	NextUpdate time.Time `json:"next_update"`
	Revoked    []string  `json:"revoked,omitempty"` // serials, ascending
	File       File      `json:"file"`
	Ceremony   string    `json:"ceremony"`
}

// Promote has verifiers trust a standby root.
type Promote struct {
	Name       string `json:"name"`
	Generation int    `json:"generation"`
}

// What can end.
const (
	EndRetired   = "retired"   // is used no more; what it signed stays valid
	EndDestroyed = "destroyed" // the token's key is gone
)

// Ended is the end of one generation that nothing replaces.
type Ended struct {
	Name       string    `json:"name"`
	Generation int       `json:"generation"`
	What       string    `json:"what"`
	At         time.Time `json:"at"`
	Ceremony   string    `json:"ceremony,omitempty"` // in which a token's key was destroyed
	// Checkpoint is the last one of a log that is retired: what its key signs
	// beyond it is a forgery, however old it says it is.
	Checkpoint *File `json:"checkpoint,omitempty"`
}

// Incident is what was published and stood in no ledger, and stays: people
// signed it, and bundles may rest on it.
type Incident struct {
	File   File   `json:"file"` // a trusted_root.json of those entries
	Reason string `json:"reason"`
}

// GivenUp is a head of a line that this ledger does not have and that nobody
// looks for any more: of a branch or a request that was discarded.
type GivenUp struct {
	Head   string `json:"head"` // hex SHA-256
	Of     string `json:"of"`   // what carried it: a folder of the trust directory, or "paper"
	Reason string `json:"reason"`
}

// Record is a ceremony's record that was accepted.
type Record struct {
	Ceremony string `json:"ceremony"`
	File     File   `json:"file"`    // the record's SHA256SUMS
	Request  string `json:"request"` // digest of the request that it answers
}

// File names a file of the trust directory and its content.
type File struct {
	Path   string `json:"path"` // slash-separated, relative to the trust directory
	SHA256 string `json:"sha256"`
}

// Summary says in one line what an entry records.
func (e Entry) Summary() string {
	switch {
	case e.Created != nil:
		return e.Created.Organization
	case e.Request != nil:
		return fmt.Sprintf("request %d for ceremony %s", e.Request.Sequence, e.Request.Ceremony)
	case e.Certificate != nil:
		c := e.Certificate
		return fmt.Sprintf("%s g%d, serial %s, until %s", c.Authority, c.Generation, c.Serial, c.NotAfter.Format(time.DateOnly))
	case e.Withheld != nil:
		return fmt.Sprintf("%s, serial %s, never left: %s", e.Withheld.Authority, e.Withheld.Serial, e.Withheld.Reason)
	case e.Log != nil:
		return fmt.Sprintf("%s g%d, origin %s, from %s", e.Log.Name, e.Log.Generation, e.Log.Origin, e.Log.Start.Format(time.DateOnly))
	case e.App != nil:
		return fmt.Sprintf("%s g%d", e.App.Name, e.App.Generation)
	case e.Online != nil:
		return fmt.Sprintf("%s g%d", OnlineKey, e.Online.Generation)
	case e.Cutover != nil:
		return fmt.Sprintf("%s at %s", strings.Join(e.Cutover.Names, ", "), e.Cutover.At.Format(time.RFC3339))
	case e.Compromise != nil:
		return fmt.Sprintf("%s g%d since %s: %s", e.Compromise.Name, e.Compromise.Generation, e.Compromise.Since.Format(time.RFC3339), e.Compromise.Reason)
	case e.CRL != nil:
		return fmt.Sprintf("CRL %d of %s g%d, %d revoked, next by %s", e.CRL.Number, e.CRL.Issuer, e.CRL.Generation, len(e.CRL.Revoked), e.CRL.NextUpdate.Format(time.DateOnly))
	case e.Promote != nil:
		return fmt.Sprintf("%s g%d is trusted from now on", e.Promote.Name, e.Promote.Generation)
	case e.Ended != nil:
		return fmt.Sprintf("%s g%d %s at %s", e.Ended.Name, e.Ended.Generation, e.Ended.What, e.Ended.At.Format(time.RFC3339))
	case e.Incident != nil:
		return "published without the ledger and kept, " + e.Incident.File.Path + ": " + e.Incident.Reason
	case e.GivenUp != nil:
		return fmt.Sprintf("head %.16s of %s is given up: %s", e.GivenUp.Head, e.GivenUp.Of, e.GivenUp.Reason)
	case e.Material != nil:
		return e.Material.String()
	case e.Record != nil:
		return "record of ceremony " + e.Record.Ceremony
	}
	return ""
}
